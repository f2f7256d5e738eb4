"""P&L over restarts: no loss is forgotten, none is counted twice, and what may be a deposit is no gain."""

from __future__ import annotations

import msgspec
import pytest

from mm.core.actions import Alert
from mm.core.events import Fill, LinkUp, MarketState, MarketStatus, PositionReport, Tick
from mm.core.memory import NOTHING, BreakerMemory, DeskMemory, TripMemory
from mm.core.settings import BreakerLimits
from mm.core.units import CENT, CONTRACT, MONEY_DOLLAR, Money, Side
from tests.core.bench import Bench, engine_settings
from tests.core.test_breaker_rows import OFF

DOLLAR = MONEY_DOLLAR
CASH = 1_000 * DOLLAR


def limits(**rules: object) -> BreakerLimits:
    return msgspec.structs.replace(OFF, **rules)


def run(memory: BreakerMemory, cash: Money, *held: PositionReport, **rules: object) -> Bench:
    """A run that has just read its account, in a market at 52."""
    settings = engine_settings(breaker=limits(**rules), memory=memory, account="here")
    bench = Bench(settings)
    bench.step(LinkUp(bench.now))
    bench.is_active()
    bench.step(Tick(bench.now, 100, 100))
    bench.wait(0.01)
    bench.account(*held, cash=cash)
    return bench


def fill(bench: Bench, side: Side, count: int, cents: int, trade_id: str, fee: Money = 0) -> None:
    contracts, price = count * CONTRACT, cents * CENT
    bench.step(Fill(bench.now, trade_id, "X", "", "KXA", side, price, contracts, fee, False))
    bench.tick()


def memory_of(bench: Bench) -> BreakerMemory:
    bench.tick()
    return bench.engine.picture().memory


def pnl(bench: Bench) -> Money:
    bench.tick()
    return bench.engine.know.breaker.measures.pnl


def long(count: int, cents: int) -> PositionReport:
    return PositionReport("KXA", count * CONTRACT, count * CONTRACT * cents * CENT, 0, 0)


def told(bench: Bench) -> list[str]:
    return [each.message for each in bench.actions if isinstance(each, Alert) and "moved by" in each.message]


def first_run(**rules: object) -> Bench:
    """Bought 100 at 52, of which 50 were sold at 40: 6 dollars are lost for good, 5 more by a mark of 42 for
    the rest, and 2 by fees."""
    bench = run(NOTHING, CASH, **rules)
    bench.book("51:100 | 53:100")
    fill(bench, Side.BID, 100, 52, "a", DOLLAR)
    fill(bench, Side.ASK, 50, 40, "b", DOLLAR)
    bench.book("41:100 | 43:100")
    bench.tick()
    assert pnl(bench) == -13 * DOLLAR
    return bench


CASH_THEN: Money = CASH - 52 * DOLLAR + 20 * DOLLAR - 2 * DOLLAR


@pytest.mark.parametrize("cost_cents", [52, 40, 60])
def test_a_restart_goes_on_where_the_last_run_ended_whatever_the_exchange_calls_the_cost(
    cost_cents: int,
) -> None:
    memory = memory_of(first_run())
    bench = run(memory, CASH_THEN, long(50, cost_cents))
    assert pnl(bench) == -13 * DOLLAR
    assert told(bench) == []
    bench.book("39:100 | 41:100")
    assert pnl(bench) == -14 * DOLLAR, "the market moved on from where it was"
    assert memory_of(bench).worth == CASH_THEN + 20 * DOLLAR


def test_a_loss_limit_counts_over_a_restart_and_a_second_one() -> None:
    memory = memory_of(first_run(daily_loss=14 * DOLLAR))
    bench = run(memory, CASH_THEN, long(50, 52), daily_loss=14 * DOLLAR)
    bench = run(memory_of(bench), CASH_THEN, long(50, 52), daily_loss=14 * DOLLAR)
    bench.book("39.02:100 | 41:100")
    assert pnl(bench) > -14 * DOLLAR
    assert bench.engine.know.breaker.trip is None
    bench.book("39:100 | 41:100")
    bench.tick()
    assert bench.engine.picture().breaker.trip_rule == "daily_loss_dollars"


def test_what_was_lost_after_the_memory_was_written_is_found() -> None:
    """`kill -9` right after fills: the memory is that of before them, the exchange's account is not."""
    bench = run(NOTHING, CASH)
    bench.book("51:100 | 53:100")
    memory = memory_of(bench)
    again = run(memory, CASH - 7 * DOLLAR)
    assert pnl(again) == -7 * DOLLAR
    assert told(again) == [
        "the account moved by -7.000000 dollars while this bot did not watch; "
        "counted as a loss, also if it was a withdrawal"
    ]


