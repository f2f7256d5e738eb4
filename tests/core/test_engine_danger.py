"""Danger acts at once: lost links, trips and halts take all orders away, and nothing is sent afterwards."""

from __future__ import annotations

import msgspec
import pytest

from mm.core.events import (
    ApiError,
    CommandKind,
    LinkDown,
    LinkUp,
    MarketState,
    MarketStatus,
    RequestKind,
    Tick,
)
from mm.core.settings import BreakerLimits
from mm.core.units import MONEY_DOLLAR
from tests.core.bench import CALM, Bench, engine_settings


def both_rest(limits: BreakerLimits = CALM) -> Bench:
    bench = Bench(engine_settings(breaker=limits)).quoting(wishes="51:10 | 53:10")
    bench.tick()
    bench.ack(1)
    bench.ack(2)
    return bench


# -- the link ----------------------------------------------------------------------------------------------
def test_a_lost_link_cancels_at_once_without_a_tick() -> None:
    bench = both_rest()
    assert bench.step(LinkDown(bench.now)) == ["cancel #1", "cancel #2"]
    bench.canceled(1, 10)
    bench.canceled(2, 10)
    assert bench.tick() == []


def test_after_the_link_is_back_quotes_wait_for_new_books() -> None:
    bench = both_rest()
    bench.step(LinkDown(bench.now))
    bench.canceled(1, 10)
    bench.canceled(2, 10)
    bench.step(LinkUp(bench.now))
    assert bench.tick() == []
    bench.book("50:100 | 54:100")
    assert bench.tick() == ["place #3 bid 10@51", "place #4 ask 10@53"]


def test_a_feed_lost_for_fifteen_seconds_trips_and_not_a_moment_before() -> None:
    bench = both_rest()
    bench.step(LinkDown(bench.now))
    bench.canceled(1, 10)
    bench.canceled(2, 10)
    assert bench.tick(14.999) == []
    assert bench.engine.mode.value == "quoting"
    assert bench.tick(0.001) == ["alert circuit_breaker"]
    assert bench.engine.mode.value == "halted"
    assert bench.engine.picture().breaker.trip_rule == "feed_lost_seconds"


def test_a_link_reported_lost_twice_is_lost_since_the_first_time() -> None:
    bench = both_rest()
    bench.step(LinkDown(bench.now))
    bench.tick(10)
    bench.step(LinkDown(bench.now))
    assert "alert circuit_breaker" in bench.tick(5)


def test_a_link_that_came_back_in_time_trips_nothing() -> None:
    bench = both_rest()
    bench.step(LinkDown(bench.now))
    bench.tick(14)
    bench.step(LinkUp(bench.now))
    bench.tick(14)
    assert bench.engine.mode.value == "quoting"


# -- the breaker -------------------------------------------------------------------------------------------
def errors(bench: Bench, count: int) -> list[str]:
    """One after the other, half a second apart: what fails together is one error."""
    lines: list[str] = []
    for _ in range(count):
        lines += bench.tick(0.5)
        lines += bench.step(ApiError(bench.now, 4_000, RequestKind.QUERY_ACCOUNT, 503, ""))
        lines += bench.tick()
    return lines


def test_a_trip_cancels_all_stays_alive_and_goes_on_reading_the_account() -> None:
    bench = both_rest()
    assert errors(bench, 9) == []
    assert errors(bench, 1) == ["alert circuit_breaker", "cancel #1", "cancel #2"]
    bench.canceled(1, 10)
    bench.canceled(2, 10)
    assert bench.tick(1) == []
    bench.wait(31)
    assert bench.step(Tick(bench.now, 100, 100)) == ["read account"]
    bench.account()
    assert bench.engine.mode.value == "halted"


def test_a_good_answer_ends_a_row_of_errors() -> None:
    """Also that of an account read, which in a quiet market is the only one for a long while."""
    bench = Bench().quoting()
    bench.tick()
    errors(bench, 9)
    bench.wait(31)
    assert "read account" in bench.step(Tick(bench.now, 100, 100))
    bench.account()
    assert errors(bench, 9) == []


@pytest.mark.parametrize(
    ("status", "code", "is_trouble"),
    [
        (503, "service_unavailable", True),
        (429, "too many requests", True),
        (401, "authentication_error", True),
        (0, "not_connected", True),
        (400, "invalid_order", False),
        (0, "gate_closed", False),
        (0, "kill_switch", False),
    ],
)
def test_only_refusals_that_speak_of_the_exchange_count_as_errors(
    status: int, code: str, is_trouble: bool
) -> None:
    bench = Bench().quoting(wishes="51:10 |")
    for which in range(1, 11):
        assert bench.tick(61) == [f"place #{which} bid 10@51"]
        bench.refuse(which, code, status)
    bench.tick()
    assert (bench.engine.mode.value == "halted") == is_trouble


