"""Market data that arrives late: no quote is priced from it (invariant I9). Quotes go at once, and come back
when it is fresh."""

from __future__ import annotations

from mm.core.actions import AnyAction
from mm.core.events import DataAge
from mm.core.modes import Modes
from mm.core.retreat import Retreat
from mm.core.units import SECOND

MARKET_DATA = "market data"


class Lateness:
    """`take` what the feed says of its age."""

    def __init__(self, modes: Modes, retreat: Retreat) -> None:
        self._modes, self._retreat = modes, retreat

    def take(self, event: DataAge) -> list[AnyAction]:
        if not event.is_late:
            self._modes.go_on_without(MARKET_DATA)
            return []
        reason = f"market data is {event.age / SECOND:.1f} s old, or our clock is ahead"
        self._modes.wait_for(MARKET_DATA, reason)
        return [] if self._modes.is_ending else self._retreat.cancel_everything(event.ts, reason)
