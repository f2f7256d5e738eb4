"""``<NAME>_circuit_breaker_status.json``: may this desk trade, and if not, why.

``is_open`` true means that trading IS allowed, as the operator's manual has it (the reverse of the usual
breaker word); ``trading_allowed`` and ``state`` say it again, plainly. A file that cannot be read means
tripped.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from mm.core.actions import Stop
from mm.core.picture import BreakerPicture, Observed
from mm.core.units import SECOND, Nanos
from mm.observe.files import iso, seconds
from mm.observe.observer import Every, Watcher
from mm.observe.plain import known_values
from mm.observe.replace import Replacer, json_document

MEASURES_EVERY: Nanos = 2 * SECOND
ERRORS_SHOWN = 10
LARGEST = 1 << 20
UNREADABLE = "status_file"


class BreakerStatus(msgspec.Struct, frozen=True):
    """The file as it is read back; times are epoch seconds. Unknown keys are passed over."""

    is_open: bool
    trading_allowed: bool
    state: str
    trip_reason: str | None
    trip_rule: str | None
    trip_time: float | None
    consecutive_errors: int
    measures: dict[str, float | None]
    thresholds: dict[str, float | None]
    recent_errors: list[str]
    updated_at: float


def read_status(path: Path) -> BreakerStatus:
    """What the file says. Missing, unreadable, or contradicting itself: tripped by rule ``status_file``."""
    try:
        with path.open("rb") as file:
            status = msgspec.json.decode(file.read(LARGEST), type=BreakerStatus)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        return _unreadable(f"{path.name} cannot be read: {error}")
    if not status.is_open == status.trading_allowed == (status.state == "ok"):
        return _unreadable(f"{path.name} contradicts itself")
    return status


def _unreadable(reason: str) -> BreakerStatus:
    return BreakerStatus(False, False, "tripped", reason, UNREADABLE, None, 0, {}, {}, [], 0.0)


class BreakerStatusFiles(Watcher):
    """``paths``: one for each desk; the account's breaker spans desks, so all say the same. Written at
    once when something changed, and every two seconds if only measures moved."""

    def __init__(self, paths: Iterable[Path], replacer: Replacer) -> None:
        super().__init__({}, {Stop: self._stop})
        self._paths = list(paths)
        self._replacer = replacer
        self._measures = Every(MEASURES_EVERY)
        self._written: BreakerPicture | None = None

    def on_time(self, now: Nanos, engine: Observed) -> None:
        breaker = engine.picture().breaker
        if breaker == self._written:
            return
        if self._measures.is_due(now) or _gist(breaker) != _gist(self._written):
            self._write(breaker, now)

    def _stop(self, ts: Nanos, action: Stop, engine: Observed) -> None:
        self._write(engine.picture().breaker, ts)

    def _write(self, breaker: BreakerPicture, now: Nanos) -> None:
        self._written = breaker
        document = json_document(breaker_form(breaker, now))
        for path in self._paths:
            self._replacer.put(path, document)


def _gist(breaker: BreakerPicture | None) -> object:
    """What must be on disk at once."""
    if breaker is None:
        return None
    return (
        breaker.trading_allowed,
        breaker.trip_rule,
        breaker.trip_reason,
        breaker.trip_ts,
        breaker.consecutive_errors,
        breaker.thresholds,
        breaker.recent_errors,
    )


def breaker_form(breaker: BreakerPicture, now: Nanos) -> dict[str, object]:
    """The document. Without a trip its reason, rule and time are null."""
    is_ok = breaker.trading_allowed
    return {
        "is_open": is_ok,
        "trading_allowed": is_ok,
        "state": "ok" if is_ok else "tripped",
        "trip_reason": breaker.trip_reason or None,
        "trip_rule": breaker.trip_rule or None,
        "trip_time": seconds(breaker.trip_ts) if breaker.trip_ts else None,
        "trip_time_iso": iso(breaker.trip_ts) if breaker.trip_ts else None,
        "consecutive_errors": breaker.consecutive_errors,
        "measures": known_values(breaker.measures),
        "thresholds": known_values(breaker.thresholds),
        "recent_errors": list(breaker.recent_errors[-ERRORS_SHOWN:]),
        "updated_at": seconds(now),
        "updated_at_iso": iso(now),
    }
