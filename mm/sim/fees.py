"""The exchange's trading fees, exact to the micro-dollar (protocol section 12)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from mm.sim.words import PRICE_ONE, Event, Market, Series, VenueError

_TAKER_DIVISOR = 10**12  # 0.07 * C/100 * P(1-P)/10^8 * multiplier/10^6, in money, is 7*m*C*P*(1-P) / 10^12
_MAKER_DIVISORS = {
    "quadratic": 0,
    "quadratic_with_maker_fees": 4 * _TAKER_DIVISOR,
    "quadratic_with_combo_maker_fees": 2 * _TAKER_DIVISOR,
}


@dataclass(frozen=True, slots=True)
class FeeTerms:
    """What one market charges. A divisor of 0 means no fee in that role."""

    multiplier_ppm: int
    maker_divisor: int

    def trade_fee(self, price: int, count: int, *, is_taker: bool) -> int:
        """Fee of one fill in money, rounded up to the micro-dollar, before any balance rounding."""
        divisor = _TAKER_DIVISOR if is_taker else self.maker_divisor
        if not divisor:
            return 0
        return -(-7 * self.multiplier_ppm * count * price * (PRICE_ONE - price) // divisor)


FREE = FeeTerms(0, 0)


def fee_terms(series: Series, event: Event) -> FeeTerms:
    """The event's override, where there is one, goes before the series.

    Raises VenueError for a fee type that the fee schedule does not define."""
    fee_type = event.fee_type_override or series.fee_type
    if fee_type not in _MAKER_DIVISORS:
        raise VenueError(400, "invalid_fee_type", details=f"{fee_type!r} of series {series.ticker}")
    override = event.fee_multiplier_override_ppm
    multiplier = series.fee_multiplier_ppm if override is None else override
    return FeeTerms(multiplier, _MAKER_DIVISORS[fee_type])


def market_terms(series: Series, event: Event, market: Market, now: int) -> FeeTerms:
    """What one market of an event charges at ``now`` (ns): nothing while its fees are waived. Raises
    VenueError as `fee_terms` does."""
    terms = fee_terms(series, event)
    return FREE if now < market.fees_waived_until_ns else terms


class NetFee(NamedTuple):
    """``net_fee`` is what the account pays; ``accumulator`` is what its order keeps for later rebates."""

    net_fee: int
    accumulator: int


def net_fee(revenue: int, trade_fee: int, accumulator: int, unit: int, *, capped: bool = True) -> NetFee:
    """Round one fill to the account's balance ``unit`` and pay back what rounding has piled up.

    ``revenue`` is the signed cash of the fill before fees (negative when it costs); all in money.
    ``accumulator`` belongs to the order, taker and maker fills together. ``capped`` keeps the net fee >= 0.
    Source: the exchange's fee rounding page of 2026-10-08 (protocol section 12)."""
    rounding = (revenue - trade_fee) % unit
    accumulator += rounding
    rebate = accumulator - accumulator % unit
    if capped:
        charged = trade_fee + rounding
        rebate = min(rebate, charged - charged % unit)
    return NetFee(trade_fee + rounding - rebate, accumulator - rebate)
