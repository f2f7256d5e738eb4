"""`fixed_spread`: books in, quotes out."""

from __future__ import annotations

import pytest

from mm.core.grid import TAPERED_DECI_CENT_GRID
from mm.core.units import SECOND
from strategies.fixed_spread import FixedSpreadParams, Strategy
from tests.ladders import view
from tests.strategies.stories import quoted

PLAIN = Strategy(FixedSpreadParams(half_spread_cents=2, skew_cents_per_contract=0.05))


def test_symmetric_about_the_mid() -> None:
    decision = PLAIN.quotes(view("56:100 57:40 | 59:30 60:100"))
    assert quoted(decision) == "56:10 | 60:10"
    assert (decision.fair, decision.reservation, decision.note) == (5800, 5800, "")


def test_around_the_micro_price_if_asked() -> None:
    strategy = Strategy(FixedSpreadParams(half_spread_cents=2, center="micro"))
    decision = strategy.quotes(view("56:90 | 60:30"))
    assert decision.fair == 5900
    assert quoted(decision) == "57:10 | 61:10"


def test_a_half_cent_is_rounded_outward() -> None:
    assert quoted(PLAIN.quotes(view("56:100 | 59:100"))) == "55:10 | 60:10"


def test_on_a_finer_grid_less_is_lost_to_rounding() -> None:
    fine = view("5.1:100 | 5.4:100", grid=TAPERED_DECI_CENT_GRID)
    assert quoted(PLAIN.quotes(fine)) == "3.2:10 | 7.3:10"


def test_binary_fractions_do_not_cost_a_step() -> None:
    """1.1 cents are 110.00000000000001 in floating point: the bid would lose its only price left."""
    strategy = Strategy(FixedSpreadParams(half_spread_cents=1.1))
    assert quoted(strategy.quotes(view("1.1:1 | 1.3:1", grid=TAPERED_DECI_CENT_GRID))) == "0.1:10 | 2.3:10"


@pytest.mark.parametrize(
    ("position", "ladder"), [(20, "55:10 | 59:10"), (-20, "57:10 | 61:10"), (21, "54:10 | 59:10")]
)
def test_a_position_moves_both_quotes_against_it(position: int, ladder: str) -> None:
    assert quoted(PLAIN.quotes(view("56:100 | 60:100", position=position))) == ladder


def test_a_large_position_never_makes_it_cross() -> None:
    short = PLAIN.quotes(view("56:100 | 60:100", position=-90))
    assert quoted(short) == "59:10 | 65:10"
    long = PLAIN.quotes(view("56:100 | 60:100", position=90))
    assert quoted(long) == "51:10 | 57:10"


@pytest.mark.parametrize(
    ("position", "ladder", "note"),
    [
        (96, "51:4 | 57:10", ""),
        (100, "| 57:10", "bid: position at the limit"),
        (130, "| 57:10", "bid: position at the limit"),
        (-99.75, "59:10 | 65:0.25", ""),
        (-100, "59:10 |", "ask: position at the limit"),
    ],
)
def test_near_the_limit_only_what_is_left_is_wanted(position: float, ladder: str, note: str) -> None:
    decision = PLAIN.quotes(view("56:100 | 60:100", position=position))
    assert quoted(decision) == ladder
    assert decision.note == note


def test_without_a_limit_to_trade_within_nothing_is_wanted() -> None:
    decision = PLAIN.quotes(view("56:100 | 60:100", max_position=0))
    assert quoted(decision) == "|"
    assert decision.note == "bid: position at the limit; ask: position at the limit"


def test_at_the_edge_one_side_has_no_price_left() -> None:
    decision = PLAIN.quotes(view("1:100 | 2:100"))
    assert quoted(decision) == "| 4:10"
    assert decision.note == "bid: no allowed price"


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("|", "empty book"),
        ("56:1 |", "one-sided book"),
        ("| 60:1", "one-sided book"),
        ("58:1 | 58:1", "locked or crossed book"),
        ("59:1 | 58:1", "locked or crossed book"),
        ("40:1 | 61:1", "book too wide"),
    ],
)
def test_a_book_that_tells_no_price_is_not_quoted(text: str, note: str) -> None:
    decision = PLAIN.quotes(view(text))
    assert quoted(decision) == "|"
    assert decision.note == note


def test_a_book_as_wide_as_allowed_is_quoted() -> None:
    assert quoted(PLAIN.quotes(view("40:1 | 60:1"))) == "48:10 | 52:10"


def test_the_last_two_minutes_are_left_to_others() -> None:
    assert quoted(PLAIN.quotes(view("56:1 | 60:1", time_to_close=126 * SECOND))) == "56:10 | 60:10"
    late = PLAIN.quotes(view("56:1 | 60:1", time_to_close=125 * SECOND))
    assert (quoted(late), late.note, late.fair) == ("|", "cut-off", 5800)


def test_a_15_minute_market_is_quoted_from_its_first_second() -> None:
    assert quoted(PLAIN.quotes(view("56:1 | 60:1", time_to_close=900 * SECOND))) == "56:10 | 60:10"


def test_an_unknown_close_might_be_now() -> None:
    unknown = view("56:1 | 60:1", time_to_close=None)
    assert PLAIN.quotes(unknown).note == "time to close unknown"
    careless = Strategy(FixedSpreadParams(cutoff_seconds=0))
    assert quoted(careless.quotes(unknown)) == "56:10 | 60:10"
