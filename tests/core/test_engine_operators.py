"""Operators: pause, halt, reset, and what happens when many orders must go at once."""

from __future__ import annotations

import pytest

from mm.core.actions import CancelAll
from mm.core.events import (
    ApiError,
    CancelAllDone,
    Command,
    CommandKind,
    LinkUp,
    RequestKind,
    Tick,
)
from mm.core.settings import DeskSettings, RiskLimits
from mm.core.units import CONTRACT
from tests.core.bench import Bench, engine_settings


def both_rest() -> Bench:
    bench = Bench().quoting(wishes="51:10 | 53:10")
    bench.tick()
    bench.ack(1)
    bench.ack(2)
    return bench


def test_a_halt_works_at_once_in_every_mode_and_only_a_reset_ends_it() -> None:
    bench = both_rest()
    assert bench.command(CommandKind.HALT) == ["alert kill_switch", "cancel #1", "cancel #2"]
    bench.canceled(1, 10)
    bench.canceled(2, 10)
    assert bench.command(CommandKind.RESUME) == []
    assert bench.tick(2) == []
    assert bench.command(CommandKind.RESET) == ["alert circuit_breaker"]
    assert bench.tick(1) == ["place #3 bid 10@51", "place #4 ask 10@53"]


def test_a_halt_outlasts_what_had_stopped_trading_before_it() -> None:
    """The kill switch is taken back by itself and a daily loss at midnight; a halt is ended by a person."""
    bench = both_rest()
    bench.command(CommandKind.KILL)
    assert bench.command(CommandKind.HALT) == ["alert kill_switch"]
    assert bench.command(CommandKind.HALT) == [], "told once"
    bench.canceled(1, 10)
    bench.canceled(2, 10)
    bench.command(CommandKind.REVIVE)
    assert bench.tick(2) == []
    assert bench.engine.mode.value == "halted"
    bench.command(CommandKind.RESET)
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
