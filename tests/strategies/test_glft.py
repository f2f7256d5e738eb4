"""`glft`, the default: books in, quotes out."""

from __future__ import annotations

import math

import pytest

from mm.core.grid import TAPERED_DECI_CENT_GRID
from mm.core.units import CENT, SECOND, Side
from strategies.formulas import fill_margin, glft_slope
from strategies.glft import GlftParams, Strategy
from tests.ladders import MAKER_FEES, view
from tests.strategies.stories import having_watched, quoted

CALM = "56:100 | 60:100"
# The floor is the volatility of a market that stands still: half-spread 10 ln 1.1 + 0.5 = 1.453 cents.
PARAMS = GlftParams(
    risk_aversion_per_cent=0.01,
    depth_decay_per_cent=1.0,
    fill_rate_per_second=0.1,
    volatility_margin_root_seconds=1.0,
    volatility_floor_cents=0.5,
)
SLOPE = glft_slope(0.5, 0.01, 1.0, 0.1, order_size=10)


def warm(params: GlftParams = PARAMS) -> Strategy:
    """An instance that has seen a calm market for 30 seconds."""
    strategy = Strategy(params)
    having_watched(strategy, CALM, 30)
    return strategy


def test_both_sides_stand_off_the_fair_value_rounded_outward() -> None:
    decision = warm().quotes(view(CALM, at_seconds=31))
    assert (decision.fair, decision.reservation, decision.note) == (5800, 5800, "")
    assert quoted(decision) == "56:10 | 60:10"


def test_the_fair_value_is_the_micro_price() -> None:
    decision = warm().quotes(view("56:300 | 60:100", at_seconds=31))
    assert decision.fair == 5900
    assert quoted(decision) == "57:10 | 61:10"


def test_the_half_spread_is_the_margin_the_market_and_the_fee() -> None:
    """On tenths of a cent the parts can be told apart: margin .953, volatility .5, fee .0175 P (1 - P)."""
    at_five_cents = view("4.0:100 | 6.0:100", at_seconds=61, grid=TAPERED_DECI_CENT_GRID, fees=MAKER_FEES)
    strategy = Strategy(PARAMS)
    having_watched(strategy, "4.0:100 | 6.0:100", 60)
    distance = fill_margin(0.01, 1.0, 10) + 0.5
    assert distance == pytest.approx(1.4531, abs=1e-4)
    assert quoted(strategy.quotes(at_five_cents)) == "3.4:10 | 6.6:10"  # 3.4870 and 6.5606 before rounding
    without_fees = view("4.0:100 | 6.0:100", at_seconds=61, grid=TAPERED_DECI_CENT_GRID)
    assert quoted(strategy.quotes(without_fees)) == "3.5:10 | 6.5:10"


@pytest.mark.parametrize("position", [-60, -1, 1, 25, 90])
def test_the_position_moves_the_reservation_by_the_glft_slope(position: int) -> None:
    decision = warm().quotes(view(CALM, at_seconds=31, position=position))
    assert decision.reservation == pytest.approx(5800 - position * SLOPE * CENT, rel=1e-12)


def test_a_long_position_is_offered_lower_and_bid_lower() -> None:
    assert pytest.approx(0.0597, abs=1e-4) == SLOPE  # cents a contract: 1.79 for the thirty held
    decision = warm().quotes(view(CALM, at_seconds=31, position=30))
    assert quoted(decision) == "54:10 | 58:10"


def test_a_position_that_wants_out_stops_one_step_short_of_crossing() -> None:
    assert quoted(warm().quotes(view("57:100 | 58:100", at_seconds=31, position=90))) == "50:10 | 58:10"
    assert quoted(warm().quotes(view("57:100 | 58:100", at_seconds=31, position=-95))) == "57:10 | 65:5"


@pytest.mark.parametrize(
    ("position", "side", "count", "note"),
    [
        (93, Side.BID, 700, ""),
        (100, Side.BID, None, "bid: position at the limit"),
        (-99.5, Side.ASK, 50, ""),
        (-140, Side.ASK, None, "ask: position at the limit"),
    ],
)
def test_the_bound_is_hard(position: float, side: Side, count: int | None, note: str) -> None:
    decision = warm().quotes(view(CALM, at_seconds=31, position=position))
    counts = {quote.side: quote.count for quote in decision.quotes}
    assert counts.get(side) == count
    assert counts[side.opposite] == 1000
    assert decision.note == note


def test_a_market_just_met_is_watched_first() -> None:
    strategy = Strategy(PARAMS)
    for second in range(5):
        early = strategy.quotes(view(CALM, at_seconds=second))
        assert (quoted(early), early.fair, early.reservation) == ("|", 5800, None)
        assert early.note == "volatility unknown"
    assert quoted(strategy.quotes(view(CALM, at_seconds=5))) == "56:10 | 60:10"


