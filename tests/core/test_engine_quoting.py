"""Quoting: a Tick turns wishes into the fewest requests, fills and refusals change the next ones."""

from __future__ import annotations

from mm.core.actions import PlaceOrder
from mm.core.events import (
    BookDelta,
    BookGap,
    LinkUp,
    MarketAssigned,
    MarketState,
    MarketStatus,
    Reference,
    Tick,
    Trade,
)
from mm.core.settings import DeskSettings, RiskLimits
from mm.core.units import CONTRACT, MONEY_DOLLAR, SECOND, Side
from tests.core.bench import FREE, Bench, engine_settings


def both_rest(wishes: str = "51:10 | 53:10") -> Bench:
    bench = Bench().quoting(wishes=wishes)
    bench.tick()
    bench.ack(1)
    bench.ack(2)
    assert bench.tick() == []
    return bench


def test_nothing_is_decided_without_a_tick() -> None:
    bench = Bench().quoting(wishes="51:10 |")
    assert bench.book("49:100 | 55:100") == []
    assert bench.step(Trade(bench.now, "KXA", "t", 5_000, 100, Side.BID)) == []
    assert bench.tick() == ["place #1 bid 10@51"]


def test_a_quote_in_place_is_left_in_its_place() -> None:
    bench = both_rest()
    bench.book("50:70 51:10 | 53:10 54:200")
    assert bench.tick() == []


def test_a_fill_changes_the_position_and_the_next_quote_makes_up_for_it() -> None:
    bench = both_rest()
    assert bench.fill(bench.order(1), 4) == []
    assert bench.position == 4
    assert bench.tick() == [], "6 of 10 are left: not worth the place in the queue"
    bench.fill(bench.order(1), 2)
    assert bench.tick() == ["amend #1 16@51"], "the total: 6 filled and 10 to be open"
    assert bench.seen[-1].position == 6 * CONTRACT
    bench.amended(1, filled=6)
    assert bench.order(1).open == 10 * CONTRACT


def test_a_fill_of_all_is_followed_by_a_new_order() -> None:
    bench = both_rest()
    bench.fill(bench.order(1), 10)
    assert bench.orders == {"#2": "resting"}
    assert bench.tick() == ["place #3 bid 10@51"]


def test_quotes_stop_where_the_position_limit_is_near() -> None:
    bench = both_rest()
    for round_number in range(8):
        bid = next(order for order in bench.engine.know.orders if order.side is Side.BID)
        bench.fill(bid, 10, trade_id=f"t{round_number}")
        lines = bench.tick()
        if round_number < 7:
            bench.ack(round_number + 3)
    assert bench.position == 80
    assert lines == [], "80 of 100 is where the breaker would look"
    assert [view.position for view in bench.seen][-1] == 80 * CONTRACT


# -- what takes quotes away ----------------------------------------------------------------------------
def test_a_gap_pulls_the_quotes_of_that_market_until_a_new_snapshot() -> None:
    bench = Bench(engine_settings(("KXA", "KXB"))).quoting(wishes="51:10 |")
    assert len(bench.tick()) == 2
    bench.ack(1)
    bench.ack(2)
    bench.step(BookGap(bench.now, "KXA", "sequence"))
    assert bench.tick() == ["cancel #1"]
    bench.canceled(1, 10)
    assert bench.tick() == []
    bench.book("50:100 | 54:100")
    assert bench.tick() == ["place #3 bid 10@51"]


def test_an_impossible_delta_asks_for_a_snapshot_once_and_pulls_the_quotes() -> None:
    bench = both_rest()
    impossible = BookDelta(bench.now, "KXA", Side.BID, 4_000, -100)
    assert bench.step(impossible) == ["resubscribe KXA"]
    assert bench.step(impossible) == []
    assert bench.tick() == ["cancel #1", "cancel #2"]


def test_a_pause_of_the_market_pulls_its_quotes_and_its_end_brings_them_back() -> None:
    bench = both_rest()
    bench.step(MarketStatus(bench.now, "KXA", state=MarketState.PAUSED))
    assert bench.tick() == ["cancel #1", "cancel #2"]
    bench.canceled(1, 10)
    bench.canceled(2, 10)
    assert bench.tick() == []
    bench.step(MarketStatus(bench.now, "KXA", state=MarketState.ACTIVE))
    assert bench.tick() == ["place #3 bid 10@51", "place #4 ask 10@53"]


