"""Whatever the bounds of the parameters allow, and whatever the market does: numbers, never an exception."""

from __future__ import annotations

import math
from itertools import accumulate
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.inspect import FloatType, IntType, LiteralType, Metadata, StructType, type_info

from mm.core.events import FeeSchedule
from mm.core.grid import CENT_GRID, TAPERED_DECI_CENT_GRID
from mm.core.strategy import MarketView
from mm.core.units import DOLLAR, SECOND
from strategies import avellaneda_stoikov, fixed_spread, glft, top_of_book

MODULES = {
    "fixed_spread": fixed_spread,
    "top_of_book": top_of_book,
    "avellaneda_stoikov": avellaneda_stoikov,
    "glft": glft,
}
THOROUGH = settings(max_examples=300)


def at_the_edge(kind: Any, default: Any) -> st.SearchStrategy[Any]:
    """The default, and the least and the most that the bounds of a field allow."""
    while isinstance(kind, Metadata):
        kind = kind.type
    if isinstance(kind, LiteralType):
        return st.sampled_from(kind.values)
    assert isinstance(kind, IntType | FloatType)
    least = kind.ge if kind.ge is not None else math.nextafter(kind.gt or 0, math.inf)
    most = kind.le if kind.le is not None else math.nextafter(kind.lt or 0, -math.inf)
    return st.sampled_from([default, least, most])


def params_of(name: str) -> st.SearchStrategy[dict[str, Any]]:
    described = type_info(MODULES[name].Strategy.Params)
    assert isinstance(described, StructType)
    edges = {field.name: at_the_edge(field.type, field.default) for field in described.fields}
    return st.fixed_dictionaries(edges)


waits = st.sampled_from([0, 1, SECOND // 1_000, SECOND, 10 * SECOND, 10_000 * SECOND])
prices = st.sampled_from([1, 10, 100, 4_999, 5_000, 9_900, 9_990, DOLLAR - 1]) | st.integers(1, DOLLAR - 1)
positions = st.sampled_from([0, 1, -1, 10**4, -(10**4), 10**9, -(10**9)])
moments = st.tuples(waits, prices, prices, positions, st.integers(1, 10**9))


@pytest.mark.parametrize("name", MODULES)
@given(data=st.data())
@THOROUGH
def test_no_parameters_within_their_bounds_break_a_strategy(name: str, data: st.DataObject) -> None:
    module = MODULES[name]
    params = msgspec.convert(data.draw(params_of(name)), module.Strategy.Params)
    strategy = module.Strategy(params)
    grid = data.draw(st.sampled_from([CENT_GRID, TAPERED_DECI_CENT_GRID]))
    seen = data.draw(st.lists(moments, min_size=2, max_size=12))
    for now, (_, bid, ask, position, count) in zip(accumulate(wait for wait, *_ in seen), seen, strict=True):
        decision = strategy.quotes(
            MarketView(
                ticker="KXTEST",
                now=now,
                bids=((bid, count),),
                asks=((ask, 10**9 - count + 1),),
                position=position,
                average_cost=bid,
                max_position=10**6,
                grid=grid,
                fees=FeeSchedule(70_000, 17_500),
                time_to_close=10**6 * SECOND,
            )
        )
        for opinion in (decision.fair, decision.reservation):
            assert opinion is None or math.isfinite(opinion)
        assert all(grid.is_on_grid(quote.price) and quote.count > 0 for quote in decision.quotes)