def test_a_fill_while_nobody_ran_is_worth_what_it_cost_until_the_market_is_seen() -> None:
    """Ten bought at 52 by an order that still rested; then the book says 42."""
    memory = memory_of(run(NOTHING, CASH))
    bench = run(memory, CASH - 520 * DOLLAR // 100, long(10, 52))
    assert pnl(bench) == 0
    bench.book("41:100 | 43:100")
    assert pnl(bench) == -DOLLAR


@pytest.mark.parametrize(("paid", "expected"), [(0, -13 - 21), (50, -13)])
def test_a_settlement_while_nobody_ran(paid: int, expected: int) -> None:
    """Fifty that were marked at 42: 21 dollars are lost, or a gain comes that is not told from a deposit."""
    bench = run(memory_of(first_run()), CASH_THEN + paid * DOLLAR)
    assert pnl(bench) == expected * DOLLAR


def test_a_deposit_is_no_gain_and_a_loss_after_it_counts_in_full() -> None:
    bench = run(memory_of(first_run()), CASH_THEN + 500 * DOLLAR, long(50, 52))
    assert pnl(bench) == -13 * DOLLAR
    assert told(bench)[0].endswith("not counted as a gain")
    bench.book("39:100 | 41:100")
    assert pnl(bench) == -14 * DOLLAR


def test_a_deposit_while_running_is_in_what_the_next_start_expects() -> None:
    bench = run(NOTHING, CASH)
    bench.wait(31)
    bench.step(Tick(bench.now, 100, 100))
    bench.wait(0.1)
    bench.account(cash=CASH + 250 * DOLLAR)
    again = run(memory_of(bench), CASH + 250 * DOLLAR)
    assert (pnl(again), told(again)) == (0, [])


def test_until_the_account_is_read_the_figures_are_those_of_the_last_run() -> None:
    """A bot that is killed while it starts leaves the same memory behind."""
    memory = memory_of(first_run())
    bench = Bench(engine_settings(breaker=OFF, memory=memory, account="here"))
    bench.step(LinkUp(bench.now))
    bench.tick()
    again = msgspec.structs.replace(bench.engine.picture().memory, saved_at=memory.saved_at)
    assert again == memory


def test_on_another_account_the_money_begins_anew_and_trips_stay() -> None:
    trip = TripMemory("weekly_loss_dollars", "lost", 1)
    memory = msgspec.structs.replace(
        memory_of(first_run()), account="elsewhere", trips=(trip,), losing_streak=4
    )
    bench = run(memory, 77 * DOLLAR)
    assert (pnl(bench), told(bench)) == (0, [])
    assert bench.engine.know.breaker.all_trips() == (trip,)
    assert bench.engine.know.ledger.losing_streak == 0


def test_rows_of_bad_luck_go_on() -> None:
    memory = BreakerMemory(
        account="here", errors_in_a_row=9, losing_streak=1, desks={"DEFAULT": DeskMemory(0, 0, 1)}
    )
    rules = {"losing_round_trips": 2, "desk_losing_round_trips": 2}
    bench = run(memory, CASH, **rules)
    assert bench.engine.know.breaker.measures.calls.errors_in_a_row == 0, "the account could be read"
    fill(bench, Side.BID, 1, 52, "in")
    fill(bench, Side.ASK, 1, 50, "out")
    rules_met = [trip.rule for trip in bench.engine.know.breaker.all_trips()]
    assert rules_met == ["losing_round_trips", "desk_losing_round_trips"]


def test_the_first_days_loss_of_a_run_that_never_ran_before_counts_from_its_start() -> None:
    bench = run(NOTHING, CASH, long(50, 52))
    bench.book("51:100 | 53:100")
    assert pnl(bench) == 0


def test_a_position_elsewhere_that_settles_is_neither_gain_nor_loss_over_restarts() -> None:
    """One of a former run, in a market that nobody quotes any more."""
    elsewhere = PositionReport("KXOLD", 10 * CONTRACT, 4 * DOLLAR, 0, 0)
    bench = run(NOTHING, CASH, elsewhere)
    for _ in range(2):
        bench.wait(31)
        bench.step(Tick(bench.now, 100, 100))
        bench.wait(0.1)
        bench.account(cash=CASH + 10 * DOLLAR)
    again = run(memory_of(bench), CASH + 10 * DOLLAR)
    assert (pnl(again), told(again)) == (0, [])


def test_a_settlement_while_running_is_remembered() -> None:
    bench = run(NOTHING, CASH)
    bench.book("51:100 | 53:100")
    fill(bench, Side.BID, 10, 52, "a")
    bench.step(MarketStatus(bench.now, "KXA", state=MarketState.SETTLED, settlement_value=0))
    bench.tick()
    again = run(memory_of(bench), CASH - 520 * DOLLAR // 100)
    assert (pnl(again), told(again)) == (-520 * DOLLAR // 100, [])