def test_after_the_close_nothing_is_quoted_though_no_message_says_so() -> None:
    bench = both_rest()
    bench.step(MarketStatus(bench.now, "KXA", close_ts=bench.now + 5 * SECOND))
    assert bench.tick(4) == []
    assert bench.seen[-1].time_to_close == SECOND
    assert bench.tick(1) == ["cancel #1", "cancel #2"]


def test_a_one_sided_book_has_no_mid_and_gets_no_quote() -> None:
    bench = both_rest()
    bench.book("50:100 51:10 | 53:10")
    assert bench.tick() == ["cancel #1", "cancel #2"], "all that is offered is our own"


# -- refusals and budgets ------------------------------------------------------------------------------
def test_refusals_in_a_row_make_the_bot_wait_longer_and_a_success_forgives_them() -> None:
    bench = Bench().quoting(wishes="51:10 |")
    bench.tick()
    for which, least in enumerate((1, 10, 60, 60), start=1):
        bench.refuse(which, "invalid_order")
        refused_at = bench.now
        while bench.tick(0.25) == []:
            assert bench.now - refused_at < (least + 1) * SECOND
        assert bench.now - refused_at >= least * SECOND
    bench.ack(5)
    bench.wishes["KXA"] = "|"
    bench.book("49:100 | 54:100")
    bench.tick()
    bench.canceled(5, 10)
    bench.wishes["KXA"] = "51:10 |"
    assert bench.tick(1) == ["place #6 bid 10@51"]
    bench.refuse(6, "invalid_order")
    assert bench.tick(1.1) == ["place #7 bid 10@51"]


def test_one_side_is_refused_no_more_often_because_the_other_moves_well() -> None:
    """Fault F18: the same refusal at most three times in the first minute, and then once a minute."""
    bench = Bench().quoting("40:100 | 60:100", wishes="45:10 | 55:10")
    bench.tick()
    bench.ack(1)
    bench.refuse(2, "insufficient_balance")
    refused, which = 1, 2
    for second in range(60):
        bench.wishes["KXA"] = f"{44 - second % 2}:10 | 55:10"
        bench.book(f"40:{100 + second} | 60:100")
        for line in bench.tick(1):
            what, number, *_ = line.split()
            which = max(which, int(number[1:]))
            if what == "amend":
                bench.amended(int(number[1:]))
            elif what == "cancel":
                bench.canceled(int(number[1:]), 10)
            elif " bid " in line:
                bench.ack(which)
            else:
                bench.refuse(which, "insufficient_balance")
                refused += 1
    assert refused == 3
    runs = bench.engine.know.breaker.measures.desks["DEFAULT"].worst_rejects
    assert runs == (3, "KXA: insufficient_balance")


def test_refusals_alone_never_trip_the_breaker_nor_wait_longer_than_a_minute() -> None:
    bench = Bench().quoting(wishes="51:10 |")
    for which in range(1, 15):
        assert bench.tick(61) == [f"place #{which} bid 10@51"]
        bench.refuse(which, "invalid_order")
    assert bench.engine.mode.value == "quoting"


def test_the_budget_is_honoured_and_markets_left_out_come_next() -> None:
    markets = ("KXA", "KXB", "KXC")
    bench = Bench(engine_settings(markets)).quoting(wishes="51:10 | 53:10")
    assert len(bench.tick(orders=2)) == 2
    assert len(bench.tick(orders=3)) == 3
    assert len(bench.tick(orders=3)) == 1
    quoted = [action.ticker for action in bench.actions if isinstance(action, PlaceOrder)]
    assert sorted(quoted) == sorted(markets * 2)


def test_cancels_go_out_though_no_order_may() -> None:
    bench = both_rest()
    bench.wishes["KXA"] = "| 53:10"
    bench.book("50:90 | 54:100")
    assert bench.tick(orders=0, cancels=0) == ["cancel #1"]


def test_an_expected_end_of_life_goes_with_each_order() -> None:
    bench = Bench(engine_settings(order_lifetime=60 * SECOND)).quoting(wishes="51:10 |")
    bench.tick()
    (place,) = [action for action in bench.actions if isinstance(action, PlaceOrder)]
    assert place.expires_at == bench.now + 60 * SECOND
    assert place.post_only
    bench.ack(1)
    bench.wait(60)
    bench.noticed(1, "canceled")
    assert bench.tick() == ["place #2 bid 10@51"]


