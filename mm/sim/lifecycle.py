"""The life of a market, and pauses of the whole exchange (protocol section 8.1)."""

from __future__ import annotations

from collections import deque
from functools import partial

from mm.sim.fees import fee_terms
from mm.sim.floor import TRADES_KEPT, Floor
from mm.sim.matching import Book, Interest
from mm.sim.trading import Trading
from mm.sim.words import PRICE_ONE, LifecycleChanged, Market, PositionChanged, VenueError

SECOND = 1_000_000_000
_VALUES = {"yes": PRICE_ONE, "no": 0}


class Lifecycle:
    """Opens, pauses, closes, determines and settles markets."""

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
        floor.fee_terms[market.ticker] = fee_terms(floor.series[event.series_ticker], event)
        floor.markets[market.ticker] = market
        floor.books[market.ticker] = Book()
        floor.trades[market.ticker] = deque(maxlen=TRADES_KEPT)
        floor.ledger.collateral[market.ticker] = 0
        market.created_ns = market.created_ns or floor.now
        self._tell(market, "created")
        if market.open_ns <= floor.now:
            self._open(market)
        else:
            floor.at(market.open_ns, partial(self._open, market))
        self._schedule_close(market)

    # -- open and close: implicit, nobody is told -----------------------------------------------------------
    def _open(self, market: Market) -> None:
        if market.status == "initialized":
            market.status = "active"

    def _schedule_close(self, market: Market) -> None:
        self.floor.at(market.close_ns, partial(self._close_at, market, market.close_ns))

    def _close_at(self, market: Market, close_ns: int) -> None:
        if market.close_ns == close_ns and market.status in ("initialized", "active", "inactive"):
            self._close(market)

    def _close(self, market: Market) -> None:
        market.status = "closed"
        self._cancel_resting(market, "CloseCancel")

    def move_close(self, ticker: str, close_ns: int) -> None:
        """The close may move both ways; a market that had closed opens again and says so."""
        market = self.floor.market(ticker)
        self._require(market, "initialized", "active", "inactive", "closed")
        market.close_ns = close_ns
        self._tell(market, "close_date_updated")
        if close_ns <= self.floor.now:
            self._close_at(market, close_ns)
            return
        if market.status == "closed":
            market.status = "active"
            self._tell(market, "activated")
        self._schedule_close(market)

    # -- deactivate and activate ----------------------------------------------------------------------------
    def deactivate(self, ticker: str) -> None:
        market = self.floor.market(ticker)
        self._require(market, "active")
        market.status = "inactive"
        self._tell(market, "deactivated")

    def activate(self, ticker: str) -> None:
        """All resting orders die on reactivation."""
        market = self.floor.market(ticker)
        self._require(market, "inactive")
        self._cancel_resting(market, "HaltCancel")
        market.status = "active"
        self._tell(market, "activated")

    # -- determine and settle -------------------------------------------------------------------------------
    def determine(self, ticker: str, result: str, value: int | None = None) -> None:
        """``result`` yes, no or scalar; a scalar needs ``value``, the YES payout as a price. A market that
        is still open closes first. Settlement follows after the market's settlement timer."""
        market = self.floor.market(ticker)
        if market.status in ("initialized", "active", "inactive"):
            self._close(market)
        self._require(market, "closed")
        payout = _VALUES.get(result, value)
        if payout is None or not 0 <= payout <= PRICE_ONE:
            raise VenueError(400, "invalid_result", details=f"{result!r} with value {value!r}")
        market.status = "determined"
        market.result = result
        market.settlement_value = payout
        market.determined_ns = self.floor.now
        self._tell(market, "determined")
        self.floor.at(self.floor.now + market.settlement_timer_s * SECOND, partial(self._settle_due, market))

    def _settle_due(self, market: Market) -> None:
        if market.status == "determined":
            self.settle(market.ticker)

    def settle(self, ticker: str) -> None:
        """Pay out a determined market now, without waiting for its timer."""
        floor = self.floor
        market = floor.market(ticker)
        self._require(market, "determined")
        assert market.settlement_value is not None
        market.status = "finalized"
        market.settled_ns = floor.now
        paid = list(
            floor.ledger.settle(
                ticker, market.event_ticker, market.result, market.settlement_value, floor.now
            )
        )
        market.open_interest = 0
        self._tell(market, "settled")
        for account, position in paid:
            if floor.listeners and not account.is_crowd:
                floor.announce(PositionChanged(floor.now, account.user_id, position, account.subaccount))

    # -- pauses ---------------------------------------------------------------------------------------------
    def pause(self, *, exchange: bool) -> None:
        """Stop trading; with ``exchange``, refuse cancels too. Orders that asked for it are canceled."""
        self.floor.trading_active = False
        self.floor.exchange_active = not exchange
        for account in self.floor.ledger.everyone():
            for interest in list(account.resting.values()):
                order = interest.order
                if order is not None and order.request.cancel_on_pause:
                    self.trading.withdraw(interest, order.ticker, "HaltCancel")

    def resume(self) -> None:
        self.floor.trading_active = self.floor.exchange_active = True

    # -- helpers --------------------------------------------------------------------------------------------
    def _cancel_resting(self, market: Market, reason: str) -> None:
        resting: list[Interest] = []
        for half in self.floor.books[market.ticker].sides.values():
            for level in half.levels.values():
                resting.extend(level.queue)
        for interest in resting:
            self.trading.withdraw(interest, market.ticker, reason)

    def _require(self, market: Market, *statuses: str) -> None:
        if market.status not in statuses:
            raise VenueError(409, "invalid_market_status", details=f"{market.ticker} is {market.status}")

    def _tell(self, market: Market, event_type: str) -> None:
        if self.floor.listeners:
            self.floor.announce(LifecycleChanged(self.floor.now, market.ticker, event_type))
