"""Kalshi's fees: the model fee of a fill, and the rounding that depends on all fills of one order before it.

Protocol section 12 (fee schedule effective 2026-07-07, rounding page of 2026-10-08).
"""

from __future__ import annotations

from mm.core.events import FeeSchedule
from mm.core.units import DOLLAR, Count, Money, Price, Side

# ppm * count * price * (1 - price) is in 1e-16 dollar: 1e-6 * 1e-2 * 1e-4 * 1e-4; Money is 1e-6.
_TO_MONEY = 10_000_000_000
TAKER_PPM = 70_000
MAKER_PPM = {
    "quadratic": 0,
    "quadratic_with_maker_fees": 17_500,
    "quadratic_with_combo_maker_fees": 35_000,
}
DIRECT_MEMBER_PRECISION: Money = 100
INDIRECT_MEMBER_PRECISION: Money = 10_000


def fee_schedule(fee_type: str, multiplier_ppm: int) -> FeeSchedule:
    """Rates of a series, or of an event that overrides them. ``multiplier_ppm``: 500,000 for 0.5.

    Raises `ValueError` for a fee type that is not known: an unknown fee is not a zero fee.
    """
    if fee_type not in MAKER_PPM:
        raise ValueError(f"unknown fee type {fee_type!r}")
    return FeeSchedule(
        taker_ppm=TAKER_PPM * multiplier_ppm // 1_000_000,
        maker_ppm=MAKER_PPM[fee_type] * multiplier_ppm // 1_000_000,
    )


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
