"""The default: Guéant, Lehalle & Fernandez-Tapia's quotes long before the end, on belief volatility.

The micro-price is the fair value. Both quotes lean against the position by a slope that grows with the
volatility of belief, and stand off it by what a fill must earn, what the market moves, and the maker's fee.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from mm.core.strategy import Decision, MarketView, Params
from mm.core.units import CENT, CONTRACT
from strategies.formulas import (
    LEAST_DEPTH_DECAY,
    LEAST_FILL_RATE,
    LEAST_RISK_AVERSION,
    fill_margin,
    glft_slope,
    maker_fee_cents,
)
from strategies.shaping import book_fault, shape, timing_fault
from strategies.volatility import BeliefVolatility, VolatilityGate, VolatilityParams


class GlftParams(VolatilityParams, frozen=True):
    """Parameters of `glft`."""

    risk_aversion_per_cent: Annotated[
        float, msgspec.Meta(ge=LEAST_RISK_AVERSION, le=10, description="gamma, per cent and contract")
    ] = 0.001
    depth_decay_per_cent: Annotated[
        float,
        msgspec.Meta(
            ge=LEAST_DEPTH_DECAY, le=1_000, description="k: fills fall by exp(-k) for each cent from the mid"
        ),
    ] = 2.0
    fill_rate_per_second: Annotated[
        float,
        msgspec.Meta(ge=LEAST_FILL_RATE, le=10_000, description="A: fills a second of a quote at the mid"),
    ] = 0.1
    volatility_margin_root_seconds: Annotated[
        float, msgspec.Meta(ge=0, le=1_000, description="xi: the half-spread grows by xi * volatility")
    ] = 0.5
    volatility_stop_cents: Annotated[
        float,
        msgspec.Meta(gt=0, le=100, description="no quotes above this volatility, cents per sqrt(second)"),
    ] = 1.0
    volatility_resume_fraction: Annotated[
        float, msgspec.Meta(gt=0, le=1, description="quotes again at this fraction of the stop")
    ] = 0.7


class Strategy:
    """``reservation = micro - g q``; half-spread ``(1/gamma) ln(1 + gamma/k) + xi sigma + fee``, order size
    accounted for. One instance quotes one market: its volatility is that market's."""

    Params: ClassVar[type[Params]] = GlftParams

    def __init__(self, params: GlftParams) -> None:
        self._params = params
        self._belief = BeliefVolatility(
            params.volatility_half_life_seconds, params.volatility_warm_up_seconds
        )
        self._gate = VolatilityGate(params.volatility_stop_cents, params.volatility_resume_fraction)
        gamma, k, size = params.risk_aversion_per_cent, params.depth_decay_per_cent, params.size_contracts
        self._margin = fill_margin(gamma, k, size)
        self._slope_at_unit_volatility = glft_slope(1.0, gamma, k, params.fill_rate_per_second, size)

    def quotes(self, view: MarketView) -> Decision:
        """Two quotes, or fewer and a note why."""
        params = self._params
        if fault := book_fault(view, params):
            return Decision(note=fault)
        fair, mid = view.micro_price, view.mid
        assert fair is not None and mid is not None, "a sound book has both"
        measured = self._belief.observe(view.now, mid / CENT)
        if measured is None:
            return Decision(fair=fair, note="volatility unknown")
        volatility = max(measured, params.volatility_floor_cents)
        slope = volatility * self._slope_at_unit_volatility
        reservation = fair - slope * CENT * view.position / CONTRACT
        gated = "volatility gate" if self._gate.is_closed(volatility) else ""
        if fault := timing_fault(view, params) or gated:
            return Decision(fair=fair, reservation=reservation, note=fault)
        distance = (self._margin + params.volatility_margin_root_seconds * volatility) * CENT
        bid, ask = reservation - distance, reservation + distance
        return shape(
            view,
            params,
            fair=fair,
            reservation=reservation,
            bid_wish=bid - _fee(bid, view),
            ask_wish=ask + _fee(ask, view),
        )


def _fee(price: float, view: MarketView) -> float:
    """The maker's fee a contract at ``price``, both in `Price` units."""
    return CENT * maker_fee_cents(price / CENT, view.fees.maker_ppm)
