"""Start is recovery: nothing is quoted before the account is read; what a former run left is cancelled."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from mm.core.actions import QueryAccount
from mm.core.events import (
    BookDelta,
    BookSnapshot,
    CancelReject,
    Fill,
    LinkUp,
    MarketState,
    MarketStatus,
    OrderStatus,
    PositionReport,
    Tick,
    Trade,
)
from mm.core.memory import BreakerMemory, TripMemory
from mm.core.units import MONEY_DOLLAR, SECOND, Side
from tests.core.bench import FREE, Bench, engine_settings
from tests.core.words import row


def connected(bench: Bench | None = None) -> Bench:
    """All is there but the account."""
    bench = bench or Bench()
    bench.step(LinkUp(bench.now))
    bench.is_active()
    bench.book("50:100 | 54:100")
    bench.wishes["KXA"] = "51:10 | 53:10"
    return bench


def read_asked(bench: Bench) -> bool:
    bench.wait(2)
    return "read account" in bench.step(Tick(bench.now, 100, 100))


def test_the_first_quotes_wait_for_the_account() -> None:
    bench = connected()
    assert bench.step(Tick(bench.now, 100, 100)) == ["read account"]
    assert bench.tick() == []
    bench.wait(1)
    assert bench.account() == []
    assert bench.tick() == ["place #1 bid 10@51", "place #2 ask 10@53"]


def test_the_first_read_looks_back_to_when_a_former_run_last_watched() -> None:
    last_look = Bench().now - 86_400 * SECOND
    bench = connected(Bench(engine_settings(fills_since=last_look)))
    bench.step(Tick(bench.now, 100, 100))
    assert _reads(bench)[-1].fills_from == last_look - 600 * SECOND
    bench.account()
    bench.tick(after=40)
    assert len(_reads(bench)) == 2
    assert _reads(bench)[-1].fills_from > bench.now - 700 * SECOND


def _reads(bench: Bench) -> list[QueryAccount]:
    return [action for action in bench.actions if isinstance(action, QueryAccount)]


def test_the_first_quotes_wait_for_the_book() -> None:
    bench = Bench()
    bench.step(LinkUp(bench.now))
    bench.is_active()
    bench.wishes["KXA"] = "51:10 |"
    assert bench.step(Tick(bench.now, 100, 100)) == ["read account"]
    bench.account()
    assert bench.tick() == []
    bench.book("50:100 | 54:100")
    assert bench.tick() == ["place #1 bid 10@51"]


@pytest.mark.parametrize(
    ("told", "untold"),
    [({"state": MarketState.ACTIVE}, {"fees": FREE}), ({"fees": FREE}, {"state": MarketState.ACTIVE})],
)
def test_the_first_quotes_wait_for_the_exchange_to_say_that_the_market_is_open_and_what_it_costs(
    told: dict[str, Any], untold: dict[str, Any]
) -> None:
    bench = Bench()
    bench.step(LinkUp(bench.now))
    bench.book("50:100 | 54:100")
    bench.wishes["KXA"] = "51:10 |"
    bench.step(Tick(bench.now, 100, 100))
    bench.account()
    bench.step(MarketStatus(bench.now, "KXA", **told))
    assert bench.tick() == []
    bench.step(MarketStatus(bench.now, "KXA", **untold))
    assert bench.tick() == ["place #1 bid 10@51"]


def test_what_a_former_run_left_is_cancelled_before_anything_is_quoted() -> None:
    bench = connected()
    bench.step(Tick(bench.now, 100, 100))
    left = row("bot-run0-7", "Xold", "bid 10@49", filled=2)
    assert bench.account(resting=(left,)) == []
    assert bench.engine.know.exposure.total == 10 * 49 * 10_000, "it counts from the first moment"
    assert bench.tick() == ["cancel #bot-run0-7"]
    assert bench.engine.mode.value == "starting"
    order = bench.engine.know.orders.by_client_id["bot-run0-7"]
    bench.canceled_by_id(order, 10)
    assert read_asked(bench)
    bench.account()
    assert bench.tick() == ["place #1 bid 10@51", "place #2 ask 10@53"]


def test_a_left_over_that_filled_meanwhile_is_counted_by_the_opening_positions() -> None:
    bench = connected()
    bench.step(Tick(bench.now, 100, 100))
    rested = row("bot-run0-7", "Xold", "bid 10@49")
    bench.account(resting=(rested,))
    bench.tick()
    order = bench.engine.know.orders.by_client_id["bot-run0-7"]
    last = Fill(bench.now, "t9", "Xold", "bot-run0-7", "KXA", Side.BID, 4_900, 1_000, 0, False)
    bench.step(last)
    bench.step(CancelReject(bench.now, order.request_id, order.client_order_id, 404, "not_found"))
    bench.step(msgspec.structs.replace(rested, ts=bench.now, status=OrderStatus.EXECUTED, filled=1_000))
    assert read_asked(bench)
    bench.account(PositionReport("KXA", 1_000, 4_900_000, 0, 0), fills=(last,), cash=995 * MONEY_DOLLAR)
    assert not list(bench.engine.know.orders)
    assert bench.position == 10
    assert bench.engine.know.ledger.cash == 995 * MONEY_DOLLAR


def test_a_fill_of_a_left_over_that_its_read_had_counted_already_is_not_counted_twice() -> None:
    """The read shows five of ten filled; the word on those five comes after it. Five more may still fill."""
    bench = connected()
    bench.step(Tick(bench.now, 100, 100))
    bench.account(resting=(row("bot-run0-7", "Xold", "bid 5@49", filled=5),))
    assert bench.tick() == ["cancel #bot-run0-7"]
    order = bench.engine.know.orders.by_client_id["bot-run0-7"]
    bench.step(Fill(bench.now, "t9", "Xold", "bot-run0-7", "KXA", Side.BID, 4_900, 500, 0, False))
    assert order.open == 500
    bench.step(CancelReject(bench.now, order.request_id, order.client_order_id, 429, "too_many_requests"))
    assert bench.tick(1) == ["cancel #bot-run0-7"]
    bench.canceled_by_id(order, 5)
    assert not list(bench.engine.know.orders)


def test_a_left_over_whose_last_fill_nobody_tells_is_counted_by_the_opening_positions() -> None:
    """It fills after the first read and before our feed listens, so only the query says that it ended."""
    bench = connected()
    bench.step(Tick(bench.now, 100, 100))
    bench.account(resting=(row("bot-run0-7", "Xold", "bid 10@49"),))
    bench.tick()
    order = bench.engine.know.orders.by_client_id["bot-run0-7"]
    bench.canceled_by_id(order, 0)
    assert order.state.value == "closing", "ten of it filled, by whatever trades"
    at_its_end = bench.now
    assert read_asked(bench)
    held = PositionReport("KXA", 1_000, 4_900_000, 0, 0)
    unseen = Fill(at_its_end, "t9", "Xold", "bot-run0-7", "KXA", Side.BID, 4_900, 1_000, 0, False)
    bench.account(held, fills=(unseen,), as_of=at_its_end)
    assert bench.engine.mode.value == "starting", "this read may be from before the end"
    assert read_asked(bench)
    bench.account(held, fills=(unseen,))
    assert (bench.engine.mode.value, bench.position) == ("quoting", 10)
    bench.step(unseen)
    assert bench.position == 10, "told late, it is the same trade"


def test_a_read_that_may_not_yet_know_the_latest_fill_does_not_open_the_ledger() -> None:
    bench = connected()
    bench.step(Tick(bench.now, 100, 100))
    bench.wait(5)
    stale = bench.now - 3 * SECOND
    bench.step(Fill(bench.now, "t9", "Xold", "bot-run0-7", "KXA", Side.BID, 4_900, 1_000, 0, False))
    bench.account(as_of=stale)
    assert bench.engine.mode.value == "starting"
    assert read_asked(bench)
    bench.account(PositionReport("KXA", 1_000, 4_900_000, 0, 0))
    assert (bench.engine.mode.value, bench.position) == ("quoting", 10)


def test_orders_of_others_are_told_of_once_and_left_alone() -> None:
    bench = connected()
    bench.step(Tick(bench.now, 100, 100))
    stranger = row("by-hand", "Xhand")
    assert bench.account(resting=(stranger,)) == ["alert order_anomaly"]
    assert bench.tick() == ["place #1 bid 10@51", "place #2 ask 10@53"]
    bench.ack(1)
    bench.ack(2)
    bench.wait(31)
    bench.step(Tick(bench.now, 100, 100))
    rests = (stranger, row("bot-run1-1", "X1"), row("bot-run1-2", "X2", "ask 10@53"))
    assert bench.account(resting=rests) == []
    assert bench.tick() == []


def test_a_position_from_before_counts_against_the_limits_and_is_shown_to_the_strategy() -> None:
    bench = connected()
    bench.step(Tick(bench.now, 100, 100))
    bench.account(PositionReport("KXA", -7_500, 50 * MONEY_DOLLAR, 0, 0))
    assert bench.tick() == ["place #1 bid 10@51", "place #2 ask 5@53"], "80 is where quotes stop"
    assert bench.seen[-1].position == -7_500


def test_a_breaker_that_had_tripped_stays_tripped_over_a_start() -> None:
    memory = BreakerMemory(trips=(TripMemory("pnl_threshold", "lost", 1),))
    bench = connected(Bench(engine_settings(memory=memory)))
    bench.step(Tick(bench.now, 100, 100))
    bench.account()
    assert bench.tick() == []
    assert bench.engine.mode.value == "halted"
    assert bench.engine.picture().breaker.trip_rule == "pnl_threshold"


def test_left_overs_are_cancelled_even_if_the_breaker_had_tripped() -> None:
    memory = BreakerMemory(trips=(TripMemory("halted", "by hand", 1),))
    bench = connected(Bench(engine_settings(memory=memory)))
    bench.wait(31)
    bench.step(Tick(bench.now, 100, 100))
    bench.account(resting=(row("bot-run0-7", "Xold"),))
    assert bench.tick() == ["cancel #bot-run0-7"]


def test_events_of_an_unknown_market_change_nothing() -> None:
    bench = Bench().quoting(wishes="51:10 |")
    bench.tick()
    before = bench.engine.picture()
    for event in (
        BookSnapshot(bench.now, "KXOTHER", ((5_000, 100),), ((5_100, 100),)),
        BookDelta(bench.now, "KXOTHER", Side.BID, 5_000, 100),
        Trade(bench.now, "KXOTHER", "t", 5_000, 100, Side.BID),
        MarketStatus(bench.now, "KXOTHER", settlement_value=10_000),
    ):
        assert bench.step(event) == []
    assert bench.engine.picture() == before


def test_a_position_that_a_lagging_read_still_shows_of_a_settled_market_is_paid_out() -> None:
    """The market settles while nobody runs: its status says so at once, the list of positions a little later.
    Nobody settles it a second time, so the bot would miss ten contracts for ever."""
    bench = Bench()
    bench.step(LinkUp(bench.now))
    settled = MarketStatus(bench.now, "KXA", state=MarketState.SETTLED, fees=FREE, settlement_value=10_000)
    bench.step(settled)
    assert read_asked(bench)
    bench.account(PositionReport("KXA", 1_000, 4 * MONEY_DOLLAR, 0, 0))
    assert (bench.position, bench.engine.know.ledger.pnl()) == (0, 6 * MONEY_DOLLAR)
    assert bench.engine.know.ledger.cash == bench.cash + 10 * MONEY_DOLLAR
    assert bench.engine.know.exposure.total == 0
    for _ in range(4):
        bench.wait(30)
        assert read_asked(bench)
        assert bench.account(cash=bench.cash + 10 * MONEY_DOLLAR) == []
    assert bench.engine.mode.value == "quoting"
