"""Closes positions: in each market one order at a time, at once or not at all, until flat or given up.

A market is closed as soon as no order of ours is left in it. Each order takes what the other side of the book
offers within the desk's collar; it may only reduce (protocol section 5.1), so it passes the limits that bound
what is opened, and heeds the hard caps alone. Taking costs the taker's fee.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mm.core.actions import Alert, AlertLevel, AnyAction
from mm.core.events import MarketState
from mm.core.execution import Budget, Execution
from mm.core.knowledge import Knowledge
from mm.core.market import Market
from mm.core.strategy import Quote
from mm.core.units import DOLLAR, SECOND, Count, Money, Nanos, Price, Side, count_text

TRIES = 5
FIRST_WAIT: Nanos = SECOND // 2
ENDED = (MarketState.CLOSED, MarketState.DETERMINED, MarketState.SETTLED)


@dataclass(slots=True)
class _Progress:
    """Of one market. ``tries`` in a row closed nothing; ``left`` was open when the last one was sent."""

    tries: int = 0
    left: Count = 0
    not_before: Nanos = 0


# Why nothing can be sent for a market at this moment.
_HINDRANCES: tuple[tuple[str, Callable[[Knowledge, Market], bool]], ...] = (
    ("the exchange takes no orders", lambda know, market: bool(know.hours.closed)),
    ("no market data", lambda know, market: not know.link_up),
    ("the market is not open", lambda know, market: market.state is not MarketState.ACTIVE),
    ("its book is not known", lambda know, market: not market.book.in_sync),
    ("an order of ours is undecided", lambda know, market: bool(know.orders.of_market(market.ticker))),
)


def closing_quote(
    market: Market, position: Count, collar: Price, max_count: Count, max_value: Money
) -> Quote | None:
    """What to send to close ``position`` (signed, not 0): the price is that of the last level needed, no
    further than ``collar`` from the middle of the book without our own orders. ``None`` if the book has
    no middle (no reference, no order: control C03) or nothing to take within the collar."""
    bids, asks = (side.levels(len(side.keys), {}) for side in (market.book.bids, market.book.asks))
    if not bids or not asks:
        return None
    twice_the_middle = bids[0][0] + asks[0][0]
    side, levels = (Side.ASK, bids) if position > 0 else (Side.BID, asks)
    price, offered = 0, 0
    for level, count in levels:
        if abs(2 * level - twice_the_middle) > 2 * collar or offered >= abs(position):
            break
        price, offered = level, offered + count
    at_risk = price if side is Side.BID else DOLLAR - price
    count = min(abs(position), offered, max_count, max_value // at_risk if at_risk else 0)
    return Quote(side, price, count) if count else None


class Flattening:
    """Of the whole account: every position in a market of a desk. Positions elsewhere are not ours to close.

    ``is_on`` from `begin` until everything is closed, or given up, or `stop`.
    """

    def __init__(self, know: Knowledge, execution: Execution) -> None:
        self.is_on = False
        self._know = know
        self._execution = execution
        self._until: Nanos | None = None
        self._progress: dict[str, _Progress] = {}

    def begin(self, until: Nanos | None) -> None:
        """Close everything, anew if it is on already. ``until``: give up then; ``None``: wait for market data
        however long it takes, and give up `shutdown_patience` after it is back."""
        self.is_on = True
        self._until = until
        self._progress = {}

    def step(self, now: Nanos, budget: Budget, is_sure: bool) -> list[AnyAction]:
        """The orders that are due, each already marked as under way; at the end, what could not be closed.
        ``is_sure``: no fill is still to be read; until then a position may be another one."""
        if not self.is_on or (self._until is None and not self._know.link_up):
            return []
        if self._until is None:
            self._until = now + self._know.settings.shutdown_patience
        if now >= self._until or (is_sure and self._is_over()):
            return self.stop("not in time")
        if not is_sure:
            return []
        actions: list[AnyAction] = []
        for ticker, position in self._open():
            quote = self._due(ticker, position, now)
            if quote is not None and budget.orders > 0:
                budget.orders -= 1
                actions.append(self._execution.close(ticker, quote, now))
                self._sent(ticker, position, now)
        return actions

    def stop(self, why: str = "stopped before it was done") -> list[AnyAction]:
        """End, and tell how: nothing if there was nothing to close. ``why``: what was in the way of
        positions that could have been closed still; a person, if nothing is said."""
        was_on, self.is_on = self.is_on, False
        if not was_on:
            return []
        if self._know.ledger.opening_cash is None:
            return [Alert(AlertLevel.WARNING, "flatten", "nothing was closed: the positions are not known")]
        left = self._open()
        if left:
            details = tuple((ticker, count_text(position)) for ticker, position in left)
            texts = (
                f"{ticker} {count_text(count)} ({self._why_open(ticker, count, why)})"
                for ticker, count in left
            )
            return [
                Alert(
                    AlertLevel.WARNING,
                    "flatten",
                    f"still open, as far as is known: {', '.join(texts)}",
                    details=details,
                )
            ]
        if self._progress:
            return [Alert(AlertLevel.INFO, "flatten", f"closed: {', '.join(self._progress)}")]
        return []

    # -- one market ------------------------------------------------------------------------------------
    def _open(self) -> list[tuple[str, Count]]:
        ledger = self._know.ledger
        counts = ((ticker, ledger.position(ticker).count) for ticker in self._know.markets)
        return [(ticker, count) for ticker, count in counts if count]

    def _hindrance(self, ticker: str) -> str:
        market = self._know.markets[ticker]
        return next((text for text, hinders in _HINDRANCES if hinders(self._know, market)), "")

    def _quote(self, ticker: str, position: Count) -> Quote | None:
        know, market = self._know, self._know.markets[ticker]
        caps = know.settings.hard_cap_count, know.settings.hard_cap_value
        collars = {desk.name: desk.limits.price_collar for desk in know.settings.desks}
        return closing_quote(market, position, collars[market.desk], *caps)

    def _due(self, ticker: str, position: Count, now: Nanos) -> Quote | None:
        if self._hindrance(ticker) or self._is_exhausted(ticker, position):
            return None
        if ticker in self._progress and now < self._progress[ticker].not_before:
            return None
        return self._quote(ticker, position)

    def _sent(self, ticker: str, position: Count, now: Nanos) -> None:
        """The next order waits, so that the book can show what this one took; longer after each in vain."""
        progress = self._progress.setdefault(ticker, _Progress())
        progress.tries = self._tries(ticker, position) + 1
        progress.left = abs(position)
        progress.not_before = now + (FIRST_WAIT << (progress.tries - 1))

    def _tries(self, ticker: str, position: Count) -> int:
        """How many orders in a row closed nothing."""
        progress = self._progress.get(ticker)
        return 0 if progress is None or abs(position) < progress.left else progress.tries

    def _is_exhausted(self, ticker: str, position: Count) -> bool:
        return self._tries(ticker, position) >= TRIES

    # -- the end ---------------------------------------------------------------------------------------
    def _is_over(self) -> bool:
        """An order that is not gone may still change a position."""
        if len(self._know.orders) or self._know.ledger.opening_cash is None:
            return False
        return all(self._is_hopeless(ticker, position) for ticker, position in self._open())

    def _is_hopeless(self, ticker: str, position: Count) -> bool:
        return self._know.markets[ticker].state in ENDED or self._is_exhausted(ticker, position)

    def _why_open(self, ticker: str, position: Count, why: str) -> str:
        if hindrance := self._hindrance(ticker):
            return hindrance
        if self._is_exhausted(ticker, position):
            return f"{TRIES} orders in a row closed nothing"
        return why if self._quote(ticker, position) else "nothing to take within the price collar"
