"""The life of a market from its creation to its close (protocol section 8.1); `settling` has the rest."""

from __future__ import annotations

from functools import partial

from mm.sim.fees import market_terms
from mm.sim.floor import TRADES_KEPT, Floor
from mm.sim.grids import price_ranges
from mm.sim.matching import Book, Interest
from mm.sim.trade_log import TradeLog
from mm.sim.trading import Trading
from mm.sim.words import LifecycleChanged, Market, VenueError

_LIVING = ("initialized", "active", "inactive")


def settles_yes(market: Market, value: float) -> bool:
    """Whether a settlement value makes YES right: ``floor_strike <= value <= cap_strike``, both included,
    a missing strike being no bound; a market without any is struck at zero. The documents call the strikes
    the minimum and the maximum value that leads to YES, whatever the strike type says."""
    floor, cap = market.floor_strike, market.cap_strike
    if floor is None and cap is None:
        return value >= 0.0
    return (floor is None or value >= floor) and (cap is None or value <= cap)


class Lifecycle:
    """Opens, deactivates and closes markets, and changes their price grid."""

    def __init__(self, floor: Floor, trading: Trading) -> None:
        self.floor = floor
        self.trading = trading

    def add(self, market: Market) -> None:
        """Raises VenueError if its event or series is unknown or the ticker is taken."""
        floor = self.floor
        event = floor.events.get(market.event_ticker)
        if event is None or event.series_ticker not in floor.series:
            raise VenueError(404, "not_found", details=f"event {market.event_ticker} or its series")
        if market.ticker in floor.markets:
            raise VenueError(409, "market_already_exists", details=market.ticker)
        series = floor.series[event.series_ticker]
        market.exchange_index = event.exchange_index = series.exchange_index
        if market.exchange_index:
            floor.ledger.shards[market.ticker] = market.exchange_index
        floor.fee_terms[market.ticker] = market_terms(series, event, market, floor.now)
        if floor.now < market.fees_waived_until_ns:
            floor.at(market.fees_waived_until_ns, partial(self._charge, market))
        floor.markets[market.ticker] = market
        floor.books[market.ticker] = Book()
        floor.trades[market.ticker] = TradeLog(market.ticker, TRADES_KEPT, floor.id_of)
        floor.ledger.collateral[market.ticker] = 0
        market.created_ns = market.created_ns or floor.now
        self.tell(market, "created")
        if market.open_ns <= floor.now:
            self._open(market)
        else:
            floor.at(market.open_ns, partial(self._open, market))
        self._schedule_close(market)

    def _charge(self, market: Market) -> None:
        """The waiver of its fees has ended."""
        floor, event = self.floor, self.floor.events[market.event_ticker]
        series = floor.series[event.series_ticker]
        floor.fee_terms[market.ticker] = market_terms(series, event, market, floor.now)

    # -- open and close: implicit, nobody is told -----------------------------------------------------------
    def _open(self, market: Market) -> None:
        if market.status == "initialized":
            market.status = "active"
            market.updated_ns = self.floor.now

    def _schedule_close(self, market: Market) -> None:
        self.floor.at(market.close_ns, partial(self._close_at, market, market.close_ns))

    def _close_at(self, market: Market, close_ns: int) -> None:
        if market.close_ns == close_ns:
            self.close(market)

    def close(self, market: Market) -> None:
        """Does nothing to a market that has closed already."""
        if market.status not in _LIVING:
            return
        market.status = "closed"
        market.updated_ns = self.floor.now
        shortly = self.floor.switches.close_cancel_after_ns
        if shortly:
            self.floor.at(self.floor.now + shortly, partial(self.sweep, market))
        else:
            self.sweep(market)

    def sweep(self, market: Market) -> None:
        """Cancel what rests in a market that has closed; one that has opened again keeps it."""
        if market.status not in _LIVING:
            self._cancel_resting(market, "CloseCancel")

    def move_close(self, ticker: str, close_ns: int) -> None:
        """The close may move both ways; a market that had closed opens again and says so."""
        market = self.floor.market(ticker)
        self.require(market, *_LIVING, "closed")
        market.close_ns = close_ns
        self.tell(market, "close_date_updated")
        if close_ns <= self.floor.now:
            self._close_at(market, close_ns)
            return
        if market.status == "closed":
            self._reopen(market)
        self._schedule_close(market)

    def _reopen(self, market: Market) -> None:
        """One that was closed before it ever opened waits for its opening again."""
        if market.open_ns > self.floor.now:
            market.status = "initialized"
            return
        market.status = "active"
        self.tell(market, "activated")

    # -- deactivate and activate ----------------------------------------------------------------------------
    def deactivate(self, ticker: str) -> None:
        market = self.floor.market(ticker)
        self.require(market, "active")
        market.status = "inactive"
        self.tell(market, "deactivated")

    def activate(self, ticker: str) -> None:
        """All resting orders die on reactivation."""
        market = self.floor.market(ticker)
        self.require(market, "inactive")
        self._cancel_resting(market, "HaltCancel")
        market.status = "active"
        self.tell(market, "activated")

    # -- price grid -----------------------------------------------------------------------------------------
    def change_grid(self, ticker: str, structure: str) -> None:
        """Raises VenueError 400 for a name that the documents do not list."""
        market = self.floor.market(ticker)
        self.require(market, *_LIVING)
        try:
            ranges = price_ranges(structure)
        except KeyError:
            raise VenueError(400, "invalid_price_level_structure", details=repr(structure)) from None
        market.price_level_structure, market.price_ranges = structure, ranges
        self.tell(market, "price_level_structure_updated")

    # -- helpers --------------------------------------------------------------------------------------------
    def _cancel_resting(self, market: Market, reason: str) -> None:
        self.floor.begin()
        resting: list[Interest] = []
        for half in self.floor.books[market.ticker].sides.values():
            for level in half.levels.values():
                resting.extend(level.queue)
        for interest in resting:
            self.trading.withdraw(interest, market.ticker, reason)

    def require(self, market: Market, *statuses: str) -> None:
        """Raises VenueError 409 unless the market is in one of ``statuses``."""
        if market.status not in statuses:
            raise VenueError(409, "invalid_market_status", details=f"{market.ticker} is {market.status}")

    def tell(self, market: Market, event_type: str) -> None:
        """``event_type`` as in the market_lifecycle_v2 channel."""
        market.updated_ns = self.floor.now
        self.floor.announce(LifecycleChanged(self.floor.now, market.ticker, event_type))
