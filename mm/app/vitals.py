"""What a run's files say, read from outside: no lock, no connection, also while it runs or when it is dead.

A file that cannot be read is a problem with words, and what it would have said is unknown.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from mm.app.errors import CannotRun
from mm.app.kill_switch import KillSwitch
from mm.app.last_run import LastRun, read_former
from mm.app.lock import holder_of
from mm.observe.status import BreakerStatus, read_status

LARGEST_DOCUMENT = 64 << 20
BLOCK = 1 << 16
# Of a table: some minutes.
ROWS = 5_000
MINUTE = 60  # of rows that come once a second


class DeskVitals(msgspec.Struct, frozen=True):
    """``summary``, ``markets`` and ``other_markets`` are those of the metrics file, empty if it cannot be
    read. ``round_trip_ms``: what the exchange took to answer a request about an order, on average, lately;
    ``clock_ms``: how far our clock is from the exchange's, by the quickest message of a minute."""

    name: str
    summary: dict[str, Any]
    status: BreakerStatus
    markets: dict[str, Any] = {}
    other_markets: dict[str, Any] = {}
    round_trip_ms: float | None = None
    clock_ms: float | None = None


class Vitals(msgspec.Struct, frozen=True):
    """``now``: when it was read, in seconds. ``heartbeat`` is empty if it cannot be read; ``alerts`` are the
    last ones, oldest first. ``problems``: file name and what is wrong with it. ``run``: how the last run
    ended, if it has; ``is_killed``: it has not, and yet nobody runs. ``home``: where all this was read;
    ``kill_switch``: why nothing may be traded there, empty while it is off."""

    now: float
    desks: tuple[DeskVitals, ...]
    heartbeat: dict[str, Any]
    alerts: tuple[dict[str, Any], ...]
    problems: tuple[tuple[str, str], ...]
    run: LastRun | None = None
    is_killed: bool = False
    home: Path = Path()
    kill_switch: str = ""


def read_vitals(run_dir: Path, desks: Iterable[str], now: float, alerts: int = 100) -> Vitals:
    """Everything at once; never raises for what stands, or does not stand, in the files."""
    problems: list[tuple[str, str]] = []
    found = []
    for name in desks:
        metrics = _document(run_dir / f"Strategy_{name}_metrics.json", problems)
        parts = (_mapping(metrics, name) for name in ("summary", "markets", "other_markets"))
        summary, markets, others = parts
        status_path = run_dir / f"{name}_circuit_breaker_status.json"
        if not status_path.is_file():
            problems.append((status_path.name, "missing"))
        rows = _latencies(run_dir / f"Strategy_{name}_latencies.csv")
        measured = _mean(_column(rows, b"round_trip")), _clock(_column(rows, b"feed_age_min"))
        found.append(DeskVitals(name, summary, read_status(status_path), markets, others, *measured))
    heartbeat = _document(run_dir / "heartbeat.json", problems)
    lines = tuple(_records(run_dir / "alerts.jsonl", alerts, problems))
    run, is_killed = _last_run(run_dir)
    killed = KillSwitch(run_dir, {}).reason()
    return Vitals(now, tuple(found), heartbeat, lines, tuple(problems), run, is_killed, run_dir, killed)


def _last_run(run_dir: Path) -> tuple[LastRun | None, bool]:
    """How it ended, and whether it was killed, which it cannot say itself: its lock is free then."""
    run = read_former(run_dir).run
    if run is None or run.state == "ended":
        return run, False
    try:
        return None, not holder_of(run_dir)
    except CannotRun:
        return None, False


def last_lines(path: Path, count: int) -> list[bytes]:
    """The last whole lines of a file, read from its end; a torn one at the end is left out. Symbolic links
    are not followed. Raises OSError."""
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(file, "rb") as opened:
        end = opened.seek(0, os.SEEK_END)
        data = b""
        while end > 0 and data.count(b"\n") <= count:
            start = max(end - BLOCK, 0)
            opened.seek(start)
            data = opened.read(end - start) + data
            end = start
    lines = data.split(b"\n")[:-1]
    return lines[-count:] if end == 0 else lines[1:][-count:]


def _mapping(document: dict[str, Any], key: str) -> dict[str, Any]:
    found = document.get(key)
    return found if isinstance(found, dict) else {}


def _latencies(path: Path) -> list[list[bytes]]:
    """The last rows of the table; none if it cannot be read."""
    try:
        return [line.split(b",") for line in last_lines(path, ROWS)]
    except OSError:
        return []


def _column(rows: Iterable[list[bytes]], name: bytes) -> list[float]:
    """The measures of this name, oldest first; none if one of them is no number."""
    try:
        return [float(row[2]) for row in rows if row[1:2] == [name]]
    except (ValueError, IndexError):
        return []


def _mean(found: list[float]) -> float | None:
    return sum(found) / len(found) if found else None


def _clock(ages: list[float]) -> float | None:
    """A message takes its time: the youngest on arrival shows the clocks' offset best."""
    return abs(min(ages[-MINUTE:])) if ages else None


def _document(path: Path, problems: list[tuple[str, str]]) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            document = msgspec.json.decode(file.read(LARGEST_DOCUMENT))
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        problems.append((path.name, _words(error)))
        return {}
    if not isinstance(document, dict):
        problems.append((path.name, "is no JSON object"))
        return {}
    return document


def _records(path: Path, count: int, problems: list[tuple[str, str]]) -> Iterator[dict[str, Any]]:
    try:
        lines = last_lines(path, count)
    except OSError as error:
        problems.append((path.name, _words(error)))
        return
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            problems.append((path.name, "has a line that is no JSON"))
            continue
        if isinstance(record, dict):
            yield record


def _words(error: Exception) -> str:
    return "missing" if isinstance(error, FileNotFoundError) else str(error)
