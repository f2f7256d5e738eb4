"""What is known of one market: its book, its terms, and what has happened since its desk last looked."""

from __future__ import annotations

from dataclasses import dataclass, field

from mm.core.book import OrderBook
from mm.core.drift import Drift
from mm.core.events import POST_ONLY_CROSS, FeeSchedule, MarketState, MarketStatus, Ticker, Trade
from mm.core.grid import CENT_GRID, PriceGrid
from mm.core.order import Order
from mm.core.units import SECOND, SIDES, Nanos, Price, Side

# After the first, second and any further refusal in a row (fault F18: at most three in a minute).
PAUSES: tuple[Nanos, ...] = (SECOND, 10 * SECOND, 60 * SECOND)
# A quote that rested for less was hardly there; one that was taken away so long ago says nothing any more.
HARDLY_THERE: Nanos = 5 * SECOND
MARGIN_CANCEL = "MarginCancel"  # protocol section 5.1
FORGOTTEN_AFTER: Nanos = 120 * SECOND
REMEMBERED_TRADES = 500


@dataclass(slots=True)
class Market:
    """``state`` is ``None`` until the exchange has said it: an unknown market is not quoted."""

    ticker: str
    desk: str
    book: OrderBook = field(default_factory=OrderBook)
    state: MarketState | None = None
    event_ticker: str = ""
    series_ticker: str = ""
    close_ts: Nanos | None = None
    grid: PriceGrid = CENT_GRID
    fees: FeeSchedule | None = None
    settlement_value: Price | None = None
    # When the exchange last said anything of its terms.
    learned_at: Nanos = 0
    # Its fees or its grid were not understood; then it has no fees, and is not quoted.
    terms_unknown: bool = False
    trades: list[Trade] = field(default_factory=list)
    pulled_until: Nanos = 0
    # When its book was last given up because the ticker contradicted it.
    contradicted_at: Nanos | None = None
    drift: Drift = field(default_factory=Drift)
    quotes: int = 0
    # Of each side: how many refusals in a row, and until when nothing new is sent because of them.
    rejects: dict[Side, int] = field(default_factory=lambda: dict.fromkeys(SIDES, 0))
    quote_from: dict[Side, Nanos] = field(default_factory=lambda: dict.fromkeys(SIDES, 0))
    # Of each side: until when what rests is not even amended because of them.
    amend_from: dict[Side, Nanos] = field(default_factory=lambda: dict.fromkeys(SIDES, 0))
    # Of each side: how many quotes in a row the exchange took away at once, and when the last.
    taken: dict[Side, tuple[int, Nanos]] = field(default_factory=lambda: dict.fromkeys(SIDES, (0, 0)))

    def learn(self, status: MarketStatus) -> None:
        """Take what the message says; what it does not say stays. Terms that were not understood are known
        again once fees and grid are told together: either alone may not have been the strange one."""
        self.learned_at = status.ts
        if status.terms_unknown or (status.fees is not None and status.grid is not None):
            self.terms_unknown = status.terms_unknown
        for name in (
            "state",
            "event_ticker",
            "series_ticker",
            "close_ts",
            "grid",
            "fees",
            "settlement_value",
        ):
            value = getattr(status, name)
            if value is not None:
                setattr(self, name, value)
        if self.terms_unknown:
            self.fees = None

    def saw(self, trade: Trade) -> None:
        self.trades.append(trade)
        if len(self.trades) > REMEMBERED_TRADES:
            del self.trades[0]

    def is_contradicted_by(self, ticker: Ticker) -> bool:
        """Whether it tells other best prices than the book."""
        bid = ticker.bid if ticker.bid_count else None
        ask = ticker.ask if ticker.ask_count else None
        return self.book.in_sync and not self.book.has_best(bid, ask)

    def is_quotable(self, now: Nanos) -> bool:
        """Open, with a trusted book and known fees, and not pulled because our quotes ran away."""
        return (
            self.state is MarketState.ACTIVE
            and self.book.in_sync
            and self.fees is not None
            and now >= self.pulled_until
            and (self.close_ts is None or now < self.close_ts)
        )

    def refused(self, side: Side, now: Nanos, code: str) -> None:
        """The exchange refused an order here: what rests may stay, but nothing new on this side for a while.
        What both sides were refused counts, because the reason may be the market's. That an order would have
        met somebody says nothing against an amend, which only moves away."""
        self.quote_from[side] = now + PAUSES[min(sum(self.rejects.values()), len(PAUSES) - 1)]
        if code != POST_ONLY_CROSS:
            self.amend_from[side] = self.quote_from[side]
        self.rejects[side] += 1

    def accepted(self, side: Side) -> None:
        """Says nothing of the other side, which may be refused for as long as ever."""
        self.rejects[side] = 0

    def has_ended(self, order: Order, now: Nanos, reason: str = "") -> None:
        """The exchange accepted a quote and cancelled it, at once or for want of collateral: it would do so
        again (a cancel-all sweeps for up to a minute, protocol section 5.3). As after a refusal."""
        is_unfilled = order.final_filled is not None and order.final_filled < order.count
        if not is_unfilled or order.cancel_wanted:
            return
        if now - order.placed_at < HARDLY_THERE or reason == MARGIN_CANCEL:
            self._was_taken_away(order.side, now)

    def _was_taken_away(self, side: Side, now: Nanos) -> None:
        before, last = self.taken[side]
        row = 1 + (before if now - last < FORGOTTEN_AFTER else 0)
        self.taken[side] = row, now
        until = max(self.quote_from[side], now + PAUSES[min(row, len(PAUSES)) - 1])
        self.quote_from[side] = self.amend_from[side] = until

    def mark(self, last: Price | None) -> Price | None:
        """The mid of a trusted two-sided book; of a one-sided one the ``last`` mark, as far as the side that
        is there bears it out, because a book that is lost looks like that; the settlement value once there is
        one. ``None`` if nothing new is known."""
        if self.settlement_value is not None:
            return self.settlement_value
        bid, ask = self.book.bids.best(), self.book.asks.best()
        if not self.book.in_sync:
            return None
        if bid is not None and ask is not None:
            return (bid + ask) // 2
        if last is None:
            return None
        return min(last, ask) if ask is not None else max(last, bid or 0)
