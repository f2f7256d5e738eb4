"""Price grids: the bands of protocol section 3.1, and what rounding to them promises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm.core.grid import CENT_GRID, TAPERED_DECI_CENT_GRID, Band, PriceGrid
from mm.core.units import CENT, DOLLAR, Price
from tests.core.properties import PROPERTY


def edged(edge: Price, centre: Price, *, width: Price = 1_000) -> PriceGrid:
    """A grid of one step in the middle and another at both ends."""
    return PriceGrid(
        (Band(0, width, edge), Band(width, DOLLAR - width, centre), Band(DOLLAR - width, DOLLAR, edge))
    )


GRIDS = {
    "linear_cent": CENT_GRID,
    "deci_cent": PriceGrid((Band(0, DOLLAR, 10),)),
    "tapered_deci_cent": TAPERED_DECI_CENT_GRID,
    "center_whole_edge_half_cent": edged(50, 100),
    "center_whole_edge_quint_cent": edged(20, 100),
    "center_half_edge_deci_cent": edged(10, 50),
    "center_quint_edge_deci_cent": edged(10, 20),
    "center_centi_edge_centi_cent": PriceGrid((Band(0, DOLLAR, 1),)),
    "center_deci_edge_centi_cent": edged(1, 10, width=100),
}
grids = st.sampled_from(list(GRIDS.values()))
prices = st.integers(min_value=1, max_value=DOLLAR - 1)


def allowed(grid: PriceGrid) -> list[Price]:
    """Every price of the grid, by walking its bands."""
    found = {price for band in grid.bands for price in range(band.start, band.end + 1, band.step)}
    return sorted(found - {0, DOLLAR})


@pytest.mark.parametrize("name", GRIDS)
def test_rounding_agrees_with_a_list_of_all_prices(name: str) -> None:
    grid = GRIDS[name]
    listed = allowed(grid)
    for price in range(1, DOLLAR, 7):
        below = max((p for p in listed if p <= price), default=0)
        above = min((p for p in listed if p >= price), default=DOLLAR)
        assert (grid.floor(price), grid.ceil(price)) == (below, above), price
    assert [price for price in range(-5, DOLLAR + 6) if grid.is_on_grid(price)] == listed


@PROPERTY
@given(grids, prices)
def test_floor_and_ceil_enclose_the_price_and_stand_on_the_grid(grid: PriceGrid, price: Price) -> None:
    floor, ceil = grid.floor(price), grid.ceil(price)
    assert floor <= price <= ceil
    assert floor == 0 or grid.is_on_grid(floor)
    assert ceil == DOLLAR or grid.is_on_grid(ceil)
    assert (floor == ceil) == grid.is_on_grid(price)


@PROPERTY
@given(grids, prices)
def test_the_neighbours_of_a_price_skip_nothing(grid: PriceGrid, price: Price) -> None:
    on_grid = grid.floor(price)
    if on_grid:
        assert grid.below(on_grid) < on_grid < grid.above(on_grid)
        assert grid.above(grid.below(on_grid)) == on_grid
        assert grid.below(grid.above(on_grid)) == on_grid


def test_the_ends_are_no_prices() -> None:
    for grid in GRIDS.values():
        assert grid.floor(DOLLAR + 5) < DOLLAR
        assert grid.ceil(-5) > 0
        assert grid.below(grid.ceil(1)) == 0
        assert grid.above(grid.floor(DOLLAR)) == DOLLAR
        assert not grid.is_on_grid(0)
        assert not grid.is_on_grid(DOLLAR)


@pytest.mark.parametrize(
    ("price", "below", "above"),
    [(1_000, 990, 1_100), (9_000, 8_900, 9_010), (990, 980, 1_000), (9_010, 9_000, 9_020)],
)
def test_a_tapered_grid_is_fine_below_a_dime_and_above_ninety(
    price: Price, below: Price, above: Price
) -> None:
    assert TAPERED_DECI_CENT_GRID.below(price) == below
    assert TAPERED_DECI_CENT_GRID.above(price) == above
    assert TAPERED_DECI_CENT_GRID.finest_step() == 10
    assert CENT_GRID.finest_step() == CENT