def test_our_own_safety_net_neither_counts_as_an_error_nor_as_a_good_answer() -> None:
    bench = Bench().quoting(wishes="51:10 |")
    assert errors(bench, 9)[:1] == ["place #1 bid 10@51"]
    bench.refuse(1, "gate_closed", 0)
    assert bench.engine.picture().breaker.consecutive_errors == 9


def test_an_order_acknowledged_after_the_trip_is_cancelled_at_once() -> None:
    """Fault F03: what was on its way when the breaker tripped."""
    bench = Bench().quoting(wishes="51:10 | 53:10")
    bench.tick()
    assert errors(bench, 10) == ["alert circuit_breaker", "withhold"]
    assert bench.ack(1) == ["cancel #1"]
    bench.doubt(2)
    assert bench.tick(0.6) == ["ask about #2"]
    assert bench.told(2, "resting", remaining=10) == ["cancel #2"]


def test_a_fill_after_the_trip_is_still_booked() -> None:
    bench = both_rest()
    errors(bench, 10)
    bench.fill(bench.order(1), 10)
    assert bench.position == 10


def test_a_loss_trips_at_the_tick_that_sees_it() -> None:
    bench = both_rest(msgspec.structs.replace(CALM, daily_loss=MONEY_DOLLAR))
    bench.fill(bench.order(1), 10)
    bench.book("41:100 | 42:100")
    bench.wishes["KXA"] = "|"
    lines = bench.tick()
    assert "cancel #2" in lines, "41.5 is 95 cents below the cost"
    assert bench.engine.mode.value == "quoting"
    bench.book("40:100 | 42:100")
    assert bench.tick() == ["alert circuit_breaker"]
    assert bench.engine.picture().breaker.trip_rule == "daily_loss_dollars"


def test_fees_are_part_of_the_loss() -> None:
    bench = both_rest(msgspec.structs.replace(CALM, daily_loss=MONEY_DOLLAR))
    bench.fill(bench.order(1), 1, fee=MONEY_DOLLAR)
    bench.book("50:100 | 52:100")
    assert bench.tick()[0] == "alert circuit_breaker"


LOSING = msgspec.structs.replace(CALM, losing_round_trips=2, daily_loss=None)


def lose_once(bench: Bench, bid: int) -> list[str]:
    """Buy at 53 and sell at 51 are one losing round trip; fills are told by hand."""
    bench.fill(bench.order(bid + 1), 1, trade_id=f"a{bid}", fee=MONEY_DOLLAR)
    return bench.fill(bench.order(bid), 1, trade_id=f"b{bid}", fee=MONEY_DOLLAR)


def test_losing_round_trips_in_a_row_trip_at_the_fill_that_ends_the_last() -> None:
    bench = both_rest(LOSING)
    assert lose_once(bench, 1) == []
    bench.fill(bench.order(2), 1, trade_id="x", fee=MONEY_DOLLAR)
    lines = bench.fill(bench.order(1), 1, trade_id="y", fee=MONEY_DOLLAR)
    assert lines == ["alert circuit_breaker", "cancel #1", "cancel #2"]


def test_a_reset_forgives_the_losing_streak() -> None:
    """Else the first fill after it would trip again for trips that a person has looked at."""
    bench = both_rest(LOSING)
    lose_once(bench, 1)
    bench.fill(bench.order(2), 1, trade_id="x", fee=MONEY_DOLLAR)
    bench.fill(bench.order(1), 1, trade_id="y", fee=MONEY_DOLLAR)
    bench.canceled(1, 8)
    bench.canceled(2, 8)
    assert bench.command(CommandKind.RESET) == ["alert circuit_breaker"]
    assert bench.tick(1) == [
        "alert order_anomaly",  # the losses are fees, in a market without any
        "place #3 bid 10@51",
        "place #4 ask 10@53",
    ]
    bench.ack(3)
    bench.ack(4)
    assert bench.fill(bench.order(3), 1, trade_id="z") == []
    assert bench.engine.mode.value == "quoting"


def test_a_market_that_settles_against_us_counts_as_a_losing_round_trip() -> None:
    bench = both_rest(msgspec.structs.replace(LOSING, losing_round_trips=1))
    bench.fill(bench.order(1), 1)
    bench.step(MarketStatus(bench.now, "KXA", state=MarketState.SETTLED, settlement_value=0))
    assert "alert circuit_breaker" in bench.tick()
