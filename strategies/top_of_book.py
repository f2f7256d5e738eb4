"""Where the others are: joins or improves the best price on both sides, leaning against the position."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from mm.core.strategy import Decision, MarketView, Params
from mm.core.units import CENT, CONTRACT, Price
from strategies.shaping import QuotingParams, book_fault, shape, timing_fault


class TopOfBookParams(QuotingParams, frozen=True):
    """Parameters of `top_of_book`."""

    improve_steps: Annotated[
        int,
        msgspec.Meta(ge=0, le=100, description="price steps better than the best of others; 0 joins them"),
    ] = 0
    min_spread_cents: Annotated[
        float,
        msgspec.Meta(ge=0.01, lt=100, description="own bid and ask are never closer together than this"),
    ] = 1.0
    skew_cents_per_contract: Annotated[
        float,
        msgspec.Meta(ge=0, le=100, description="how far one contract held moves both quotes against it"),
    ] = 0.01


class Strategy:
    """The best prices of others, improved, skewed by the position, and kept apart by the least spread.

    In a book one step wide there is nothing to improve: the quotes never cross, so they join.
    """

    Params: ClassVar[type[Params]] = TopOfBookParams

    def __init__(self, params: TopOfBookParams) -> None:
        self._params = params

    def quotes(self, view: MarketView) -> Decision:
        """Two quotes, or fewer and a note why."""
        params = self._params
        if fault := book_fault(view, params):
            return Decision(note=fault)
        fair = view.mid
        assert fair is not None, "a sound book has both sides"
        bid, ask = self._improved(view)
        skew = params.skew_cents_per_contract * CENT * view.position / CONTRACT
        reservation = (bid + ask) / 2 - skew
        if fault := timing_fault(view, params):
            return Decision(fair=fair, reservation=reservation, note=fault)
        distance = max(ask - bid, params.min_spread_cents * CENT) / 2
        return shape(
            view,
            params,
            fair=fair,
            reservation=reservation,
            bid_wish=reservation - distance,
            ask_wish=reservation + distance,
        )

    def _improved(self, view: MarketView) -> tuple[Price, Price]:
        """The best prices, each ``improve_steps`` better but short of the other side's best."""
        best_bid, best_ask = view.bids[0][0], view.asks[0][0]
        bid, ask = best_bid, best_ask
        for _ in range(self._params.improve_steps):
            bid, ask = view.grid.above(bid), view.grid.below(ask)
        return min(bid, view.grid.below(best_ask)), max(ask, view.grid.above(best_bid))
