"""How old market data is on arrival: the exchange's time stamp of a message against our clock.

Only a sample is looked at, so that a fast stream is not slowed by being measured. Source of the key:
protocol section 10.3 (``ts_ms``, milliseconds of the exchange's clock).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from mm.core.units import MILLISECOND, Nanos

SAMPLE_EVERY: Final[Nanos] = 10 * MILLISECOND
LARGEST_LOOKED_AT: Final = 4_096
_STAMP: Final = re.compile(rb'"ts_ms"\s*:\s*(\d{1,15})\b')


class AgeSampler:
    """``tell(age, ts)``: how long ago the exchange dated the message that arrived at ``ts``. Both clocks'
    offset is part of an age, which may therefore be negative."""

    def __init__(self, tell: Callable[[Nanos, Nanos], None]) -> None:
        self._tell = tell
        self._next: Nanos = 0

    def look(self, ts: Nanos, frame: bytes) -> Nanos | None:
        """The age, if it was measured: at most of one frame each `SAMPLE_EVERY`; large ones and those without
        a time tell nothing."""
        if ts < self._next or len(frame) > LARGEST_LOOKED_AT:
            return None
        found = _STAMP.search(frame)
        if found is None:
            return None
        self._next = ts + SAMPLE_EVERY
        age = ts - int(found[1]) * MILLISECOND
        self._tell(age, ts)
        return age
