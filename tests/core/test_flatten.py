"""The command to close all positions: one order at a time, until flat or given up, and said so."""

from __future__ import annotations

from itertools import pairwise

import pytest

from mm.core.actions import AlertLevel, PlaceOrder, TimeInForce
from mm.core.events import (
    BookGap,
    CommandKind,
    LinkDown,
    LinkUp,
    MarketState,
    MarketStatus,
    OrderAck,
    OrderReject,
    PositionReport,
)
from mm.core.flatten import TRIES
from mm.core.units import CONTRACT, MONEY_DOLLAR
from tests.core.bench import Bench, engine_settings
from tests.core.closing import alerts, holding, ticks, took

FLATTEN = CommandKind.FLATTEN


@pytest.mark.parametrize(("count", "line"), [(10, "place #2 ask 10@50"), (-10, "place #2 bid 10@54")])
def test_one_order_takes_the_other_side_and_the_bot_is_paused(count: float, line: str) -> None:
    bench = holding(count)
    assert bench.command(FLATTEN) == []
    assert bench.tick() == [line]
    order = bench.actions[-1]
    assert isinstance(order, PlaceOrder)
    assert (order.time_in_force, order.reduce_only, order.post_only) == (TimeInForce.IOC, True, False)
    assert order.expires_at == 0
    took(bench, 2, 10)
    assert bench.tick() == ["alert flatten"]
    assert alerts(bench) == [(AlertLevel.INFO, "closed: KXA")]
    assert (bench.position, bench.engine.mode.value) == (0, "paused")


def test_our_own_orders_go_first_and_those_of_one_market_do_not_hold_up_another() -> None:
    bench = Bench(engine_settings(("KXA", "KXB"))).quoting(wishes="50:10 |")
    bench.tick()
    for which in (1, 2):
        bench.ack(which)
        bench.fill(bench.order(which), 4)
    assert bench.command(FLATTEN) == ["cancel #1", "cancel #2"]
    assert bench.tick() == []
    bench.canceled(2, 6)
    assert bench.tick() == ["place #3 ask 4@50"]
    took(bench, 3, 4)
    assert bench.tick() == [], "an order that is not gone may still change a position"
    bench.fill(bench.order(1), 1)
    bench.canceled(1, 5)
    assert bench.tick() == ["place #4 ask 5@50"]
    took(bench, 4, 5)
    assert bench.tick() == ["alert flatten"]


def test_an_order_on_its_way_out_may_still_fill() -> None:
    bench = Bench().quoting(wishes="50:10 |")
    bench.tick()
    bench.ack(1)
    assert bench.command(FLATTEN) == ["cancel #1"]
    assert ticks(bench, 1) == []
    bench.fill(bench.order(1), 3)
    bench.canceled(1, 7)
    assert bench.tick() == ["place #2 ask 3@50"]


def test_one_order_at_a_time_and_the_next_only_when_all_fills_were_seen() -> None:
    bench = holding()
    bench.command(FLATTEN)
    bench.tick()
    order = bench.order(2)
    assert ticks(bench, 5) == []
    bench.step(OrderAck(bench.now, order.request_id, order.client_order_id, "X2", 4 * CONTRACT, 0))
    assert bench.orders == {"#2": "closing"}
    assert ticks(bench, 5) == []
    bench.fill(order, 4)
    assert bench.tick() == ["place #3 ask 6@50"]


def test_an_order_in_doubt_is_waited_for() -> None:
    bench = holding()
    bench.command(FLATTEN)
    bench.tick()
    bench.doubt(2)
    assert ticks(bench, 2) == ["ask about #2"]
    bench.told(2, "canceled")
    assert ticks(bench, 1) == ["place #3 ask 10@50"]


def test_an_order_that_should_not_rest_and_does_is_cancelled() -> None:
    bench = holding()
    bench.command(FLATTEN)
    bench.tick()
    assert bench.ack(2) == ["cancel #2"]


