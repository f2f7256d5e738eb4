"""The files that are replaced as a whole, at the start of a run: valid at once, and true to the last run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mm.core.memory import NOTHING, BreakerMemory
from mm.core.picture import BreakerPicture
from mm.core.units import Nanos
from mm.observe.append import StorageError
from mm.observe.metrics_form import empty_metrics
from mm.observe.names import inside
from mm.observe.replace import json_document, replace_file
from mm.observe.status import UNREADABLE, BreakerStatus, breaker_form, read_status


def make_directory(run_dir: Path) -> Path:
    try:
        run_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
        return run_dir.resolve(strict=True)
    except OSError as error:
        raise StorageError(run_dir, "make", error) from error


def _status_path(home: Path, name: str) -> Path:
    return inside(home, f"{name}_circuit_breaker_status.json")


def last_status(home: Path, name: str) -> BreakerStatus | None:
    """None only if this desk has never run here; a status file that vanished later means tripped."""
    path = _status_path(home, name)
    if not path.exists() and not inside(home, f"Strategy_{name}_trading.jsonl").exists():
        return None
    return read_status(path)


def first_status(home: Path, statuses: Mapping[str, BreakerStatus | None], now: Nanos) -> dict[str, Path]:
    """A readable file stays until the engine speaks; an unreadable one becomes what it means: tripped. The
    paths by desk."""
    paths = {name: _status_path(home, name) for name in statuses}
    for name, status in statuses.items():
        if status is None:
            write_status(home, name, BreakerPicture(True, "", "", 0, 0, {}, {}, ()), now)
        elif status.trip_rule == UNREADABLE:
            reason = status.trip_reason or ""
            write_status(home, name, BreakerPicture(False, UNREADABLE, reason, now, 0, {}, {}, ()), now)
    return paths


def write_status(
    home: Path, name: str, breaker: BreakerPicture, now: Nanos, memory: BreakerMemory = NOTHING
) -> None:
    """At once and durably, while no run does it. Raises `StorageError`."""
    replace_file(_status_path(home, name), json_document(breaker_form(breaker, now, memory)))


def first_metrics(home: Path, desks: Mapping[str, str], now: Nanos) -> dict[str, Path]:
    """Zeros and nulls. The paths by desk."""
    paths = {}
    for name, strategy in desks.items():
        paths[name] = inside(home, f"Strategy_{name}_metrics.json")
        replace_file(paths[name], json_document(empty_metrics(name, strategy, now)))
    return paths
