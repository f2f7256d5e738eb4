"""Kalshi's fees: the model fee of a fill, the rounding that depends on all fills of one order before it, and
whether what we are charged is what the schedule says.

Protocol section 12 (fee schedule effective 2026-07-07, rounding page of 2026-10-08).
"""

from __future__ import annotations

from mm.core.actions import Alert, AlertLevel
from mm.core.events import FeeSchedule, Fill
from mm.core.units import DOLLAR, Count, Money, Price, Side, money_text

# ppm * count * price * (1 - price) is in 1e-16 dollar: 1e-6 * 1e-2 * 1e-4 * 1e-4; Money is 1e-6.
_TO_MONEY = 10_000_000_000
DIRECT_MEMBER_PRECISION: Money = 100
REMEMBERED_ORDERS = 20_000
INDIRECT_MEMBER_PRECISION: Money = 10_000


def trade_fee(schedule: FeeSchedule, price: Price, count: Count, *, is_taker: bool) -> Money:
    """rate * C * P * (1 - P), rounded up to a millionth of a dollar."""
    rate_ppm = schedule.taker_ppm if is_taker else schedule.maker_ppm
    return -(-rate_ppm * count * price * (DOLLAR - price) // _TO_MONEY)


class FeeAccumulator:
    """One order's rounding, carried from fill to fill, taker and maker fills together."""

    __slots__ = ("carried", "precision")

    def __init__(self, precision: Money = DIRECT_MEMBER_PRECISION) -> None:
        self.precision = precision
        self.carried: Money = 0

    def net_fee(self, side: Side, price: Price, count: Count, fee: Money) -> Money:
        """The ``fee_cost`` of this fill, given its trade ``fee`` and the fills before it.

        The cash of a fill is aligned down to ``precision``; what that takes is carried, and given back in
        whole units of precision as soon as it fills one, never so that a fee gets negative.
        """
        revenue = -side.sign * price * count
        rounding = (revenue - fee) % self.precision
        self.carried += rounding
        whole = self.carried - self.carried % self.precision
        charged = fee + rounding
        rebate = min(whole, charged - charged % self.precision)
        self.carried -= rebate
        return charged - rebate


class FeeAudit:
    """What each order was charged beside what its market's schedule says: a schedule that we misread makes
    every quote too near or too far, and no fill alone shows it, because rounding goes by order.

    Fills may reach us in another order than they happened, which moves at most one unit of ``precision``.
    """

    def __init__(self, precision: Money = DIRECT_MEMBER_PRECISION) -> None:
        self._precision = precision
        self._orders: dict[str, tuple[FeeAccumulator, Money]] = {}

    def excess(self, fill: Fill, schedule: FeeSchedule) -> Money:
        """By how much this order has been charged more (or, negative, less) than expected so far; 0 within
        what rounding explains."""
        expected, before = self._orders.pop(fill.order_id, (FeeAccumulator(self._precision), 0))
        model = trade_fee(schedule, fill.price, fill.count, is_taker=fill.is_taker)
        difference = before + fill.fee - expected.net_fee(fill.side, fill.price, fill.count, model)
        self._orders[fill.order_id] = (expected, difference)
        if len(self._orders) > REMEMBERED_ORDERS:
            del self._orders[next(iter(self._orders))]
        return difference if abs(difference) > self._precision else 0


class FillWatch:
    """Tells, once a market, that fills are not what the quotes were priced for: other fees, or a quote that
    took what was there, which no request of ours allows (`mm.core.diff`)."""

    def __init__(self, precision: Money = DIRECT_MEMBER_PRECISION) -> None:
        self._audit = FeeAudit(precision)
        self._told_of_fees: set[str] = set()
        self._told_of_taking: set[str] = set()

    def saw(self, fill: Fill, schedule: FeeSchedule, may_take: bool) -> Alert | None:
        """What is to be told after this fill, if anything is."""
        excess = self._audit.excess(fill, schedule)
        if fill.is_taker and not may_take and fill.ticker not in self._told_of_taking:
            self._told_of_taking.add(fill.ticker)
            return _odd(fill, "a quote took what was there, for the taker's fee")
        if excess and fill.ticker not in self._told_of_fees:
            self._told_of_fees.add(fill.ticker)
            text = f"an order was charged {money_text(excess)} dollars besides the fee schedule"
            return _odd(fill, text, ("excess", excess))
        return None

    def forget(self, ticker: str) -> None:
        """The market is over: what was told of it need not be remembered."""
        self._told_of_fees.discard(ticker)
        self._told_of_taking.discard(ticker)


def _odd(fill: Fill, text: str, *more: tuple[str, int]) -> Alert:
    details: tuple[tuple[str, str | int], ...]
    details = (("ticker", fill.ticker), ("order_id", fill.order_id), *more)
    return Alert(AlertLevel.WARNING, "order_anomaly", f"{fill.ticker}: {text}", details=details)