def test_the_waits_grow_and_five_orders_in_vain_are_the_end() -> None:
    bench = holding()
    bench.command(FLATTEN)
    sent = []
    for which in range(2, 2 + TRIES):
        assert ticks(bench, 10) == [f"place #{which} ask 10@50"]
        sent.append(bench.now)
        took(bench, which, 0)
    waits = [round((later - earlier) / 1e9, 2) for earlier, later in pairwise(sent)]
    assert waits == [0.5, 1.0, 2.0, 4.0]
    assert bench.tick() == ["alert flatten"]
    text = "still open, as far as is known: KXA 10.00 (5 orders in a row closed nothing)"
    assert alerts(bench) == [(AlertLevel.WARNING, text)]
    assert ticks(bench, 30) == []


def test_an_order_that_closed_something_begins_the_count_anew() -> None:
    bench = holding()
    bench.command(FLATTEN)
    for which, count in enumerate([0, 0, 0, 0, 1, 0, 0, 0, 0, 9], start=2):
        assert ticks(bench, 10)[0].startswith(f"place #{which} ")
        took(bench, which, count)
    assert bench.tick() == ["alert flatten"]
    assert alerts(bench) == [(AlertLevel.INFO, "closed: KXA")]


def test_refusals_count_as_orders_in_vain() -> None:
    bench = holding()
    bench.command(FLATTEN)
    for which in range(2, 2 + TRIES):
        assert ticks(bench, 10) == [f"place #{which} ask 10@50"]
        order = bench.order(which)
        bench.step(OrderReject(bench.now, order.request_id, order.client_order_id, 400, "invalid_order"))
    assert ticks(bench, 1) == ["alert flatten"]


def two_held() -> Bench:
    bench = Bench(engine_settings(("KXA", "KXB"))).quoting(wishes="50:10 |")
    bench.tick()
    for which in (1, 2):
        bench.ack(which)
        bench.fill(bench.order(which), 10)
    return bench


def test_no_more_is_sent_than_the_budget_allows() -> None:
    bench = two_held()
    bench.command(FLATTEN)
    assert bench.tick(orders=0) == []
    assert bench.tick(orders=1) == ["place #3 ask 10@50"]
    assert bench.tick(orders=1) == ["place #4 ask 10@50"]


def test_a_market_given_up_is_left_while_another_is_waited_for() -> None:
    bench = two_held()
    bench.step(BookGap(bench.now, "KXB", "lost"))
    bench.command(FLATTEN)
    for which in range(3, 3 + TRIES):
        assert ticks(bench, 10) == [f"place #{which} ask 10@50"]
        took(bench, which, 0)
    assert ticks(bench, 20) == []
    bench.book("50:100 | 54:100", "KXB")
    assert bench.tick() == [f"place #{3 + TRIES} ask 10@50"]
    took(bench, 3 + TRIES, 10)
    assert bench.tick() == ["alert flatten"]
    text = "still open, as far as is known: KXA 10.00 (5 orders in a row closed nothing)"
    assert alerts(bench) == [(AlertLevel.WARNING, text)]


def test_where_there_is_no_price_it_waits_and_then_says_so() -> None:
    bench = holding()
    bench.command(FLATTEN)
    bench.book("30:100 | 70:100")
    assert ticks(bench, 59) == []
    assert ticks(bench, 2) == ["alert flatten"]
    text = "still open, as far as is known: KXA 10.00 (nothing to take within the price collar)"
    assert alerts(bench) == [(AlertLevel.WARNING, text)]


def test_without_market_data_it_waits_and_then_says_so() -> None:
    bench = holding()
    bench.step(LinkDown(bench.now))
    bench.command(FLATTEN)
    assert ticks(bench, 20) == ["alert circuit_breaker"]
    assert ticks(bench, 60) == ["alert flatten"]
    text = "still open, as far as is known: KXA 10.00 (no market data)"
    assert alerts(bench) == [(AlertLevel.WARNING, text)]