def test_a_jump_closes_the_gate_at_once_and_calm_opens_it_again() -> None:
    """Sigma after a jump of J cents: about J / sqrt(86.6 s / (1 - keep)); 18 cents are over the stop of 1."""
    strategy = warm()
    jumped = "74:100 | 78:100"
    shut = strategy.quotes(view(jumped, at_seconds=31))
    assert (quoted(shut), shut.fair, shut.note) == ("|", 7600, "volatility gate")
    assert shut.reservation == 7600
    notes = [strategy.quotes(view(jumped, at_seconds=second)).note for second in range(32, 300)]
    reopened = notes.index("")
    assert notes == ["volatility gate"] * reopened + [""] * (len(notes) - reopened)
    assert reopened > 30


def test_the_gate_has_hysteresis() -> None:
    """Between the two limits it stays what it was: open on the way up, closed on the way down."""

    def notes_after(jump_cents: int) -> list[str]:
        strategy = warm()
        ladder = f"{56 + jump_cents}:100 | {60 + jump_cents}:100"
        return [strategy.quotes(view(ladder, at_seconds=31 + second)).note for second in range(40)]

    assert set(notes_after(5)) == {""}
    after = notes_after(8)
    assert after[0] == "volatility gate"
    eager = Strategy(GlftParams(volatility_floor_cents=0.5, volatility_resume_fraction=1.0))
    having_watched(eager, CALM, 30)
    ladder = "64:100 | 68:100"
    eager_notes = [eager.quotes(view(ladder, at_seconds=31 + second)).note for second in range(40)]
    assert eager_notes[0] == "volatility gate"
    assert eager_notes.count("volatility gate") < after.count("volatility gate")


def test_a_nervous_market_is_quoted_wider_and_leans_harder() -> None:
    calm, nervous = warm(), Strategy(PARAMS)
    for second in range(61):
        wobble = second % 2
        nervous.quotes(view(f"{56 + wobble}:100 | {60 + wobble}:100", at_seconds=second))
    gentle = calm.quotes(view(CALM, at_seconds=61, position=10))
    harsh = nervous.quotes(view(CALM, at_seconds=61, position=10))
    assert gentle.reservation is not None and harsh.reservation is not None
    assert harsh.reservation < gentle.reservation
    assert harsh.quotes[0].price < gentle.quotes[0].price
    assert 5800 - harsh.reservation == pytest.approx(10 * glft_slope(1, 0.01, 1, 0.1, 10) * CENT, rel=0.02)


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("|", "empty book"),
        ("56:1 |", "one-sided book"),
        ("| 60:1", "one-sided book"),
        ("58:1 | 58:1", "locked or crossed book"),
        ("59:1 | 58:1", "locked or crossed book"),
        ("20:1 | 60:1", "book too wide"),
    ],
)
def test_a_book_that_tells_no_price_is_not_quoted(text: str, note: str) -> None:
    decision = warm().quotes(view(text, at_seconds=31))
    assert (quoted(decision), decision.note) == ("|", note)


def test_the_last_two_minutes_are_left_to_others() -> None:
    strategy = warm()
    assert strategy.quotes(view(CALM, at_seconds=31, time_to_close=126 * SECOND)).quotes
    late = strategy.quotes(view(CALM, at_seconds=32, time_to_close=125 * SECOND))
    assert (quoted(late), late.note, late.fair, late.reservation) == ("|", "cut-off", 5800, 5800)


def test_a_jump_while_the_book_was_one_sided_is_still_felt() -> None:
    strategy = warm()
    strategy.quotes(view("56:100 |", at_seconds=31))
    assert strategy.quotes(view("76:100 | 80:100", at_seconds=32)).note == "volatility gate"


def test_a_book_torn_open_for_a_moment_is_not_taken_for_a_jump() -> None:
    strategy = warm()
    torn = strategy.quotes(view("2:100 | 60:100", at_seconds=31))
    assert (quoted(torn), torn.fair, torn.note) == ("|", None, "book too wide")
    assert quoted(strategy.quotes(view(CALM, at_seconds=32))) == "56:10 | 60:10"


def test_two_markets_do_not_share_what_they_remember() -> None:
    one, other = warm(), warm()
    one.quotes(view("76:100 | 80:100", at_seconds=31))
    assert other.quotes(view(CALM, at_seconds=31)).note == ""


def test_the_slope_shrinks_with_the_square_root_of_the_order_size_for_small_aversion() -> None:
    assert glft_slope(1, 1e-7, 1, 1, 4) == pytest.approx(
        glft_slope(1, 1e-7, 1, 1, 1) / math.sqrt(4), rel=1e-5
    )
