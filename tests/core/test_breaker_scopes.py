"""Whom a trip stops, what warns before it, what joins it and what ends it: stories of the whole engine."""

from __future__ import annotations

import msgspec
import pytest

from mm.core.actions import Alert, AlertLevel
from mm.core.days import DAY
from mm.core.events import AnyEvent, Command, CommandKind, Fill, LinkUp, PositionReport, Reconfigure, Tick
from mm.core.memory import BreakerMemory, TripMemory
from mm.core.settings import DeskSettings, RiskLimits, needs_restart
from mm.core.units import CENT, CONTRACT, MONEY_DOLLAR, SECOND, Side
from tests.core.bench import START, Bench, engine_settings
from tests.core.test_breaker_rows import DOLLAR, OFF, bought, errors, marked, read, tripped

A, B = "KXA", "KXB"


def of(**rules: object) -> Bench:
    bench = Bench(engine_settings(breaker=msgspec.structs.replace(OFF, **rules))).quoting()
    bench.tick()
    return bench


def two_desks(**rules: object) -> Bench:
    desks = (DeskSettings("A", "scripted", (A,)), DeskSettings("B", "scripted", (B,)))
    limits = msgspec.structs.replace(OFF, **rules)
    bench = Bench(engine_settings(desks=desks, breaker=limits)).quoting(wishes="51:10 | 53:10")
    bench.tick()
    for which in range(1, 5):
        bench.ack(which)
    return bench


def alerts(bench: Bench, category: str = "circuit_breaker") -> list[tuple[AlertLevel, str]]:
    """Level and message so far."""
    found = [action for action in bench.actions if isinstance(action, Alert) and action.category == category]
    return [(alert.level, alert.message) for alert in found]


# -- desks -------------------------------------------------------------------------------------------------
def test_a_desk_that_trips_stops_alone() -> None:
    bench = two_desks(max_inventory_imbalance=0.8)
    bench.step(Fill(bench.now, "t", "X", "", A, Side.BID, 5_100, 81 * CONTRACT, 0, False))
    assert bench.tick() == ["alert circuit_breaker", "cancel #1", "cancel #2"]
    bench.canceled(1, 10)
    bench.canceled(2, 10)
    bench.wishes[B] = "50:10 | 53:10"
    assert bench.tick(2) == ["amend #3 10@50"], "the other one quotes on"
    picture = bench.engine.picture()
    first, second = (desk.breaker for desk in picture.desks)
    assert first is not None and second is not None
    assert (first.trading_allowed, second.trading_allowed) == (False, True)
    assert picture.breaker.trading_allowed
    assert picture.mode == "quoting"


def test_when_all_desks_have_tripped_nothing_may_be_traded() -> None:
    bench = two_desks(max_inventory_imbalance=0.8)
    for ticker in (A, B):
        bench.step(Fill(bench.now, f"t{ticker}", "X", "", ticker, Side.BID, 5_100, 81 * CONTRACT, 0, False))
    bench.tick()
    assert not bench.engine.picture().breaker.trading_allowed


def test_one_desk_is_reset_and_the_other_is_not() -> None:
    bench = two_desks(desk_pnl_threshold=-DOLLAR)
    for ticker in (A, B):
        bench.step(Fill(bench.now, f"t{ticker}", "X", "", ticker, Side.BID, 5_200, CONTRACT, DOLLAR, False))
    bench.tick()
    assert [trip.desk for trip in bench.engine.know.breaker.all_trips()] == ["A", "B"]
    bench.step(Command(bench.now, CommandKind.RESET, "fees were wrong", "A"))
    assert [trip.desk for trip in bench.engine.know.breaker.all_trips()] == ["B"]
    assert bench.step(Command(bench.now, CommandKind.RESET, "again", "A")) == []
    bench.step(Command(bench.now, CommandKind.RESET, "all of it"))
    assert tripped(bench) == []