def test_a_book_that_is_mended_in_time_is_used() -> None:
    bench = holding()
    bench.step(BookGap(bench.now, "KXA", "lost"))
    bench.command(FLATTEN)
    assert ticks(bench, 20) == []
    bench.book("49:100 | 54:100")
    assert bench.tick() == ["place #2 ask 10@49"]


def test_a_market_that_is_closed_cannot_be_waited_for() -> None:
    bench = holding()
    bench.step(MarketStatus(bench.now, "KXA", state=MarketState.CLOSED))
    bench.command(FLATTEN)
    assert bench.tick() == ["alert flatten"]
    assert alerts(bench) == [
        (AlertLevel.WARNING, "still open, as far as is known: KXA 10.00 (the market is not open)")
    ]


def test_with_nothing_to_close_nothing_is_said() -> None:
    bench = Bench().quoting()
    bench.command(FLATTEN)
    assert ticks(bench, 61) == []
    assert bench.engine.mode.value == "paused"


def test_a_bot_that_goes_on_closes_no_more() -> None:
    bench = holding()
    bench.command(FLATTEN)
    assert bench.command(CommandKind.RESUME) == ["alert flatten"]
    assert "KXA 10.00 (stopped before it was done)" in alerts(bench)[-1][1]
    assert ticks(bench, 5) == []
    assert bench.engine.mode.value == "quoting"


@pytest.mark.parametrize("is_tripped", [False, True])
def test_the_kill_switch_stops_closing_and_a_new_command_closes_still(is_tripped: bool) -> None:
    bench = holding()
    if is_tripped:
        bench.command(CommandKind.HALT)
    bench.command(FLATTEN)
    assert "alert flatten" in bench.command(CommandKind.HALT)
    assert ticks(bench, 5) == []
    bench.command(FLATTEN)
    assert bench.tick() == ["place #2 ask 10@50"]
    took(bench, 2, 10)
    bench.tick()
    assert (bench.position, bench.engine.mode.value) == (0, "halted")


def test_limits_on_what_may_be_opened_do_not_hold_up_what_closes() -> None:
    bench = holding(50, engine_settings(max_total_exposure=26 * MONEY_DOLLAR))
    bench.command(FLATTEN)
    assert bench.tick() == ["place #2 ask 50@50"]


def test_before_the_start_is_over_the_positions_are_read_first() -> None:
    bench = Bench()
    bench.step(LinkUp(bench.now))
    bench.is_active()
    bench.book("50:100 | 54:100")
    bench.tick()
    bench.command(FLATTEN)
    assert bench.tick() == []
    bench.account(PositionReport("KXA", 3 * CONTRACT, MONEY_DOLLAR, 0, 0))
    assert bench.tick() == ["place #1 ask 3@50"]
    took(bench, 1, 3)
    assert bench.tick() == ["alert flatten"]
    assert bench.engine.mode.value == "paused"


def test_positions_that_are_never_known_are_not_said_to_be_closed() -> None:
    bench = Bench()
    bench.command(FLATTEN)
    assert ticks(bench, 61) == ["alert flatten"]
    assert alerts(bench) == [(AlertLevel.WARNING, "nothing was closed: the positions are not known")]


def test_the_command_may_be_given_again_after_it_was_given_up() -> None:
    bench = holding()
    bench.command(FLATTEN)
    for which in range(2, 2 + TRIES):
        assert ticks(bench, 10) == [f"place #{which} ask 10@50"]
        took(bench, which, 0)
    assert bench.tick() == ["alert flatten"]
    assert ticks(bench, 10) == []
    bench.command(FLATTEN)
    assert bench.tick() == [f"place #{2 + TRIES} ask 10@50"]


def test_positions_outside_the_markets_of_the_desks_are_left_alone() -> None:
    bench = Bench()
    bench.step(LinkUp(bench.now))
    bench.is_active()
    bench.book("50:100 | 54:100")
    bench.tick()
    bench.account(PositionReport("KXOTHER", 3 * CONTRACT, MONEY_DOLLAR, 0, 0))
    bench.command(FLATTEN)
    assert ticks(bench, 61) == []
