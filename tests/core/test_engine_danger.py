"""Danger acts at once: lost links, trips and halts take all orders away, and nothing is sent afterwards."""

from __future__ import annotations

import msgspec
import pytest

from mm.core.actions import CancelAll
from mm.core.events import (
    ApiError,
    CancelAllDone,
    Command,
    CommandKind,
    LinkDown,
    LinkUp,
    MarketState,
    MarketStatus,
    PositionReport,
    RequestKind,
    Tick,
)
from mm.core.settings import BreakerLimits, DeskSettings, RiskLimits
from mm.core.units import CONTRACT, MONEY_DOLLAR
from tests.core.bench import CALM, Bench, engine_settings
from tests.core.words import row


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
    lines: list[str] = []
    for _ in range(count):
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


def test_an_order_acknowledged_after_the_trip_is_cancelled_at_once() -> None:
    """Fault F03: what was on its way when the breaker tripped."""
    bench = Bench().quoting(wishes="51:10 | 53:10")
    bench.tick()
    assert errors(bench, 10) == ["alert circuit_breaker"]
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
    assert bench.tick(1) == ["place #3 bid 10@51", "place #4 ask 10@53"]
    bench.ack(3)
    bench.ack(4)
    assert bench.fill(bench.order(3), 1, trade_id="z") == []
    assert bench.engine.mode.value == "quoting"


def test_a_market_that_settles_against_us_counts_as_a_losing_round_trip() -> None:
    bench = both_rest(msgspec.structs.replace(LOSING, losing_round_trips=1))
    bench.fill(bench.order(1), 1)
    bench.step(MarketStatus(bench.now, "KXA", state=MarketState.SETTLED, settlement_value=0))
    assert "alert circuit_breaker" in bench.tick()


# -- operators -----------------------------------------------------------------------------------------------
def test_a_halt_works_at_once_in_every_mode_and_only_a_reset_ends_it() -> None:
    bench = both_rest()
    assert bench.command(CommandKind.HALT) == ["alert kill_switch", "cancel #1", "cancel #2"]
    bench.canceled(1, 10)
    bench.canceled(2, 10)
    assert bench.command(CommandKind.RESUME) == []
    assert bench.tick(2) == []
    assert bench.command(CommandKind.RESET) == ["alert circuit_breaker"]
    assert bench.tick(1) == ["place #3 bid 10@51", "place #4 ask 10@53"]


def test_a_halt_while_starting_outlasts_the_start() -> None:
    bench = Bench()
    assert bench.command(CommandKind.HALT) == ["alert kill_switch"]
    bench.step(LinkUp(bench.now))
    bench.is_active()
    bench.book("50:100 | 54:100")
    bench.wishes["KXA"] = "51:10 |"
    bench.wait(31)
    bench.step(Tick(bench.now, 100, 100))
    bench.account()
    assert bench.tick() == []
    assert bench.engine.mode.value == "halted"
    bench.command(CommandKind.RESET)
    assert bench.tick(1) == ["place #1 bid 10@51"]


def test_a_pause_takes_the_quotes_away_and_a_resume_brings_them_back() -> None:
    bench = both_rest()
    assert bench.command(CommandKind.PAUSE) == ["cancel #1", "cancel #2"]
    bench.canceled(1, 10)
    bench.canceled(2, 10)
    assert bench.tick(2) == []
    bench.command(CommandKind.RESUME)
    assert bench.tick(1) == ["place #3 bid 10@51", "place #4 ask 10@53"]


def test_a_pause_while_starting_is_not_forgotten() -> None:
    bench = Bench()
    bench.command(CommandKind.PAUSE)
    bench.step(LinkUp(bench.now))
    bench.is_active()
    bench.book("50:100 | 54:100")
    bench.wishes["KXA"] = "51:10 |"
    bench.wait(31)
    assert bench.step(Tick(bench.now, 100, 100)) == ["read account"]
    bench.account()
    assert bench.tick(1) == []
    bench.command(CommandKind.RESUME)
    assert bench.tick(1) == ["place #1 bid 10@51"]


def test_a_resume_never_skips_the_recovery_of_the_start() -> None:
    bench = Bench()
    bench.command(CommandKind.PAUSE)
    bench.step(LinkUp(bench.now))
    bench.is_active()
    bench.book("50:100 | 54:100")
    bench.wishes["KXA"] = "51:10 |"
    bench.command(CommandKind.RESUME)
    assert bench.step(Tick(bench.now, 100, 100)) == ["read account"]
    assert bench.engine.mode.value == "starting"
    bench.account()
    assert bench.tick() == ["place #1 bid 10@51"]


@pytest.mark.parametrize("kind", [CommandKind.RESUME, CommandKind.RESET])
def test_commands_that_do_not_fit_the_moment_change_nothing(kind: CommandKind) -> None:
    bench = both_rest()
    assert bench.step(Command(bench.now, kind)) == []
    assert bench.tick() == []
    assert bench.engine.mode.value == "quoting"


