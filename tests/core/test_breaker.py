"""The breaker: each row trips exactly at its limit and not one step before; windows, days, weeks, reset."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any, NamedTuple

import msgspec
import pytest

from mm.core.breaker import Breaker
from mm.core.breaker_rows import ACCOUNT_ROWS
from mm.core.calls import MOMENT, CallRecord
from mm.core.days import DAY
from mm.core.measures import Measures
from mm.core.settings import BreakerLimits
from mm.core.units import MONEY_DOLLAR, SECOND, Money, Nanos

WINDOW = 300 * SECOND
OFF = BreakerLimits(
    max_consecutive_errors=10**9,
    pnl_threshold=-(10**15),
    max_inventory_imbalance=10.0**9,
    max_error_fraction=None,
    daily_loss_fraction=None,
    daily_loss=None,
    weekly_loss=None,
    losing_round_trips=None,
    feed_lost=None,
    warn_fraction=None,
)
MONDAY: Nanos = 4 * DAY  # 1970-01-05


def only(**rows: object) -> BreakerLimits:
    """All rows off but these."""
    return msgspec.structs.replace(OFF, **rows)


def lose(measures: Measures, loss: Money, now: Nanos = MONDAY) -> None:
    measures.pnl = -loss
    measures.time_is(now)


def calls(measures: Measures, failed: int, good: int, now: Nanos = MONDAY) -> None:
    """Answers one moment apart, from ``now`` on or after those that were: each is evidence of its own."""
    first = measures.calls.samples
    for number in range(failed + good):
        at = now + (first + number) * MOMENT
        measures.call_answered(at, "503" if number < failed else "")


def streak(measures: Measures, length: int) -> None:
    measures.losing_streak = length


def down(measures: Measures, nanos: Nanos) -> None:
    measures.link_down_since = MONDAY
    measures.time_is(MONDAY + nanos)


def lose_of(equity: Money) -> Callable[[Measures, Money], None]:
    def happens(measures: Measures, loss: Money) -> None:
        measures.equity = equity
        measures.time_is(MONDAY)
        lose(measures, loss)

    return happens


class Case(NamedTuple):
    """A row alone, what moves its measure, and the amounts just before and at the limit."""

    limits: BreakerLimits
    happens: Callable[[Measures, Any], None]
    before: float
    at: float


LIMITS: dict[str, Case] = {
    "max_consecutive_errors": Case(
        only(max_consecutive_errors=10), lambda measures, failed: calls(measures, failed, 0), 9, 10
    ),
    "pnl_threshold": Case(only(pnl_threshold=-(10**8)), lose, 10**8 - 1, 10**8),
    "max_error_fraction": Case(
        only(max_error_fraction=0.10, error_min_samples=50),
        lambda measures, failed: calls(measures, failed, 100 - failed),
        10,
        11,
    ),
    "daily_loss_fraction": Case(
        only(daily_loss_fraction=0.05), lose_of(1_000 * MONEY_DOLLAR), 50_000_000 - 1, 50_000_000
    ),
    "daily_loss_dollars": Case(only(daily_loss=50 * MONEY_DOLLAR), lose, 50_000_000 - 1, 50_000_000),
    "weekly_loss_dollars": Case(only(weekly_loss=250 * MONEY_DOLLAR), lose, 250_000_000 - 1, 250_000_000),
    "losing_round_trips": Case(only(losing_round_trips=5), streak, 4, 5),
    "feed_lost_seconds": Case(only(feed_lost=15 * SECOND), down, 15 * SECOND - 10**6, 15 * SECOND),
}


def begun(limits: BreakerLimits) -> Breaker:
    breaker = Breaker(limits)
    breaker.measures.time_is(MONDAY)
    return breaker


def trips(breaker: Breaker, now: Nanos = MONDAY) -> list[str]:
    """The rules that trip now."""
    change = breaker.check(now)
    return [] if change is None else [trip.rule for trip in change.trips]


@pytest.mark.parametrize("rule", LIMITS)
def test_a_row_trips_at_its_limit_and_not_one_step_before(rule: str) -> None:
    limits, happens, before, at = LIMITS[rule]
    breaker = begun(limits)
    happens(breaker.measures, before)
    assert breaker.check(MONDAY) is None
    breaker = begun(limits)
    happens(breaker.measures, at)
    assert trips(breaker, MONDAY + 1) == [rule]
    assert breaker.trip is not None and breaker.trip.ts == MONDAY + 1
    assert breaker.check(MONDAY + 2) is None, "a trip is told once"
    assert not breaker.picture().trading_allowed


@pytest.mark.parametrize("rule", LIMITS)
def test_a_row_that_is_off_never_trips(rule: str) -> None:
    breaker = begun(OFF)
    _, happens, _, at = LIMITS[rule]
    happens(breaker.measures, at)
    assert breaker.check(MONDAY) is None


def test_a_few_calls_prove_no_error_rate() -> None:
    breaker = begun(only(max_error_fraction=0.1, error_min_samples=50))
    calls(breaker.measures, 49, 0)
    assert breaker.check(MONDAY) is None
    calls(breaker.measures, 1, 0)
    assert breaker.check(MONDAY) is not None


def test_errors_older_than_the_window_are_forgotten_and_those_at_its_edge_are_not() -> None:
    measures = Measures(BreakerLimits())
    calls(measures, 30, 30)
    measures.time_is(MONDAY + WINDOW + MOMENT - 1)
    assert (measures.calls.samples, measures.calls.error_fraction) == (60, 0.5)
    measures.time_is(MONDAY + WINDOW + MOMENT)
    assert measures.calls.samples == 59
    assert measures.calls.error_fraction == pytest.approx(29 / 59)
    measures.time_is(MONDAY + 2 * WINDOW)
    assert (measures.calls.samples, measures.calls.error_fraction) == (0, 0.0)
    calls(measures, 0, 5, now=MONDAY + 2 * WINDOW)
    assert measures.calls.error_fraction == 0.0


def test_a_good_answer_ends_a_row_of_errors() -> None:
    measures = Measures(BreakerLimits())
    calls(measures, 9, 1)
    calls(measures, 9, 0)
    assert measures.calls.errors_in_a_row == 9


def test_what_fails_together_is_one_error() -> None:
    """A second without network fails every request under way: that is no ten errors in a row."""
    measures = Measures(BreakerLimits())
    for number in range(30):
        measures.call_answered(MONDAY + number % 2, "no answer")
    assert (measures.calls.errors_in_a_row, measures.calls.samples) == (1, 1)
    measures.call_answered(MONDAY + MOMENT, "no answer")
    assert measures.calls.errors_in_a_row == 2
    measures.call_answered(MONDAY + MOMENT + 1, "")
    assert measures.calls.errors_in_a_row == 0, "the exchange did answer in that moment"


def test_the_error_rate_is_that_of_the_moments_however_much_was_asked_in_each() -> None:
    """A blip that fails a burst is a small part of the window; a steady tenth of failures is a tenth."""
    blip, steady = CallRecord(), CallRecord()
    for moment in range(100):
        for number in range(20 if moment in (7, 8) else 1):
            blip.answered(moment * MOMENT + number, failed=moment in (7, 8))
        for number in range(10):
            steady.answered(moment * MOMENT + number, failed=number == 3)
    assert blip.error_fraction == 0.02
    assert steady.error_fraction == 0.1


def test_the_daily_loss_begins_anew_at_midnight_and_the_weekly_on_monday() -> None:
    breaker = begun(only(daily_loss=50 * MONEY_DOLLAR, weekly_loss=90 * MONEY_DOLLAR))
    measures = breaker.measures
    for day, loss in enumerate((40, 80)):
        lose(measures, loss * MONEY_DOLLAR, MONDAY + (day + 1) * DAY - 1)
        assert breaker.check(MONDAY) is None
        measures.time_is(MONDAY + (day + 1) * DAY)
    lose(measures, 89 * MONEY_DOLLAR, MONDAY + 7 * DAY - 1)
    assert breaker.check(MONDAY) is None, "the day had begun with 80 lost"
    measures.time_is(MONDAY + 7 * DAY)
    lose(measures, 130 * MONEY_DOLLAR, MONDAY + 7 * DAY)
    assert breaker.check(MONDAY) is None, "41 of the new week and of the new day"
    lose(measures, 139 * MONEY_DOLLAR, MONDAY + 7 * DAY)
    assert trips(breaker) == ["daily_loss_dollars"]


def test_the_whole_week_counts_until_its_last_moment() -> None:
    breaker = begun(only(weekly_loss=100 * MONEY_DOLLAR))
    for day in range(7):
        lose(breaker.measures, day * 10 * MONEY_DOLLAR, MONDAY + day * DAY)
    lose(breaker.measures, 100 * MONEY_DOLLAR, MONDAY + 7 * DAY - 1)
    assert breaker.check(MONDAY) is not None


def test_a_share_of_the_equity_needs_the_equity_and_takes_that_of_the_days_first_moment() -> None:
    breaker = begun(only(daily_loss_fraction=0.05))
    lose(breaker.measures, 900 * MONEY_DOLLAR)
    assert breaker.check(MONDAY) is None, "nothing is known of the account yet"
    breaker = begun(only(daily_loss_fraction=0.05))
    breaker.measures.equity = 1_000 * MONEY_DOLLAR
    breaker.measures.time_is(MONDAY)
    breaker.measures.equity = 951 * MONEY_DOLLAR
    lose(breaker.measures, 49 * MONEY_DOLLAR)
    assert breaker.check(MONDAY) is None


def test_a_profit_never_trips() -> None:
    breaker = begun(BreakerLimits())
    breaker.measures.equity = 1_000 * MONEY_DOLLAR
    lose(breaker.measures, -500 * MONEY_DOLLAR)
    assert breaker.check(MONDAY) is None


@pytest.mark.parametrize("rule", sorted(set(LIMITS) - {"feed_lost_seconds"}))
def test_a_reset_forgives_what_was_and_trips_again_for_what_comes(rule: str) -> None:
    limits, happens, _, at = LIMITS[rule]
    breaker = begun(limits)
    happens(breaker.measures, at)
    assert breaker.check(MONDAY) is not None
    breaker.reset()
    assert breaker.check(MONDAY) is None
    assert breaker.picture().trading_allowed
    if rule.endswith(("threshold", "fraction", "dollars")) and rule != "max_error_fraction":
        lose(breaker.measures, int(2 * at))
    else:
        happens(breaker.measures, at)
    assert breaker.check(MONDAY) is not None


def test_what_is_still_so_trips_again_after_a_reset() -> None:
    limits, happens, _, at = LIMITS["feed_lost_seconds"]
    breaker = begun(limits)
    happens(breaker.measures, at)
    breaker.check(MONDAY)
    breaker.reset()
    assert breaker.check(MONDAY) is not None


def test_every_measure_is_a_finite_number_before_anything_is_known() -> None:
    picture = Breaker(BreakerLimits()).picture()
    assert all(isfinite(value) for value in [*picture.measures.values(), *picture.thresholds.values()])
    assert set(picture.measures) == {row.name for row in ACCOUNT_ROWS}


def test_the_reason_names_measure_and_limit_in_the_operators_units() -> None:
    breaker = begun(only(daily_loss=50 * MONEY_DOLLAR))
    lose(breaker.measures, 51_250_000)
    breaker.check(MONDAY)
    assert breaker.trip is not None
    assert breaker.trip.reason == "lost $51.25 today (limit $50.00)"


def test_the_latest_errors_are_kept_for_the_operator() -> None:
    measures = Measures(BreakerLimits())
    for number in range(12):
        measures.call_answered(MONDAY, f"error {number}")
    assert [text for _, text in measures.recent_errors] == [f"error {n}" for n in range(2, 12)]
