"""A book that stands still while its ticker tells other best prices is not alive, whatever its subscription
says (invariant I9, fault F25). It is fetched again, then the feed is begun anew, then the market is left
alone for a while.
"""

from __future__ import annotations

from typing import Final

from mm.core.actions import Alert, AlertLevel, AnyAction, Reconnect, Resubscribe
from mm.core.events import MarketState
from mm.core.knowledge import Knowledge
from mm.core.market import Market
from mm.core.units import SECOND, Nanos

# A ticker comes about once a second, and may be ahead of the book or behind it by as much.
PATIENCE: Final[Nanos] = 5 * SECOND
AGAIN_WITHIN: Final[Nanos] = 60 * SECOND
RECONNECT_EVERY: Final[Nanos] = 600 * SECOND  # all markets suffer from it, and the fault may be one market's
REASON: Final = "the book stands still while its ticker moves"


class Contradiction:
    """`step` with each Tick in which a market is contradicted."""

    def __init__(self, know: Knowledge) -> None:
        self._know = know
        self._may_reconnect_from: Nanos = 0

    def step(self, now: Nanos) -> list[AnyAction]:
        """What is to be done about the books that have been contradicted for too long."""
        overdue = self._take_overdue(now)
        again = [market for market in overdue if _was_contradicted(market, now)]
        for market in overdue:
            market.contradicted_at = now
            self._know.lose_book(market)
        if again and now >= self._may_reconnect_from:
            self._may_reconnect_from = now + RECONNECT_EVERY
            return [Reconnect(REASON)]  # brings all books anew
        alerts = [_leave_alone(market, now) for market in again]
        return [*alerts, *(Resubscribe(market.ticker, REASON) for market in overdue)]

    def _take_overdue(self, now: Nanos) -> list[Market]:
        contradicted, markets = self._know.contradicted, self._know.markets
        overdue = [ticker for ticker, since in contradicted.items() if now - since >= PATIENCE]
        for ticker in overdue:
            del contradicted[ticker]
        return [markets[ticker] for ticker in overdue if markets[ticker].state is MarketState.ACTIVE]


def _was_contradicted(market: Market, now: Nanos) -> bool:
    return market.contradicted_at is not None and now - market.contradicted_at < AGAIN_WITHIN


def _leave_alone(market: Market, now: Nanos) -> Alert:
    market.pulled_until = max(market.pulled_until, now + AGAIN_WITHIN)
    text = f"no quotes in {market.ticker} for {AGAIN_WITHIN // SECOND} s: {REASON}"
    return Alert(AlertLevel.WARNING, "api_errors", text, market.desk, (("subject", market.ticker),))
