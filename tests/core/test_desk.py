"""Desks: what a strategy is shown, one instance a market or an event, and several desks side by side."""

from __future__ import annotations

from typing import ClassVar

from mm.core import strategy
from mm.core.actions import PlaceOrder
from mm.core.engine import Engine
from mm.core.events import (
    BookDelta,
    BookGap,
    BookSnapshot,
    FeeSchedule,
    LinkUp,
    MarketAssigned,
    MarketState,
    MarketStatus,
    Tick,
)
from mm.core.grid import TAPERED_DECI_CENT_GRID
from mm.core.settings import DeskSettings, RiskLimits
from mm.core.strategy import Decision, EventView, MarketView
from mm.core.units import CONTRACT, SECOND, Side
from tests.core.bench import FREE, Bench, engine_settings
from tests.core.words import quotes, said
from tests.ladders import book


class Ladder:
    """Prices a whole event: a bid for a contract under each market's best, as many as there are markets."""

    Params: ClassVar[type[strategy.Params]] = strategy.Params

    def __init__(self, seen: list[EventView]) -> None:
        self._seen = seen

    def event_quotes(self, view: EventView) -> dict[str, Decision]:
        self._seen.append(view)
        size = len(view.markets)
        wishes = {market.ticker: Decision(quotes(f"45:{size} |"), fair=0.5) for market in view.markets}
        wishes.pop("KXSKIP", None)
        return wishes


class Counting:
    """Remembers in its own attributes, as strategies may: how often this instance was asked."""

    Params: ClassVar[type[strategy.Params]] = strategy.Params

    def __init__(self, made: list[Counting]) -> None:
        made.append(self)
        self.asked: list[str] = []

    def quotes(self, view: MarketView) -> Decision:
        self.asked.append(view.ticker)
        return Decision(note="only looking")


def event_bench(*markets: str) -> tuple[Bench, list[EventView]]:
    seen: list[EventView] = []
    bench = Bench(engine_settings(markets), strategy=lambda: Ladder(seen))
    bench.step(LinkUp(bench.now))
    for ticker in markets:
        bench.is_active(ticker, event_ticker="KX")
        bench.book("50:100 | 54:100", ticker)
    bench.step(Tick(bench.now, 100, 100))
    bench.account()
    return bench, seen


# -- events ------------------------------------------------------------------------------------------------
def test_an_event_strategy_sees_all_markets_of_the_event_and_answers_for_all() -> None:
    bench, seen = event_bench("KXA", "KXB", "KXC")
    assert bench.tick() == ["place #1 bid 3@45", "place #2 bid 3@45", "place #3 bid 3@45"]
    (view,) = seen
    assert view.event_ticker == "KX"
    assert [market.ticker for market in view.markets] == ["KXA", "KXB", "KXC"]


def test_one_market_that_moved_makes_the_whole_event_be_looked_at_once() -> None:
    bench, seen = event_bench("KXA", "KXB")
    bench.tick()
    bench.ack(1)
    bench.ack(2)
    bench.tick()
    before = len(seen)
    bench.book("49:100 | 54:100", "KXB")
    bench.tick()
    assert len(seen) == before + 1
    assert [decision.ticker for decision in bench.engine.decisions] == ["KXA", "KXB"]


def test_a_market_without_a_book_is_left_out_of_its_event_and_its_quotes_are_pulled() -> None:
    bench, seen = event_bench("KXA", "KXB")
    bench.tick()
    bench.ack(1)
    bench.ack(2)
    bench.step(BookGap(bench.now, "KXB", "lost"))
    assert bench.tick() == ["amend #1 1@45", "cancel #2"]
    assert [market.ticker for market in seen[-1].markets] == ["KXA"]


def test_no_answer_for_a_market_is_no_wish_for_it() -> None:
    bench, _ = event_bench("KXA", "KXSKIP")
    assert bench.tick() == ["place #1 bid 2@45"]


def test_an_event_of_which_nothing_can_be_quoted_is_not_asked_about() -> None:
    bench, seen = event_bench("KXA")
    bench.step(BookGap(bench.now, "KXA", "lost"))
    bench.tick()
    assert seen == []


# -- what is shown -----------------------------------------------------------------------------------------
def test_a_strategy_never_sees_its_own_orders_in_the_book() -> None:
    bench = Bench().quoting(wishes="51:10 |")
    bench.tick()
    bench.step(BookDelta(bench.now, "KXA", Side.BID, 5_100, 1_000, is_own=True))
    bench.ack(1)
    bench.tick()
    assert bench.seen[-1].bids == book("50:100 |").bids
    bench.step(BookDelta(bench.now, "KXA", Side.BID, 5_100, 200))
    bench.tick()
    assert bench.seen[-1].bids == book("51:2 50:100 |").bids


def test_a_fill_takes_our_part_of_the_level_and_leaves_that_of_others() -> None:
    bench = Bench().quoting(wishes="51:10 |")
    bench.tick()
    bench.step(BookDelta(bench.now, "KXA", Side.BID, 5_100, 1_000, is_own=True))
    bench.ack(1)
    bench.step(BookDelta(bench.now, "KXA", Side.BID, 5_100, 300))
    bench.fill(bench.order(1), 10)
    bench.step(BookDelta(bench.now, "KXA", Side.BID, 5_100, -1_000))
    bench.tick()
    assert bench.seen[-1].bids[0] == (5_100, 300), "those who stood behind us are still there"


