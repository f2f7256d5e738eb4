"""Faults as rows of a file, YAML or JSON, and as the admin port hears and tells them: a list of mappings.

A row has the fields of `faults.Fault`; ``body`` is text. What is wrong with a file is told all at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from mm.sim.faults import Fault
from mm.sim.rest import Json

MOST_BYTES = 1_000_000
_FIELDS: dict[str, type] = {
    "point": str,
    "kind": str,
    "method": str,
    "contains": str,
    "skip": int,
    "times": int,
    "probability": float,
    "delay_ns": int,
    "status": int,
    "body": str,
}
_NEEDED = ("point", "kind")
_WORDS = {str: "text", int: "a whole number", float: "a number"}


class BadFaults(ValueError):
    """Rows that cannot be used; the message names each row and what is wrong with it."""


def load_faults(path: Path) -> list[Fault]:
    """The faults of a file. Raises BadFaults for its content, OSError where it cannot be read."""
    raw = path.read_bytes()
    if len(raw) > MOST_BYTES:
        raise BadFaults(f"more than {MOST_BYTES} bytes")
    try:
        rows: Any = yaml.safe_load(raw)  # JSON is YAML
    except yaml.YAMLError as error:
        raise BadFaults(f"neither YAML nor JSON: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise BadFaults("nested too deeply") from None
    return faults_of(rows)


def faults_of(rows: Any) -> list[Fault]:
    """The faults of decoded rows. Raises BadFaults."""
    if not isinstance(rows, list):
        raise BadFaults("a list of faults is needed")
    faults: list[Fault] = []
    wrong: list[str] = []
    for number, row in enumerate(rows, 1):
        try:
            faults.append(_fault(row))
        except ValueError as error:
            wrong.append(f"row {number}: {error}")
    if wrong:
        raise BadFaults("; ".join(wrong))
    return faults


def _fault(row: Any) -> Fault:
    """Raises ValueError."""
    if not isinstance(row, dict):
        raise ValueError("a mapping of fields is needed")
    strange = [str(name) for name in row if name not in _FIELDS]
    missing = [name for name in _NEEDED if name not in row]
    if strange:
        raise ValueError(f"unknown {', '.join(strange)}; the fields are {', '.join(_FIELDS)}")
    if missing:
        raise ValueError(f"{' and '.join(missing)} missing")
    for name, value in row.items():
        if not _fits(value, _FIELDS[name]):
            raise ValueError(f"{name} is {_WORDS[_FIELDS[name]]}, not {value!r}")
    return Fault(**{**row, "body": row.get("body", "").encode()})


def _fits(value: Any, kind: type) -> bool:
    kinds = (int, float) if kind is float else (kind,)
    return isinstance(value, kinds) and not isinstance(value, bool)


def row_of(fault: Fault) -> Json:
    """The row of a fault; what it has used up of ``skip`` and ``times`` is gone from them."""
    row: Json = {name: getattr(fault, name) for name in _FIELDS}
    return {**row, "body": fault.body.decode(errors="replace")}