def test_the_pnl_of_a_desk_is_that_of_its_markets() -> None:
    bench = two_desks(desk_pnl_threshold=-DOLLAR)
    for ticker, price in ((A, 4_800), (B, 5_000)):
        bench.step(Fill(bench.now, f"t{ticker}", "X", "", ticker, Side.BID, price, 10 * CONTRACT, 0, False))
    for ticker in (A, B):
        bench.book("42:100 | 44:100", ticker)
    bench.tick()
    measures = bench.engine.know.breaker.measures
    assert (measures.desks["A"].pnl, measures.desks["B"].pnl) == (-DOLLAR // 2, -7 * DOLLAR // 10)
    assert measures.pnl == -12 * DOLLAR // 10
    assert tripped(bench) == []


# -- warnings ----------------------------------------------------------------------------------------------
def test_a_warning_comes_once_at_its_level_and_its_end_when_clearly_below() -> None:
    bench = of(daily_loss=DOLLAR, warn_fraction=0.6)
    bought(bench, 10)
    for cents in (45.01, 45, 44.9, 45.1, 46.19):
        marked(cents)(bench)
    assert alerts(bench) == [(AlertLevel.WARNING, "warning: lost $0.60 today (limit $1.00)")]
    marked(46.21)(bench)
    assert alerts(bench)[1:] == [(AlertLevel.INFO, "over: lost $0.48 today (limit $1.00)")]
    marked(45)(bench)
    assert len(alerts(bench)) == 3, "it may be told again after it was over"
    marked(41)(bench)
    assert [level for level, _ in alerts(bench)[3:]] == [AlertLevel.CRITICAL]


def test_a_trip_without_a_step_between_is_not_also_warned_of() -> None:
    bench = of(daily_loss=DOLLAR, warn_fraction=0.6)
    bought(bench, 10)
    marked(41)(bench)
    assert [level for level, _ in alerts(bench)] == [AlertLevel.CRITICAL]


def test_the_inventory_has_a_level_and_a_category_of_its_own() -> None:
    bench = of(max_inventory_imbalance=0.8, warn_imbalance=0.5)
    bought(bench, 49.99)
    assert alerts(bench, "inventory_imbalance") == []
    bought(bench, 0.01, "more")
    assert [level for level, _ in alerts(bench, "inventory_imbalance")] == [AlertLevel.WARNING]
    bench.step(Fill(bench.now, "s", "X", "", A, Side.ASK, 5_100, 11 * CONTRACT, 0, False))
    bench.tick()
    assert [level for level, _ in alerts(bench, "inventory_imbalance")][1:] == [AlertLevel.INFO]


# -- what joins, what ends ---------------------------------------------------------------------------------
def test_an_error_that_a_restart_forgives_does_not_hide_a_loss_that_it_does_not() -> None:
    bench = of(max_consecutive_errors=3, daily_loss=DOLLAR, weekly_loss=2 * DOLLAR, max_error_fraction=0.1)
    bought(bench, 10)
    errors(3)(bench)
    marked(41)(bench)
    assert tripped(bench) == ["max_consecutive_errors", "daily_loss_dollars"]
    marked(31)(bench)
    assert tripped(bench)[2:] == ["weekly_loss_dollars"]
    errors(60)(bench)
    assert len(tripped(bench)) == 3, "an error rate says nothing new"
    assert bench.engine.picture().breaker.trip_rule == "max_consecutive_errors", "the first is named"


@pytest.mark.parametrize("later", [0, -5 * 3_600 * SECOND])
def test_a_new_day_of_the_zone_ends_a_daily_loss_and_nothing_else(later: int) -> None:
    offsets = ((0, later),)
    bench = of(daily_loss=DOLLAR, zone_offsets=offsets)
    bought(bench, 10)
    marked(41)(bench)
    assert tripped(bench) == ["daily_loss_dollars"]
    midnight = ((START + later) // DAY + 1) * DAY - later
    bench.now = midnight - 2
    bench.step(Tick(midnight - 1, 100, 100))
    assert bench.engine.mode.value == "halted"
    bench.now = midnight
    lines = bench.step(Tick(midnight, 100, 100))
    assert "alert circuit_breaker" in lines
    assert (bench.engine.mode.value, tripped(bench)) == ("quoting", [])
    bench.tick()
    assert tripped(bench) == [], "yesterday's loss is not today's"


def test_a_clock_that_is_put_back_over_midnight_begins_no_day_twice() -> None:
    hour = 3_600 * SECOND
    midnight = (START // DAY + 1) * DAY
    bench = of(daily_loss=DOLLAR, zone_offsets=((0, 0), (midnight + 10 * SECOND, -hour)))
    bought(bench, 10)
    bench.step(Tick(midnight, 100, 100))
    bench.now = midnight
    base = bench.engine.know.breaker.measures.day
    marked(41)(bench)
    assert tripped(bench) == ["daily_loss_dollars"]
    for seconds in (11, 3_599, 2):
        bench.tick(seconds)
    assert (bench.engine.know.breaker.measures.day, tripped(bench)) == (base, ["daily_loss_dollars"])


# -- the kill switch and the disk ------------------------------------------------------------------------
def test_the_kill_switch_stands_beside_other_trips_and_forgives_nothing() -> None:
    bench = of(max_consecutive_errors=10)
    bench.wishes[A] = "51:10 | 53:10"
    bench.tick(1.01)
    bench.ack(1)
    bench.ack(2)
    errors(9)(bench)
    assert bench.command(CommandKind.KILL) == ["alert kill_switch", "cancel #1", "cancel #2"]
    errors(1)(bench)
    assert tripped(bench) == ["kill_switch", "max_consecutive_errors"]
    assert bench.engine.picture().breaker.trip_rule == "kill_switch"
    assert bench.command(CommandKind.RESET) == ["alert circuit_breaker"]
    assert tripped(bench) == ["kill_switch"], "a reset does not revive"
    assert bench.command(CommandKind.RESET) == []
    assert bench.command(CommandKind.FLATTEN) == [], "nothing but cancels leaves"
    assert bench.command(CommandKind.REVIVE) == ["alert kill_switch"]
    assert bench.engine.mode.value == "quoting"


def test_a_bot_that_is_killed_before_it_has_begun_reads_its_account_and_waits() -> None:
    bench = Bench()
    assert bench.command(CommandKind.KILL) == ["alert kill_switch"]
    bench.step(LinkUp(bench.now))
    bench.is_active()
    bench.book("50:100 | 54:100")
    bench.wishes[A] = "51:10 |"
    assert bench.step(Tick(bench.now, 100, 100)) == ["read account"]
    bench.account()
    assert bench.tick(2) == []
    bench.command(CommandKind.REVIVE)
    assert bench.tick() == ["place #1 bid 10@51"]


def test_quotes_go_with_the_disk_and_come_back_with_it_unless_a_person_paused() -> None:
    bench = of(storage_lost=60 * SECOND)
    bench.wishes[A] = "51:10 |"
    bench.tick(1.01)
    bench.ack(1)
    assert bench.command(CommandKind.STORAGE_LOST) == ["cancel #1"]
    bench.canceled(1, 10)
    bench.command(CommandKind.PAUSE)
    bench.tick(60)
    assert tripped(bench) == ["storage_lost_seconds"]
    assert bench.command(CommandKind.RESET) == [], "a disk is not a person's to forgive"
    bench.command(CommandKind.STORAGE_BACK)
    assert (tripped(bench), bench.engine.mode.value) == ([], "paused")
    bench.command(CommandKind.RESUME)
    assert bench.tick() == ["place #2 bid 10@51"]


# -- books that differ ---------------------------------------------------------------------------------------
WRONG = PositionReport(A, 5 * CONTRACT, 250 * CENT * CONTRACT, 0, 0)


def test_a_mismatch_is_over_when_a_later_read_agrees() -> None:
    bench = of()
    read(bench, WRONG)
    read(bench, WRONG)
    assert tripped(bench) == ["position_mismatch"]
    read(bench)
    assert (tripped(bench), bench.engine.mode.value) == ([], "quoting")


def test_a_person_who_resets_a_mismatch_takes_the_exchanges_word() -> None:
    bench = of()
    read(bench, WRONG)
    read(bench, WRONG)
    assert bench.command(CommandKind.RESET) == ["alert circuit_breaker"]
    assert bench.position == 5
    before = bench.engine.know.breaker.measures.pnl
    for _ in range(3):
        read(bench, WRONG)
    assert tripped(bench) == []
    assert bench.engine.know.breaker.measures.pnl == before, "neither gain nor loss of ours"


def test_a_mismatch_that_was_never_explained_outlives_a_crash() -> None:
    memory = BreakerMemory(trips=(TripMemory("position_mismatch", "KXA: ...", 1),))
    bench = Bench(engine_settings(memory=memory))
    bench.step(LinkUp(bench.now))
    read(bench)
    read(bench)
    assert tripped(bench) == ["position_mismatch"], "the ledger of this run began with what was read"
    bench.command(CommandKind.RESET)
    assert (tripped(bench), bench.engine.mode.value) == ([], "quoting")


# -- other limits while running ------------------------------------------------------------------------------
def test_new_limits_hold_at_once_for_what_is_there() -> None:
    bench = of(daily_loss=2 * DOLLAR)
    bench.wishes[A] = "31:10 |"
    bought(bench, 10)
    marked(41)(bench)
    assert tripped(bench) == []
    limits = msgspec.structs.replace(bench.engine.settings.breaker, daily_loss=DOLLAR)
    settings = msgspec.structs.replace(bench.engine.settings, breaker=limits)
    assert "alert circuit_breaker" in bench.step(Reconfigure(bench.now, settings))
    assert tripped(bench) == ["daily_loss_dollars"]


def test_new_limits_of_risk_hold_for_the_next_quote_and_the_warning_is_not_repeated() -> None:
    bench = of(max_inventory_imbalance=0.8, warn_imbalance=0.5)
    bought(bench, 60)
    desk = msgspec.structs.replace(bench.settings.desks[0], limits=RiskLimits(max_order_count=2 * CONTRACT))
    settings = msgspec.structs.replace(bench.engine.settings, desks=(desk,), max_total_exposure=60 * DOLLAR)
    bench.step(Reconfigure(bench.now, settings))
    bench.wishes[A] = "51:10 |"
    assert bench.tick(1.01) == ["place #1 bid 2@51"]
    assert len(alerts(bench, "inventory_imbalance")) == 1
    assert bench.engine.settings is settings


@pytest.mark.parametrize(
    "change",
    [{"run": "run2"}, {"instance": "tob"}, {"account": "x"}, {"depth": 9}, {"memory": BreakerMemory(pnl=1)}],
    ids=str,
)
def test_what_a_run_is_built_on_cannot_change(change: dict[str, object]) -> None:
    bench = of()
    settings = msgspec.structs.replace(bench.engine.settings, **change)
    assert needs_restart(bench.engine.settings, settings) == tuple(change)
    with pytest.raises(AssertionError):
        bench.step(Reconfigure(bench.now, settings))


def test_a_desk_more_or_another_strategy_needs_a_restart() -> None:
    old = engine_settings()
    for desk in (
        msgspec.structs.replace(old.desks[0], strategy="other"),
        msgspec.structs.replace(old.desks[0], markets=("KXB",)),
    ):
        assert needs_restart(old, msgspec.structs.replace(old, desks=(desk,))) == ("desks",)
    assert needs_restart(old, msgspec.structs.replace(old, desks=(*old.desks, *old.desks))) == ("desks",)


def test_the_event_can_be_journalled() -> None:
    event = Reconfigure(7, engine_settings(memory=BreakerMemory(marks={"A": 1}, pnl=-MONEY_DOLLAR)))
    again: AnyEvent = msgspec.json.decode(msgspec.json.encode(event), type=AnyEvent)
    assert again == event
