"""From an opinion to quotes: whether to quote at all, and which allowed prices and sizes come nearest.

Every strategy ends here, so every strategy keeps the same promises: no quote off a book that is not
two-sided, none near the close, prices on the market's grid and rounded outward, never crossing the best
opposite price, never more than the position limit leaves room for.
"""

from __future__ import annotations

import math
from typing import Annotated

import msgspec

from mm.core.strategy import Decision, MarketView, Params, Quote
from mm.core.units import CENT, CONTRACT, DOLLAR, SECOND, SIDES, Price

# A wish this close (in `Price` units) to an allowed price is that price: float noise must not cost a tick.
FLOAT_NOISE = 1e-6
# Looked up once: the name of an Enum's member is slow to look up, and here it is with every decision.
_BID, _ASK = SIDES


class QuotingParams(Params, frozen=True):
    """What all strategies have in common."""

    size_contracts: Annotated[
        int, msgspec.Meta(ge=1, le=1_000_000, description="contracts wanted on each side")
    ] = 10
    cutoff_seconds: Annotated[
        float,
        msgspec.Meta(
            ge=0, le=604_800, description="no quotes from this long before the close on; 0: no cut-off"
        ),
    ] = 125.0
    max_book_spread_cents: Annotated[
        float,
        msgspec.Meta(gt=0, le=100, description="no quotes if the book's own spread is wider: no fair value"),
    ] = 20.0


def book_fault(view: MarketView, params: QuotingParams) -> str:
    """Why this book says nothing about the fair value; empty if it does."""
    has_bid = bool(view.bids) and view.bids[0][1] > 0
    has_ask = bool(view.asks) and view.asks[0][1] > 0
    if not (has_bid and has_ask):
        return "one-sided book" if has_bid or has_ask else "empty book"
    spread = view.asks[0][0] - view.bids[0][0]
    if spread <= 0:
        return "locked or crossed book"
    return "book too wide" if spread > params.max_book_spread_cents * CENT else ""


def timing_fault(view: MarketView, params: QuotingParams) -> str:
    """Why it is too late to quote, or may be; empty if there is time."""
    if not params.cutoff_seconds:
        return ""
    if view.time_to_close is None:
        return "time to close unknown"
    return "cut-off" if view.time_to_close <= params.cutoff_seconds * SECOND else ""


def shape(
    view: MarketView,
    params: QuotingParams,
    *,
    fair: float,
    reservation: float,
    bid_wish: float,
    ask_wish: float,
) -> Decision:
    """The quotes nearest to the wishes that keep the promises above; the book must be two-sided.

    All prices are in `Price` units. ``note`` names a side that is not quoted, and why.
    """
    grid, best_bid, best_ask = view.grid, view.bids[0][0], view.asks[0][0]
    bid = grid.floor(_whole_below(bid_wish))
    if bid >= best_ask:
        bid = grid.below(best_ask)
    ask = grid.ceil(_whole_above(ask_wish))
    if ask <= best_bid:
        ask = grid.above(best_bid)
    size = params.size_contracts * CONTRACT
    sides = (
        (_BID, bid, min(size, view.max_position - view.position)),
        (_ASK, ask, min(size, view.max_position + view.position)),
    )
    quotes: list[Quote] = []
    refusals: list[str] = []
    for side, price, count in sides:
        if count <= 0:
            refusals.append(f"{side.value}: position at the limit")
        elif not 0 < price < DOLLAR:
            refusals.append(f"{side.value}: no allowed price")
        else:
            quotes.append(Quote(side, price, count))
    return Decision(tuple(quotes), fair, reservation, "; ".join(refusals))


def _whole_below(wish: float) -> Price:
    return math.floor(min(max(wish, 0.0), DOLLAR) + FLOAT_NOISE)


def _whole_above(wish: float) -> Price:
    return math.ceil(min(max(wish, 0.0), DOLLAR) - FLOAT_NOISE)
