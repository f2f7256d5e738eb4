"""The effective configuration to look at: plain data, YAML that loads again, a hash, and origins."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final, NamedTuple

import yaml
from pydantic import BaseModel

from mm.config.document import Document
from mm.config.errors import KeyPath, key_text
from mm.config.explain import SECRET
from mm.config.load import Loaded
from mm.config.model import Config
from mm.config.scalars import ScalarRefused, plain

HIDDEN: Final = "<hidden>"


class Value(NamedTuple):
    """One effective value; ``origin`` is ``config.yaml:12``, a variable's name, or ``default``."""

    key: str
    value: object
    origin: str


def redacted_dict(config: Config) -> dict[str, object]:
    """Plain dicts, lists and scalars, numbers exact (int or `Decimal`), in the order of the models.

    No secret can stand in a configuration; a strategy's parameter that is named like one is hidden still.
    """
    shown = plain_data(config)
    assert isinstance(shown, dict)
    return shown


def config_hash(config: Config) -> str:
    """16 hex digits that change when any effective value does, and not with comments or order of keys."""
    text = json.dumps(for_json(redacted_dict(config)), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def to_json(config: Config) -> str:
    """Strict JSON, indented."""
    return json.dumps(for_json(redacted_dict(config)), indent=2, allow_nan=False)


def to_yaml(config: Config) -> str:
    """Loads again to the same configuration."""
    return yaml.dump(redacted_dict(config), Dumper=_Dumper, sort_keys=False, width=100)


def values(loaded: Loaded) -> Iterator[Value]:
    """Every effective value with its origin, lists as one."""
    yield from _values(redacted_dict(loaded.config), (), loaded.document)


def _values(data: Mapping[str, object], path: KeyPath, document: Document) -> Iterator[Value]:
    for key, value in data.items():
        here = (*path, key)
        if isinstance(value, Mapping) and value:
            yield from _values(value, here, document)
        else:
            yield Value(key_text(here), value, _origin(here, document))


def _origin(path: KeyPath, document: Document) -> str:
    if variable := document.variables.get(path):
        return variable
    place = document.values.get(path)
    return f"{document.file}:{place.line}" if place else "default"


def plain_data(value: object) -> object:
    """Dicts, lists, text, int and `Decimal`."""
    if isinstance(value, BaseModel):
        return {name: plain_data(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, Mapping):
        return {key: HIDDEN if SECRET.search(key) else plain_data(inner) for key, inner in value.items()}
    if isinstance(value, tuple | list):
        return [plain_data(inner) for inner in value]
    if isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else Decimal(value)
    return value


def for_json(value: object) -> object:
    """For `json.dumps`: exact decimals become floats, which print as the same digits."""
    if isinstance(value, dict):
        return {key: for_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [for_json(inner) for inner in value]
    return float(value) if isinstance(value, Decimal) else value


class _Dumper(yaml.SafeDumper):
    """Quotes whatever our own reader would not take as text, and writes decimals digit by digit."""


def _text(dumper: _Dumper, text: str) -> yaml.Node:
    try:
        style = None if plain(text) == text else '"'
    except ScalarRefused:
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _decimal(dumper: _Dumper, value: Decimal) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:float", f"{value.normalize():f}")


_Dumper.add_representer(str, _text)
_Dumper.add_representer(Decimal, _decimal)
