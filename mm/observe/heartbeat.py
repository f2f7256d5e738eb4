"""``heartbeat.json``: the trading loop lives, and what it is about. Written by that loop itself, so that a
hang shows as an old file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from mm.core.events import Tick
from mm.core.picture import EnginePicture, Observed
from mm.core.units import MILLISECOND, SECOND, Nanos
from mm.observe.append import StorageError
from mm.observe.files import seconds, stamp
from mm.observe.observer import Every, Watcher
from mm.observe.plain import amount, milliseconds
from mm.observe.replace import json_document, replace_file

EVERY: Nanos = SECOND
EXPECTED_CALL: Nanos = 250 * MILLISECOND
STATUS_OF_MODE = {
    "STARTING": "starting",
    "QUOTING": "active",
    "PAUSED": "paused",
    "HALTED": "disabled",
    "CLOSING": "stopping",
    "CLOSED": "stopping",
}
# How much of what the exchange allows was used in the last minute.
WRITE_LIMIT_USED: Final = "write_limit_used_pct"
READ_LIMIT_USED: Final = "read_limit_used_pct"
DISABLED_BY = frozenset({"halted", "kill_switch"})
RESTING = frozenset({"RESTING", "PENDING_AMEND", "PENDING_CANCEL"})


def _gist(form: Mapping[str, object]) -> object:
    """What whoever has just stopped the bot looks for: it is told without waiting for the next beat."""
    return form["status"], form["pauses"], form["resting_orders"] == 0


class Process(msgspec.Struct, frozen=True):
    """Who writes: for people and for the watchdog."""

    pid: int
    version: str


def status_word(picture: EnginePicture) -> str:
    """active, paused, disabled (halted by a person), tripped, starting or stopping."""
    word = STATUS_OF_MODE[picture.mode.upper()]
    breaker = picture.breaker
    if breaker.trading_allowed or word == "stopping":
        return word
    return "disabled" if breaker.trip_rule in DISABLED_BY else "tripped"


class Heartbeat(Watcher):
    """``interval``: how often the file is renewed. ``cycle`` counts Ticks. ``loop_lag_ms`` is by how much
    the loop came late to its periodic work, the worst since the last heartbeat. ``shell``: what
    others measure and is told along, None while it is not known. ``fault`` is set while the disk refuses."""

    def __init__(
        self,
        path: Path,
        process: Process,
        started: Nanos,
        interval: Nanos = EVERY,
    ) -> None:
        super().__init__({Tick: self._tick}, {})
        self.fault: StorageError | None = None
        self._path = path
        self._process = process
        self._interval = interval
        self.shell: dict[str, float | None] = dict.fromkeys((WRITE_LIMIT_USED, READ_LIMIT_USED))
        self._beat = Every(interval)
        self._cycle = 0
        self._last_call: Nanos | None = None
        self._lag: Nanos = 0
        self._last = {**stamp(started), **self._form("starting", started, None)}
        self._write()

    def _tick(self, event: Tick, engine: Observed) -> None:
        self._cycle += 1

    def on_time(self, now: Nanos, engine: Observed) -> None:
        if self._last_call is not None:
            self._lag = max(self._lag, now - self._last_call - EXPECTED_CALL)
        self._last_call = now
        picture = engine.picture()
        form = self._form(status_word(picture), now, picture)
        if self._beat.is_due(now) or _gist(form) != _gist(self._last):
            self._last = {**stamp(now), **form}
            self._lag = 0
            self._write()

    def close(self) -> None:
        self._last = {**self._last, "status": "stopping"}
        self._write()

    def _write(self) -> None:
        """Not durable: freshness is all that counts here."""
        try:
            replace_file(self._path, json_document(self._last), durable=False)
            self.fault = None
        except StorageError as error:
            self.fault = error

    def _form(self, status: str, now: Nanos, picture: EnginePicture | None) -> dict[str, object]:
        cash = picture.cash if picture is not None else None
        resting = [order for order in picture.orders if order.state.upper() in RESTING] if picture else []
        reconciled = picture.last_reconcile if picture is not None else 0
        oldest = min((order.changed_at for order in resting), default=None)
        return {
            "status": status,
            "pauses": dict(picture.pauses) if picture is not None else {},
            "cycle": self._cycle,
            "interval_s": seconds(self._interval),
            "bankroll": None if cash is None else amount(cash),
            "resting_orders": len(resting),
            "oldest_order_s": None if oldest is None else seconds(now - oldest),
            "last_reconcile": seconds(reconciled) if reconciled else None,
            "loop_lag_ms": milliseconds(self._lag),
            **self.shell,
            "pid": self._process.pid,
            "version": self._process.version,
        }
