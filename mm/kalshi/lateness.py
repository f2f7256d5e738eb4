"""Whether market data arrives too late to quote on, told when that begins and when it is over (invariant I9).

Only changes of books count: their time stamp is that of the change. A ticker is dated when it was last worth
telling, and the first one after a subscription may be hours old.
"""

from __future__ import annotations

from typing import Final

from mm.core.events import DataAge
from mm.core.units import MILLISECOND, SECOND, Nanos

TOO_OLD: Final[Nanos] = 2 * SECOND
# So long all samples must say the same before it is believed: one may be odd, a stream may stutter.
BELIEVED_AFTER: Final[dict[bool, Nanos]] = {True: 200 * MILLISECOND, False: SECOND}
# With no change for so long, there is nothing that could be late.
QUIET: Final[Nanos] = 30 * SECOND
_CHANGE: Final = b'"orderbook_delta"'


class Lateness:
    """``looked`` with samples of frames, ``on_time`` at every beat, ``anew`` with a new connection; each
    returns what is to be told."""

    def __init__(self) -> None:
        self._is_late = False
        self._otherwise_since: Nanos | None = None
        self._last: Nanos = 0

    def looked(self, age: Nanos, ts: Nanos, frame: bytes) -> DataAge | None:
        """``frame`` arrived at ``ts`` and was dated ``age`` before, by both clocks."""
        if _CHANGE not in frame:
            return None
        self._last = ts
        is_late = age > TOO_OLD
        if is_late is self._is_late:
            self._otherwise_since = None
            return None
        if self._otherwise_since is None:
            self._otherwise_since = ts
        if ts - self._otherwise_since < BELIEVED_AFTER[is_late]:
            return None
        return self._turn(is_late, ts, age)

    def on_time(self, ts: Nanos) -> DataAge | None:
        return self._turn(False, ts, 0) if self._is_late and ts - self._last >= QUIET else None

    def anew(self, ts: Nanos) -> DataAge | None:
        self._otherwise_since = None
        return self._turn(False, ts, 0) if self._is_late else None

    def _turn(self, is_late: bool, ts: Nanos, age: Nanos) -> DataAge:
        self._is_late, self._otherwise_since = is_late, None
        return DataAge(ts, age, is_late)
