"""`top_of_book`: books in, quotes out."""

from __future__ import annotations

import pytest

from mm.core.grid import TAPERED_DECI_CENT_GRID
from strategies.top_of_book import Strategy, TopOfBookParams
from tests.ladders import view
from tests.strategies.stories import quoted

JOIN = Strategy(TopOfBookParams(skew_cents_per_contract=0.05))
IMPROVE = Strategy(TopOfBookParams(improve_steps=1, skew_cents_per_contract=0.05))


def test_joins_the_best_of_the_others() -> None:
    assert quoted(JOIN.quotes(view("56:100 57:40 | 61:30 62:100"))) == "57:10 | 61:10"


def test_improves_by_a_step_where_there_is_room() -> None:
    assert quoted(IMPROVE.quotes(view("57:40 | 61:30"))) == "58:10 | 60:10"


def test_a_step_is_a_step_of_the_grid() -> None:
    fine = view("5.1:100 | 8.4:100", grid=TAPERED_DECI_CENT_GRID)
    assert quoted(IMPROVE.quotes(fine)) == "5.2:10 | 8.3:10"


def test_never_inside_a_book_one_step_wide() -> None:
    assert quoted(IMPROVE.quotes(view("57:40 | 58:30"))) == "57:10 | 58:10"


@pytest.mark.parametrize("steps", [1, 2, 50])
def test_improving_never_closes_the_least_spread(steps: int) -> None:
    strategy = Strategy(TopOfBookParams(improve_steps=steps, min_spread_cents=2))
    assert quoted(strategy.quotes(view("57:40 | 59:30"))) == "57:10 | 59:10"


def test_a_least_spread_wider_than_the_book_stands_behind_it() -> None:
    strategy = Strategy(TopOfBookParams(min_spread_cents=4))
    assert quoted(strategy.quotes(view("57:40 | 58:30"))) == "55:10 | 60:10"


def test_a_position_moves_both_quotes_but_never_across() -> None:
    assert quoted(JOIN.quotes(view("57:40 | 61:30", position=20))) == "56:10 | 60:10"
    assert quoted(JOIN.quotes(view("57:40 | 61:30", position=95))) == "52:5 | 58:10"
    decision = JOIN.quotes(view("57:40 | 61:30", position=-20))
    assert quoted(decision) == "58:10 | 62:10"
    assert (decision.fair, decision.reservation) == (5900, 6000)


def test_there_is_nothing_to_join_on_an_empty_side() -> None:
    assert JOIN.quotes(view("57:40 |")).note == "one-sided book"
