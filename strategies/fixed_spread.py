"""A constant distance on both sides of the market's price, leaning against the position: the yardstick."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import msgspec

from mm.core.strategy import Decision, MarketView, Params
from mm.core.units import CENT, CONTRACT
from strategies.shaping import QuotingParams, book_fault, shape, timing_fault


class FixedSpreadParams(QuotingParams, frozen=True):
    """Parameters of `fixed_spread`."""

    half_spread_cents: Annotated[
        float, msgspec.Meta(ge=0.01, lt=100, description="distance of each quote from the reservation price")
    ] = 2.0
    skew_cents_per_contract: Annotated[
        float,
        msgspec.Meta(ge=0, le=100, description="how far one contract held moves both quotes against it"),
    ] = 0.01
    center: Annotated[
        Literal["mid", "micro"], msgspec.Meta(description="the price quoted around: mid or micro-price")
    ] = "mid"


class Strategy:
    """``fair - skew * position``, plus and minus the half-spread."""

    Params: ClassVar[type[Params]] = FixedSpreadParams

    def __init__(self, params: FixedSpreadParams) -> None:
        self._params = params

    def quotes(self, view: MarketView) -> Decision:
        """Two quotes, or fewer and a note why."""
        params = self._params
        if fault := book_fault(view, params):
            return Decision(note=fault)
        fair = view.mid if params.center == "mid" else view.micro_price
        assert fair is not None, "a sound book has both sides"
        reservation = fair - params.skew_cents_per_contract * CENT * view.position / CONTRACT
        if fault := timing_fault(view, params):
            return Decision(fair=fair, reservation=reservation, note=fault)
        distance = params.half_spread_cents * CENT
        return shape(
            view,
            params,
            fair=fair,
            reservation=reservation,
            bid_wish=reservation - distance,
            ask_wish=reservation + distance,
        )
