"""How a closed market ends: determined, perhaps disputed and amended, paid out (protocol section 8.1)."""

from __future__ import annotations

from functools import partial

from mm.sim.attic import Recent, forget_market
from mm.sim.floor import Floor
from mm.sim.lifecycle import Lifecycle
from mm.sim.words import PRICE_ONE, Market, PositionChanged, VenueError

SECOND = 1_000_000_000
_VALUES = {"yes": PRICE_ONE, "no": 0}
_PAYABLE = ("determined", "amended")


class Settling:
    """Results and payouts. The stream has no message of its own for a dispute, nor for an amended result:
    here the latter is told as ``determined`` once more."""

    def __init__(self, floor: Floor, lifecycle: Lifecycle) -> None:
        self._floor = floor
        self._lifecycle = lifecycle
        self._due: dict[str, int] = {}
        self._recent = Recent()

    def determine(self, ticker: str, result: str, value: int | None) -> None:
        """``result`` yes, no or scalar; a scalar needs ``value``, the YES payout as a price (VenueError 400
        without). A market that is still open closes first, and nothing rests in it any more. It is paid out
        after its settlement timer."""
        market = self._floor.market(ticker)
        payout = _payout(result, value)
        self._lifecycle.close(market)
        self._lifecycle.require(market, "closed")
        self._lifecycle.sweep(market)
        market.status = "determined"
        self._write(market, result, payout)

    def dispute(self, ticker: str) -> None:
        market = self._floor.market(ticker)
        self._lifecycle.require(market, "determined")
        market.status = "disputed"
        market.updated_ns = self._floor.now
        del self._due[ticker]

    def amend(self, ticker: str, result: str, value: int | None) -> None:
        """The arguments as for `determine`."""
        market = self._floor.market(ticker)
        payout = _payout(result, value)
        self._lifecycle.require(market, "disputed")
        market.status = "amended"
        self._write(market, result, payout)

    def uphold(self, ticker: str) -> None:
        market = self._floor.market(ticker)
        self._lifecycle.require(market, "disputed")
        market.status = "determined"
        market.updated_ns = self._floor.now
        self._plan(market)

    def settle(self, ticker: str) -> None:
        """Pay out now, without waiting for the timer."""
        floor = self._floor
        market = floor.market(ticker)
        self._lifecycle.require(market, *_PAYABLE)
        assert market.settlement_value is not None
        market.status = "finalized"
        market.settled_ns = floor.now
        value = market.settlement_value
        paid = list(floor.ledger.settle(ticker, market.event_ticker, market.result, value, floor.now))
        market.open_interest = 0
        self._lifecycle.tell(market, "settled")
        for account, position in paid:
            if not account.is_crowd:
                floor.announce(PositionChanged(floor.now, account.user_id, position, account.subaccount))
        for old in self._recent.push(ticker):
            forget_market(floor, old)

    def _write(self, market: Market, result: str, payout: int) -> None:
        market.result = result
        market.settlement_value = payout
        market.determined_ns = self._floor.now
        self._lifecycle.tell(market, "determined")
        self._plan(market)

    def _plan(self, market: Market) -> None:
        due = self._floor.now + market.settlement_timer_s * SECOND
        self._due[market.ticker] = due
        self._floor.at(due, partial(self._settle_due, market, due))

    def _settle_due(self, market: Market, due: int) -> None:
        """A dispute has taken away the due time of the first result; an earlier `settle` has paid it."""
        if self._due.get(market.ticker) == due and market.status in _PAYABLE:
            self.settle(market.ticker)


def _payout(result: str, value: int | None) -> int:
    payout = _VALUES.get(result, value)
    if payout is None or not 0 <= payout <= PRICE_ONE:
        raise VenueError(400, "invalid_result", details=f"{result!r} with value {value!r}")
    return payout