# -- many at once --------------------------------------------------------------------------------------------
def twenty_one() -> Bench:
    limits = RiskLimits(max_position=500 * CONTRACT)
    desk = DeskSettings("DEFAULT", "scripted", ("KXA",), limits)
    ladder = " ".join(f"{cents}:1" for cents in range(40, 51))
    asks = " ".join(f"{cents}:1" for cents in range(52, 62))
    bench = Bench(engine_settings(desks=(desk,))).quoting("51:100 | 52:100", f"{ladder} | {asks}")
    bench.book("39:100 | 63:100")
    assert len(bench.tick()) == 21
    return bench


def cancel_all_request(bench: Bench) -> int:
    return next(action.request_id for action in bench.actions if isinstance(action, CancelAll))


def test_more_than_twenty_orders_go_by_one_cancel_all_and_nothing_is_placed_for_a_minute() -> None:
    """Fault F15: the exchange's sweep may take what is placed in the minute after it."""
    bench = twenty_one()
    for which in range(1, 22):
        bench.ack(which)
    assert bench.command(CommandKind.PAUSE) == ["cancel all"]
    bench.step(CancelAllDone(bench.now, cancel_all_request(bench)))
    for which in range(1, 22):
        bench.noticed(which, "canceled")
    assert bench.orders == {}
    bench.command(CommandKind.RESUME)
    assert bench.tick(59) == []
    assert len(bench.tick(2)) == 21


def test_what_the_sweep_left_is_cancelled_one_by_one() -> None:
    bench = twenty_one()
    for which in range(1, 22):
        bench.ack(which)
    bench.command(CommandKind.PAUSE)
    assert bench.tick(0.5) == []
    assert len(bench.tick(0.6)) == 21


def test_a_cancel_all_that_failed_leaves_the_orders_to_be_cancelled_one_by_one() -> None:
    bench = twenty_one()
    for which in range(1, 22):
        bench.ack(which)
    bench.command(CommandKind.PAUSE)
    bench.step(ApiError(bench.now, cancel_all_request(bench), RequestKind.CANCEL_ALL, 503, ""))
    assert sorted(bench.tick(1.1)) == sorted(f"cancel #{which}" for which in range(1, 22))


def test_twenty_orders_are_cancelled_one_by_one_at_once() -> None:
    bench = twenty_one()
    bench.ack(1)
    bench.noticed(1, "canceled")
    for which in range(2, 22):
        bench.ack(which)
    assert len(bench.command(CommandKind.PAUSE)) == 20
    assert bench.tick() == []


# -- the books do not agree ------------------------------------------------------------------------
def read(bench: Bench, *positions: PositionReport, dollars: float = 1_000) -> list[str]:
    bench.wait(31)
    assert "read account" in bench.step(Tick(bench.now, 100, 100))
    bench.wait(0.1)
    return bench.account(*positions, cash=round(dollars * MONEY_DOLLAR))


def test_a_position_that_is_wrong_twice_trips_the_breaker() -> None:
    bench = Bench().quoting()
    bench.tick()
    wrong = PositionReport("KXA", 500, 2_500_000, 0, 0)
    assert read(bench, wrong) == []
    assert read(bench, wrong) == ["alert circuit_breaker"]
    assert bench.engine.picture().breaker.trip_rule == "position_mismatch"


def test_a_position_that_is_wrong_once_is_the_lag_of_a_read() -> None:
    bench = Bench().quoting()
    bench.tick()
    assert read(bench, PositionReport("KXA", 500, 2_500_000, 0, 0)) == []
    assert read(bench) == []
    assert read(bench, PositionReport("KXA", 500, 2_500_000, 0, 0)) == []
    assert bench.engine.mode.value == "quoting"


def test_a_position_that_just_moved_is_not_compared() -> None:
    bench = both_rest()
    rests = (row("bot-run1-1", "X1", "bid 9@51", filled=1), row("bot-run1-2", "X2", "ask 10@53"))
    for _ in range(3):
        bench.wait(31)
        bench.step(Tick(bench.now, 100, 100))
        bench.fill(bench.order(1), 1, trade_id=f"t{bench.now}")
        bench.account(resting=rests)
    assert bench.engine.mode.value == "quoting"


def test_cash_that_moved_without_us_is_told_and_taken_over() -> None:
    bench = Bench().quoting()
    bench.tick()
    assert read(bench, dollars=1_250) == ["alert order_anomaly"]
    assert bench.engine.know.ledger.cash == 1_250 * MONEY_DOLLAR
    assert read(bench, dollars=1_250) == []


def test_less_than_the_exchange_tells_is_no_difference() -> None:
    bench = Bench().quoting()
    bench.tick()
    assert read(bench, dollars=1_000.00009) == []
    assert read(bench, dollars=1_000.0001) == ["alert order_anomaly"]
