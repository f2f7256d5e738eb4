"""`avellaneda_stoikov`: books in, quotes out. The published tables have a file of their own."""

from __future__ import annotations

import pytest

from mm.core.units import CENT, SECOND
from strategies.avellaneda_stoikov import AvellanedaStoikovParams, Strategy
from tests.ladders import view
from tests.strategies.stories import having_watched, quoted

FIXED = AvellanedaStoikovParams(
    risk_aversion_per_cent=0.01, depth_decay_per_cent=1.0, max_horizon_seconds=600, fixed_volatility_cents=0.5
)


def test_the_quotes_are_equations_29_and_30_on_the_grid() -> None:
    """gamma sigma^2 T = 1.5 cents a contract; spread 1.5 + 200 ln 1.01 = 3.49 cents."""
    decision = Strategy(FIXED).quotes(view("56:100 | 60:100", position=2))
    assert decision.fair == 5800
    assert decision.reservation == pytest.approx(5800 - 2 * 1.5 * CENT)
    assert quoted(decision) == "53:10 | 57:10"


def test_nearer_the_close_position_and_spread_matter_less() -> None:
    at_130_seconds = view("56:100 | 60:100", position=2, time_to_close=130 * SECOND)
    decision = Strategy(FIXED).quotes(at_130_seconds)
    assert decision.reservation == pytest.approx(5800 - 2 * 0.01 * 0.25 * 130 * CENT)
    assert quoted(decision) == "56:10 | 59:10"


def test_far_from_the_close_the_horizon_is_bounded() -> None:
    near, far = (
        Strategy(FIXED).quotes(view("56:100 | 60:100", position=2, time_to_close=seconds * SECOND))
        for seconds in (600, 600_000)
    )
    assert near == far


def test_without_a_fixed_volatility_it_watches_before_it_quotes() -> None:
    strategy = Strategy(AvellanedaStoikovParams(volatility_warm_up_seconds=10))
    early = strategy.quotes(view("56:100 | 60:100"))
    assert (quoted(early), early.fair, early.note) == ("|", 5800, "volatility unknown")
    having_watched(strategy, "56:100 | 60:100", 9)
    assert quoted(strategy.quotes(view("56:100 | 60:100", at_seconds=10))) == "56:10 | 60:10"


def test_the_cut_off_comes_before_the_end_of_its_formula() -> None:
    late = Strategy(FIXED).quotes(view("56:100 | 60:100", position=10, time_to_close=-SECOND))
    assert (quoted(late), late.note, late.reservation) == ("|", "cut-off", 5800)


def test_a_crossed_book_is_no_price() -> None:
    assert Strategy(FIXED).quotes(view("60:1 | 58:1")).note == "locked or crossed book"
