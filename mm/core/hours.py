"""Whether the exchange takes orders: by what it says of itself, by its refusals, and by what it has planned.

Sources: protocol sections 8 (status, schedule), 8.1 (maintenance) and 5.7 (`trading_is_paused`); control C14.
"""

from __future__ import annotations

from mm.core.events import ExchangeStatus, TradingHours
from mm.core.units import Nanos

# Refusals for the reason that the whole exchange rests: no order is at fault.
PAUSE_CODES = frozenset({"trading_is_paused", "exchange_is_paused"})
NOT_TOLD = "the exchange has not said whether it is open"
EXCHANGE_PAUSED = "the exchange is paused"
TRADING_PAUSED = "trading is paused by the exchange"
REFUSING = "the exchange refuses orders because of a pause"
PLANNED = "a planned pause of trading"
SOON = "a planned pause of trading begins soon"


class Hours:
    """``is_news``: something was learned that may open or close the exchange. ``closed``: why it takes
    nothing, as of the last `look`."""

    def __init__(self) -> None:
        self.is_news = False
        self.closed = ""
        self._status: ExchangeStatus | None = None
        self._refused_at: Nanos | None = None
        self._pauses: tuple[tuple[Nanos, Nanos], ...] = ()

    def told(self, event: ExchangeStatus) -> tuple[()]:
        """A read that failed tells nothing: what was known stays, and nothing known is no permission. A
        refusal is stronger than an answer to a question that was asked before it."""
        self.is_news = True
        is_known = event.exchange_active is not None and event.trading_active is not None
        if is_known or self._status is None:
            self._status = event
        if is_known and self._refused_at is not None and event.asked_at > self._refused_at:
            self._refused_at = None
        return ()

    def planned(self, event: TradingHours) -> tuple[()]:
        self.is_news = True
        self._pauses = event.pauses
        return ()

    def refused(self, now: Nanos) -> None:
        """A request was refused with one of `PAUSE_CODES`."""
        self.is_news = True
        self._refused_at = now

    def look(self, now: Nanos, ahead: Nanos) -> str:
        """Why there should be no quotes: as `why_closed`, or because a planned pause begins within ``ahead``;
        empty if there may be."""
        self.is_news = False
        self.closed = self.why_closed(now)
        return self.closed or (SOON if self._is_planned(now, ahead) else "")

    def why_closed(self, now: Nanos) -> str:
        """Why nothing is taken now; empty if orders are, as far as is known."""
        status = self._status
        if status is not None and not status.trading_active:
            if status.exchange_active is None or status.trading_active is None:
                return NOT_TOLD
            return TRADING_PAUSED if status.exchange_active else EXCHANGE_PAUSED
        if status is not None and not status.exchange_active:
            return EXCHANGE_PAUSED
        if self._refused_at is not None:
            return REFUSING
        return PLANNED if self._is_planned(now, 0) else ""

    def _is_planned(self, now: Nanos, ahead: Nanos) -> bool:
        return bool(self._pauses) and any(begin - ahead <= now < end for begin, end in self._pauses)
