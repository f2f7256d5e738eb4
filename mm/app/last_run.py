"""``last_run.json``: who runs here or ran last, and how that ended. A run that was killed cannot write its
end, and that is how the next one knows.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Literal, TypeVar

import msgspec

from mm.core.actions import Alert, AlertLevel
from mm.core.units import SECOND, Nanos
from mm.observe.append import StorageError
from mm.observe.files import iso, seconds
from mm.observe.heartbeat import Process
from mm.observe.replace import json_document, replace_file

NAME: Final = "last_run.json"
HEARTBEAT: Final = "heartbeat.json"
FARTHEST: Final[Nanos] = 7 * 24 * 3_600 * SECOND
LARGEST: Final = 1 << 20
T = TypeVar("T")


class LastRun(msgspec.Struct, frozen=True):
    """The file. Times are epoch seconds; ``ended`` and ``exit_code`` are null while it runs, and for ever if
    it was killed. ``exchange`` is whose account it had, empty for a simulated one of its own;
    ``fills_since``: what filled there from then on, no run before it has told. ``config``: the whole path of
    its configuration, for commands that are typed in the run directory."""

    pid: int
    version: str
    state: Literal["running", "ended"]
    started: float
    started_iso: str
    ended: float | None = None
    ended_iso: str | None = None
    exit_code: int | None = None
    reason: str = ""
    exchange: str = ""
    fills_since: float | None = None
    config: str = ""


class Beat(msgspec.Struct, frozen=True):
    """What of ``heartbeat.json`` is told about a run that is no more."""

    timestamp: float
    timestamp_iso: str
    status: str
    resting_orders: int
    pid: int
    bankroll: float | None = None
    last_reconcile: float | None = None


class Former(msgspec.Struct, frozen=True):
    """What the run before left: all ``None`` if there was none. ``fault``: why a file could not be read."""

    run: LastRun | None = None
    beat: Beat | None = None
    fault: str = ""


class Ended(msgspec.Struct):
    """How this run ends; whoever knows fills it in. Left as it is, it was a fault."""

    exit_code: int = 1
    reason: str = "it failed"


def read_former(run_dir: Path) -> Former:
    """Before anything is written."""
    try:
        run = _read(run_dir / NAME, LastRun)
        return Former(run, _read(run_dir / HEARTBEAT, Beat))
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        return Former(fault=str(error))


def _read(path: Path, form: type[T]) -> T | None:
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(file.read(LARGEST), type=form)
    except FileNotFoundError:
        return None


def crash_of(former: Former) -> Alert | None:
    """What an operator must hear of the former run, if it did not end by itself."""
    if former.fault:
        text = f"how the former run ended is not known: {former.fault}"
        return Alert(AlertLevel.CRITICAL, "bot_crash", text)
    run, beat = former.run, former.beat
    if run is None or run.state == "ended":
        return None
    text = f"the former run (process {run.pid}, since {run.started_iso}) ended without stopping"
    if beat is None or beat.pid != run.pid:
        return Alert(AlertLevel.CRITICAL, "bot_crash", f"{text}: killed, or the machine went down")
    text += f": last heartbeat {beat.timestamp_iso}, {beat.resting_orders} orders resting"
    details = (
        ("pid", run.pid),
        ("last_heartbeat", beat.timestamp),
        ("last_status", beat.status),
        ("resting_orders", beat.resting_orders),
    )
    return Alert(AlertLevel.CRITICAL, "bot_crash", text, details=details)


def fills_since(former: Former, exchange: str, now: Nanos) -> Nanos | None:
    """Since when fills at this exchange may be in no file: the former run's last look at the account; if it
    had none, since when they were untold before it. None if no run has traded with this account here."""
    if former.fault:
        return now - FARTHEST if exchange else None
    run, beat = former.run, former.beat
    if run is None or not exchange or run.exchange != exchange:
        return None
    looked = beat.last_reconcile if beat is not None else None
    since = looked or run.fills_since or run.started
    return max(round(since * SECOND), now - FARTHEST)


@contextmanager
def written_down(
    run_dir: Path,
    process: Process,
    started: Nanos,
    exchange: str = "",
    untold_since: Nanos | None = None,
    config: str = "",
) -> Iterator[Ended]:
    """Say that this process runs, for the time of the block, and then how it ended.

    :raises StorageError: if the beginning cannot be written. An end that cannot be written is one that
        the next start calls a crash: it is told too much, never too little.
    """
    begun = LastRun(
        process.pid,
        process.version,
        "running",
        seconds(started),
        iso(started),
        exchange=exchange,
        fills_since=seconds(started if untold_since is None else untold_since),
        config=config,
    )
    _write(run_dir, begun)
    ended = Ended()
    try:
        yield ended
    finally:
        now = time.time_ns()
        fields = {"ended": seconds(now), "ended_iso": iso(now)}
        last = msgspec.structs.replace(
            begun, state="ended", exit_code=ended.exit_code, reason=ended.reason, **fields
        )
        # The disk's refusal has been alerted by those who write all the time.
        with suppress(StorageError):
            _write(run_dir, last)


def _write(run_dir: Path, run: LastRun) -> None:
    replace_file(run_dir / NAME, json_document(msgspec.to_builtins(run)))


def age(beat: Beat) -> float:
    """Seconds since the heartbeat."""
    return max(time.time_ns() / SECOND - beat.timestamp, 0.0)