def test_without_a_lifetime_orders_stay_until_cancelled() -> None:
    bench = Bench().quoting(wishes="51:10 |")
    bench.tick()
    (place,) = [action for action in bench.actions if isinstance(action, PlaceOrder)]
    assert place.expires_at == 0


# -- limits --------------------------------------------------------------------------------------------
def test_unanswered_orders_count_against_the_position_limit() -> None:
    """Control C05: the sum of all that is under way may not pass the limit, whatever is wished."""
    limits = RiskLimits(max_position=25 * CONTRACT, max_order_count=10 * CONTRACT)
    desk = DeskSettings("DEFAULT", "scripted", ("KXA",), limits)
    bench = Bench(engine_settings(desks=(desk,))).quoting(wishes="51:10 |")
    for cents in (51, 50, 49, 48, 47):
        bench.wishes["KXA"] = f"{cents}:10 |"
        bench.book(f"{cents - 1}:100 | 54:100")
        bench.tick()
        for order in list(bench.engine.know.orders):
            if order.state.value == "pending_new":
                bench.ack(int(order.client_order_id.rsplit("-", 1)[1]))
        bench.wishes["KXA"] = "|"
        bench.book(f"{cents - 2}:100 | 54:100")
        bench.tick()
    assert bench.engine.know.exposure.open_count("KXA", Side.BID) == 20 * CONTRACT, "80 % of the limit"


def test_a_refusal_leaves_alone_what_rests() -> None:
    """Fault F18: nothing new for a while; the other side keeps its place in the queue."""
    bench = Bench().quoting(wishes="51:10 | 53:10")
    bench.tick()
    bench.ack(1)
    bench.refuse(2, "invalid_order")
    assert bench.tick(0.5) == []
    assert bench.orders == {"#1": "resting"}
    assert bench.tick(0.6) == ["place #3 ask 10@53"]


def test_what_the_cash_cannot_bear_is_not_sent() -> None:
    bench = Bench()
    bench.cash = 5 * MONEY_DOLLAR
    bench.quoting(wishes="51:10 | 53:10")
    assert bench.tick() == ["place #2 ask 10@53"], "ten at 51 cents cost more than five dollars"


def test_an_event_has_a_limit_over_its_markets() -> None:
    desk = DeskSettings(
        "DEFAULT", "scripted", ("KXA", "KXB"), RiskLimits(max_event_exposure=6 * MONEY_DOLLAR)
    )
    bench = Bench(engine_settings(desks=(desk,)))
    bench.step(LinkUp(bench.now))
    for ticker in ("KXA", "KXB"):
        bench.step(MarketStatus(bench.now, ticker, state=MarketState.ACTIVE, fees=FREE, event_ticker="KX"))
        bench.book("50:100 | 54:100", ticker)
        bench.wishes[ticker] = "51:10 |"
    bench.step(Tick(bench.now, 100, 100))
    bench.account()
    assert bench.tick() == ["place #1 bid 10@51"]


# -- what else a strategy sees -------------------------------------------------------------------------
def test_a_strategy_sees_the_trades_since_it_last_looked_and_the_latest_references() -> None:
    bench = both_rest()
    trade = Trade(bench.now, "KXA", "t1", 5_300, 100, Side.BID)
    bench.step(trade)
    bench.step(Reference(bench.now, "index", 101.5))
    bench.tick()
    shown = [view.trades for view in bench.seen]
    assert shown[-1] == (trade,)
    assert bench.seen[-1].references == {"index": 101.5}
    bench.book("50:80 | 54:100")
    bench.tick()
    assert [view.trades for view in bench.seen][-1] == ()


def test_a_market_assigned_later_is_quoted_like_the_others() -> None:
    bench = Bench().quoting()
    bench.step(MarketAssigned(bench.now, "KXB", "DEFAULT"))
    bench.is_active("KXB")
    bench.book("50:100 | 54:100", "KXB")
    bench.wishes["KXB"] = "51:10 |"
    assert bench.tick() == ["place #1 bid 10@51"]


def test_the_same_events_lead_to_the_same_actions() -> None:
    def story() -> list[object]:
        bench = both_rest()
        bench.fill(bench.order(1), 6)
        bench.tick()
        bench.refuse(1, "not_found", 404)
        bench.tick(1)
        bench.told(1, "canceled", filled=6)
        bench.tick(2)
        return [*bench.actions, bench.engine.picture()]

    first = story()
    assert first == story()
    assert len(first) > 6