def test_the_view_tells_position_cost_limit_depth_and_profit() -> None:
    bench = Bench(engine_settings(depth=2)).quoting("50:1 49:1 48:1 | 54:1 55:1 56:1", "51:10 |")
    bench.tick()
    bench.ack(1)
    bench.fill(bench.order(1), 4)
    bench.book("53:1 52:1 51:6 | 55:1")
    bench.tick()
    view = bench.seen[-1]
    assert view.bids == book("53:1 52:1 |").bids
    assert (view.position, view.average_cost, view.max_position) == (400, 5_100, 80 * CONTRACT)
    assert (view.realized, view.unrealized) == (0, 400 * (5_400 - 5_100))


def test_every_market_has_its_own_instance() -> None:
    made: list[Counting] = []
    bench = Bench(engine_settings(("KXA", "KXB")), strategy=lambda: Counting(made)).quoting()
    bench.tick()
    bench.book("50:90 | 54:100", "KXB")
    bench.tick()
    asked = sorted(instance.asked for instance in made if instance.asked)
    assert asked == [["KXA"], ["KXB", "KXB"]]


def test_a_decision_says_what_was_wanted_allowed_and_why() -> None:
    bench = Bench().quoting(wishes="51:60 54:1 | 53:10")
    bench.tick()
    (decision,) = bench.engine.decisions
    assert decision.wanted == quotes("51:60 54:1 | 53:10")
    assert decision.allowed == quotes("51:50 | 53:10")
    assert decision.note == "post_only; max_order_count"
    assert (decision.mid, decision.desk) == (5_200, "DEFAULT")


# -- several desks -------------------------------------------------------------------------------------------
def two_desks() -> tuple[Engine, dict[str, str]]:
    tight = RiskLimits(max_position=5 * CONTRACT)
    desks = (
        DeskSettings("ONE", "scripted", ("KXA",)),
        DeskSettings("TWO", "counting", ("KXB",), tight),
    )
    bench = Bench(engine_settings(desks=desks)).quoting(wishes="51:10 |")
    return bench.engine, bench.wishes


def test_each_desk_has_its_own_limits_and_its_name_on_its_orders() -> None:
    engine, _ = two_desks()
    actions = engine.on_event(Tick(engine.now + 1, 100, 100))
    placed = {a.ticker: a.count for a in actions if isinstance(a, PlaceOrder)}
    assert placed == {"KXA": 1_000, "KXB": 400}, "quotes of the second stop at 80 percent of five"
    assert [(order.ticker, order.desk) for order in engine.know.orders] == [("KXA", "ONE"), ("KXB", "TWO")]
    assert (engine.desk_of("KXA"), engine.desk_of("KXB"), engine.desk_of("KXZ")) == ("ONE", "TWO", "")


def test_a_market_belongs_to_one_desk_for_good() -> None:
    engine, _ = two_desks()
    engine.on_event(MarketAssigned(engine.now, "KXA", "TWO"))
    engine.on_event(MarketAssigned(engine.now, "KXC", "NOBODY"))
    assert engine.desk_of("KXA") == "ONE"
    assert "KXC" not in engine.know.markets
    assert engine.desks["TWO"].tickers == ["KXB"]


def test_the_picture_adds_up_what_the_desks_hold() -> None:
    engine, _ = two_desks()
    actions = list(engine.on_event(Tick(engine.now + 1, 100, 100)))
    assert len(said(actions)) == 2
    picture = engine.picture()
    assert [desk.name for desk in picture.desks] == ["ONE", "TWO"]
    assert [order.state for order in picture.orders] == ["pending_new", "pending_new"]
    assert picture.desks[0].markets[0].bid == (5_000, 10_000)


def test_a_market_is_looked_at_again_after_a_second_though_nothing_moved() -> None:
    """Time itself is a reason: a close that comes nearer, a reference that gets old."""
    bench = Bench().quoting()
    bench.tick()
    before = len(bench.seen)
    bench.tick(0.99)
    assert len(bench.seen) == before
    bench.tick(0.01)
    assert len(bench.seen) == before + 1


def test_a_recording_played_fast_is_shown_in_the_time_of_the_market() -> None:
    bench = Bench(engine_settings(market_speed_permille=20_000)).quoting()
    bench.step(MarketStatus(bench.now, "KXA", close_ts=bench.now + 60 * SECOND))
    bench.tick(1)
    assert bench.seen[-1].now == bench.now * 20
    assert bench.seen[-1].time_to_close == 59 * 20 * SECOND


def test_news_of_a_grid_and_of_fees_reach_the_next_view() -> None:
    bench = Bench().quoting()
    fees = FeeSchedule(70_000, 17_500)
    bench.step(MarketStatus(bench.now, "KXA", grid=TAPERED_DECI_CENT_GRID, fees=fees))
    bench.tick()
    assert (bench.seen[-1].grid, bench.seen[-1].fees) == (TAPERED_DECI_CENT_GRID, fees)


def test_what_a_status_does_not_say_stays_as_it_was() -> None:
    bench = Bench().quoting()
    bench.step(MarketStatus(bench.now, "KXA", close_ts=bench.now + 60 * SECOND))
    market = bench.engine.know.markets["KXA"]
    assert (market.state, market.fees) == (MarketState.ACTIVE, FREE)
    bench.step(BookSnapshot(bench.now, "KXA", *book("49:1 | 50:1")))
    assert market.close_ts == bench.now + 60 * SECOND
