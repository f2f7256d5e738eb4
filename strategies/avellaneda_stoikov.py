"""Avellaneda & Stoikov (Quantitative Finance 8(3), 2008) as published: the reference to measure others by."""

from __future__ import annotations

from typing import Annotated, ClassVar, Generic, NamedTuple

import msgspec

from mm.core.strategy import Decision, MarketView, Params
from mm.core.units import CENT, CONTRACT, SECOND
from strategies.formulas import (
    LEAST_DEPTH_DECAY,
    LEAST_RISK_AVERSION,
    Number,
    finite_horizon_spread,
    reservation_price,
)
from strategies.shaping import book_fault, shape, timing_fault
from strategies.volatility import BeliefVolatility, VolatilityParams


class AvellanedaStoikovParams(VolatilityParams, frozen=True):
    """Parameters of `avellaneda_stoikov`."""

    risk_aversion_per_cent: Annotated[
        float, msgspec.Meta(ge=LEAST_RISK_AVERSION, le=10, description="gamma, per cent and contract")
    ] = 0.001
    depth_decay_per_cent: Annotated[
        float,
        msgspec.Meta(
            ge=LEAST_DEPTH_DECAY, le=1_000, description="k: fills fall by exp(-k) for each cent from the mid"
        ),
    ] = 1.0
    max_horizon_seconds: Annotated[
        float,
        msgspec.Meta(gt=0, le=604_800, description="the horizon is the time to close, or this if shorter"),
    ] = 600.0
    fixed_volatility_cents: Annotated[
        float, msgspec.Meta(ge=0, le=100, description="cents per sqrt(second); 0: measured from the mid")
    ] = 0.0


class Prices(NamedTuple, Generic[Number]):
    """What the paper wants, before any grid; in the unit of the mid."""

    reservation: Number
    bid: Number
    ask: Number


def wished_prices(
    mid: Number,
    position: Number,
    *,
    risk_aversion: float,
    depth_decay: float,
    volatility: float,
    horizon: float,
) -> Prices[Number]:
    """Equations 29 and 30: half the spread on both sides of the reservation price.

    Any units that agree (see `strategies.formulas`); mid and position are floats, or arrays of one shape.
    """
    reservation = reservation_price(mid, position, risk_aversion, volatility, horizon)
    half_spread = finite_horizon_spread(risk_aversion, depth_decay, volatility, horizon) / 2
    return Prices(reservation, reservation - half_spread, reservation + half_spread)


class Strategy:
    """Equations 29 and 30: a reservation price and a spread that shrink to nothing extra at the close."""

    Params: ClassVar[type[Params]] = AvellanedaStoikovParams

    def __init__(self, params: AvellanedaStoikovParams) -> None:
        self._params = params
        self._belief = BeliefVolatility(
            params.volatility_half_life_seconds, params.volatility_warm_up_seconds
        )

    def quotes(self, view: MarketView) -> Decision:
        """Two quotes, or fewer and a note why."""
        params = self._params
        if fault := book_fault(view, params):
            return Decision(note=fault)
        mid = view.mid
        assert mid is not None, "a sound book has both sides"
        volatility = self._volatility(view, mid / CENT)
        if volatility is None:
            return Decision(fair=mid, note="volatility unknown")
        wished = wished_prices(
            mid / CENT,
            view.position / CONTRACT,
            risk_aversion=params.risk_aversion_per_cent,
            depth_decay=params.depth_decay_per_cent,
            volatility=volatility,
            horizon=self._horizon_seconds(view),
        )
        reservation = wished.reservation * CENT
        if fault := timing_fault(view, params):
            return Decision(fair=mid, reservation=reservation, note=fault)
        return shape(
            view,
            params,
            fair=mid,
            reservation=reservation,
            bid_wish=wished.bid * CENT,
            ask_wish=wished.ask * CENT,
        )

    def _volatility(self, view: MarketView, mid_cents: float) -> float | None:
        if self._params.fixed_volatility_cents:
            return self._params.fixed_volatility_cents
        measured = self._belief.observe(view.now, mid_cents)
        return None if measured is None else max(measured, self._params.volatility_floor_cents)

    def _horizon_seconds(self, view: MarketView) -> float:
        if view.time_to_close is None:
            return self._params.max_horizon_seconds
        return min(max(view.time_to_close / SECOND, 0.0), self._params.max_horizon_seconds)
