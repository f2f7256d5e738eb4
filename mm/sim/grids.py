"""The price grids by the names the exchange gives them (protocol section 3.1)."""

from __future__ import annotations

from mm.sim.words import PRICE_ONE, Grid, PriceRange

_EDGE = 1_000  # the edges reach from 0 to .10 and from .90 to 1
_NARROW_EDGE = 100  # for combos: from 0 to .01 and from .99 to 1

# name -> (step at the edges, step in the centre, width of an edge), in 1/10,000 dollar
_STEPS = {
    "linear_cent": (100, 100, _EDGE),
    "deci_cent": (10, 10, _EDGE),
    "tapered_deci_cent": (10, 100, _EDGE),
    "center_whole_edge_half_cent": (50, 100, _EDGE),
    "center_whole_edge_quint_cent": (20, 100, _EDGE),
    "center_half_edge_half_cent": (50, 50, _EDGE),
    "center_half_edge_quint_cent": (20, 50, _EDGE),
    "center_half_edge_deci_cent": (10, 50, _EDGE),
    "center_quint_edge_quint_cent": (20, 20, _EDGE),
    "center_quint_edge_deci_cent": (10, 20, _EDGE),
    "center_centi_edge_centi_cent": (1, 1, _EDGE),
    "center_deci_edge_centi_cent": (1, 10, _NARROW_EDGE),
}


def price_ranges(structure: str) -> Grid:
    """The bands of a named grid, ascending. Raises KeyError for a name the documents do not list."""
    edge_step, centre_step, edge = _STEPS[structure]
    if edge_step == centre_step:
        return (PriceRange(0, PRICE_ONE, centre_step),)
    return (
        PriceRange(0, edge, edge_step),
        PriceRange(edge, PRICE_ONE - edge, centre_step),
        PriceRange(PRICE_ONE - edge, PRICE_ONE, edge_step),
    )


def is_on_grid(ranges: Grid, price: int) -> bool:
    """Strictly between 0 and 1 dollar, and on a step of its band."""
    if not 0 < price < PRICE_ONE:
        return False
    return any(one.start <= price <= one.end and (price - one.start) % one.step == 0 for one in ranges)


def round_to_grid(ranges: Grid, price: float, *, up: bool) -> int:
    """The nearest allowed price at or under (over, with ``up``) ``price``; the outermost one beyond it."""
    first, last = ranges[0], ranges[-1]
    lowest, highest = first.start + first.step, last.end - last.step
    bounded = lowest if price < lowest else highest if price > highest else price
    for one in ranges:
        if bounded <= one.end:
            whole, rest = divmod(bounded - one.start, one.step)
            return one.start + int(whole + (1 if up and rest else 0)) * one.step
    raise ValueError(f"price ranges do not reach one dollar: {ranges}")
