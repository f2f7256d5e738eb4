"""``<NAME>_circuit_breaker_status.json``: may this desk trade, and if not, why.

``is_open`` true means that trading IS allowed, as the operator's manual has it (the reverse of the usual
breaker word); ``trading_allowed`` and ``state`` say it again, plainly. A file that cannot be read means
tripped.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from mm.core.actions import Stop
from mm.core.memory import NOTHING, BreakerMemory
from mm.core.picture import BreakerPicture, EnginePicture, Observed
from mm.core.units import SECOND, Nanos
from mm.observe.files import iso, seconds
from mm.observe.observer import Every, Watcher
from mm.observe.plain import known_values
from mm.observe.replace import Replacer, json_document

MEASURES_EVERY: Nanos = 2 * SECOND
ERRORS_SHOWN = 10
LARGEST = 1 << 20
UNREADABLE = "status_file"
# Their limit is a floor under the P&L: shown as the P&L itself and its floor, as the configuration has it.
FLOORS = frozenset({"pnl_threshold", "desk_pnl_threshold"})


class BreakerStatus(msgspec.Struct, frozen=True):
    """The file as it is read back; times are epoch seconds. Unknown keys are passed over. ``memory`` is what
    a start must know; a file from before the engine's first word has none."""

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
    memory: BreakerMemory | None = None


def read_status(path: Path) -> BreakerStatus:
    """What the file says. Missing, unreadable, or contradicting itself: tripped by rule ``status_file``."""
    try:
        with path.open("rb") as file:
            status = _status(msgspec.json.decode(file.read(LARGEST), type=dict[str, Any]))
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        return _unreadable(f"{path.name} cannot be read: {error}")
    if not status.is_open == status.trading_allowed == (status.state == "ok"):
        return _unreadable(f"{path.name} contradicts itself")
    return status


def _status(document: dict[str, Any]) -> BreakerStatus:
    """Whole numbers of the memory are written as text: jq would round them."""
    memory = document.pop("memory", None)
    status = msgspec.convert(document, BreakerStatus)
    if memory is None:
        return status
    return msgspec.structs.replace(status, memory=msgspec.convert(memory, BreakerMemory, strict=False))


def _unreadable(reason: str) -> BreakerStatus:
    return BreakerStatus(False, False, "tripped", reason, UNREADABLE, None, 0, {}, {}, [], 0.0)


class BreakerStatusFiles(Watcher):
    """``paths`` by desk; each shows what holds for that desk, and all carry the whole memory. Written at once
    when something changed, and every two seconds if only measures moved."""

    def __init__(self, paths: Mapping[str, Path], replacer: Replacer) -> None:
        super().__init__({}, {Stop: self._stop})
        self._paths = dict(paths)
        self._replacer = replacer
        self._measures = Every(MEASURES_EVERY)
        self._written: _State | None = None

    def on_time(self, now: Nanos, engine: Observed) -> None:
        state = _State.of(engine.picture(), self._paths)
        if state == self._written:
            return
        if self._measures.is_due(now) or self._written is None or state.gist() != self._written.gist():
            self._write(state, now)

    def _stop(self, ts: Nanos, action: Stop, engine: Observed) -> None:
        self._write(_State.of(engine.picture(), self._paths), ts)

    def _write(self, state: _State, now: Nanos) -> None:
        self._written = state
        memory = msgspec.structs.replace(state.memory, saved_at=now)
        for name, path in self._paths.items():
            self._replacer.put(path, json_document(breaker_form(state.breakers[name], now, memory)))


class _State(msgspec.Struct, frozen=True):
    """What the files say, but for the time."""

    breakers: dict[str, BreakerPicture]
    memory: BreakerMemory

    @classmethod
    def of(cls, picture: EnginePicture, names: Mapping[str, Path]) -> _State:
        own = {desk.name: desk.breaker for desk in picture.desks}
        breakers = {name: own.get(name) or picture.breaker for name in names}
        return cls(breakers, msgspec.structs.replace(picture.memory, saved_at=0))

    def gist(self) -> object:
        """What must be on disk at once."""
        memory = self.memory
        streaks = [desk.losing_streak for desk in memory.desks.values()]
        return (
            [_gist(breaker) for breaker in self.breakers.values()],
            (memory.trips, memory.errors_in_a_row, memory.losing_streak, streaks, memory.stopped),
            (memory.day, memory.day_base, memory.week_base, memory.pnl_floor_base),
        )


def _gist(breaker: BreakerPicture) -> object:
    return (
        breaker.trading_allowed,
        breaker.trip_rule,
        breaker.trip_reason,
        breaker.trip_ts,
        breaker.consecutive_errors,
        breaker.thresholds,
        breaker.recent_errors,
    )


def breaker_form(breaker: BreakerPicture, now: Nanos, memory: BreakerMemory = NOTHING) -> dict[str, object]:
    """The document. Without a trip its reason, rule and time are null; without a memory that is null."""
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
        "measures": known_values(_as_configured(breaker.measures)),
        "thresholds": known_values(_as_configured(breaker.thresholds)),
        "recent_errors": list(breaker.recent_errors[-ERRORS_SHOWN:]),
        "updated_at": seconds(now),
        "updated_at_iso": iso(now),
        "memory": None if memory == NOTHING else _exact(msgspec.to_builtins(memory)),
    }


def _as_configured(values: dict[str, float]) -> dict[str, float]:
    return {rule: (-value or 0.0) if rule in FLOORS else value for rule, value in values.items()}


def _exact(value: Any) -> Any:
    """Whole numbers as text, all the way down."""
    if isinstance(value, dict):
        return {name: _exact(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_exact(inner) for inner in value]
    return str(value) if isinstance(value, int) else value
