"""The whole engine against an honest exchange behind a bad line: at every instant all that may still fill is
counted, no limit is passed, and once the line is good again everything is known and ended."""

from __future__ import annotations

from random import Random

import pytest

from mm.core.actions import AnyAction
from mm.core.engine import Engine
from mm.core.events import (
    AccountReport,
    AnyEvent,
    BookSnapshot,
    Fill,
    LinkDown,
    LinkUp,
    MarketState,
    MarketStatus,
    Tick,
)
from mm.core.exposure import Exposure
from mm.core.settings import BreakerLimits, DeskSettings, RiskLimits
from mm.core.units import CONTRACT, SECOND, Count, Side
from tests.core.bench import FREE, START, engine_settings
from tests.core.flaky_exchange import FlakyExchange, Line, Resting
from tests.core.words import Scripted
from tests.ladders import book

NEVER = BreakerLimits(
    max_consecutive_errors=10**9,
    pnl_threshold=-(10**15),
    max_inventory_imbalance=10.0,
    max_error_fraction=None,
    daily_loss_fraction=None,
    daily_loss=None,
    weekly_loss=None,
    losing_round_trips=None,
    feed_lost=None,
)
LIMIT: Count = 30 * CONTRACT
BAD_SECONDS, GOOD_SECONDS = 90, 110
LINES = {
    "slow": Line(late=3.0, read_lag=3.0, doubled=0.2),
    "lossy": Line(lost=0.06, late=0.3, read_lag=1.0, skew=0.4),
    "terrible": Line(lost=0.15, doubled=0.4, late=6.0, read_lag=5.0, skew=-0.4),
}


class Run:
    """One seed: random wishes, takers, expiries and broken feeds, and the checks after each event."""

    def __init__(self, seed: int, line: Line) -> None:
        limits = RiskLimits(max_position=LIMIT, max_order_count=15 * CONTRACT)
        desk = DeskSettings("DEFAULT", "scripted", ("KXA",), limits)
        settings = engine_settings(desks=(desk,), breaker=NEVER, cancel_all_over=6, cancel_all_hold=0)
        self.wishes = {"KXA": "|"}
        self.engine = Engine(settings, {"DEFAULT": lambda: Scripted(self.wishes, [])})
        self.random = Random(seed)
        self.exchange = FlakyExchange(self.random, START, Line(), self.deliver)
        self.bad_line = line
        self.seen: dict[str, dict[str, Count]] = {}
        self.actions: list[AnyAction] = []

    # -- the crank -----------------------------------------------------------------------------------------
    def deliver(self, event: AnyEvent) -> None:
        for fill in event.fills if isinstance(event, AccountReport) else (event,):
            if isinstance(fill, Fill):
                self.seen.setdefault(fill.order_id, {})[fill.trade_id] = fill.count
        actions = self.engine.on_event(event)
        self.actions += actions
        for action in actions:
            self.exchange.request(action)
        self.check()

    def check(self) -> None:
        orders = self.engine.know.orders
        for client_id, place in self.exchange.on_their_way.items():
            known = orders.by_client_id.get(client_id)
            assert known is not None, f"{client_id} is on its way and forgotten"
            assert known.open >= place.count
        for order in self.exchange.orders.values():
            may_fill = order.remaining + order.filled - self.seen_of(order)
            known = orders.by_client_id.get(order.client_order_id)
            counted = known.open if known else 0
            assert counted >= may_fill, f"{order}: {counted} counted, {may_fill} may fill"
        assert abs(self.exchange.position) <= LIMIT
        self.check_exposure()
        self.check_no_self_trade()

    def seen_of(self, order: Resting) -> Count:
        return sum(self.seen.get(order.order_id, {}).values())

    def check_exposure(self) -> None:
        know = self.engine.know
        fresh = Exposure(know.orders, know.ledger)
        fresh.touch("KXA")
        assert know.exposure.total == fresh.total

    def check_no_self_trade(self) -> None:
        bids = [order.price for order in self.exchange.live if order.side is Side.BID]
        asks = [order.price for order in self.exchange.live if order.side is Side.ASK]
        assert not bids or not asks or max(bids) < min(asks)

    # -- what happens ----------------------------------------------------------------------------------------
    def life(self) -> None:
        """A tenth of a second of the market's and the operator's life."""
        chance = self.exchange.happens
        if chance(0.1):
            self.wishes["KXA"] = self.some_wish()
        if self.exchange.live and chance(0.15):
            order = self.random.choice(self.exchange.live)
            count = min(order.remaining, self.random.choice([1, 130, 500, 10**6]))
            self.exchange.hit(order, count, fee=self.random.randrange(0, 3_000))
        if self.exchange.live and chance(0.01):
            self.exchange.end(self.random.choice(self.exchange.live))
        if chance(0.01):
            self.feed_breaks()

    def some_wish(self) -> str:
        middle = self.random.randrange(45, 56)
        sizes = [self.random.choice(["0.5", "4", "10", "15"]) for _ in range(4)]
        bids = [f"{middle - 1 - n}:{sizes[n]}" for n in range(self.random.randrange(0, 3))]
        asks = [f"{middle + 1 + n}:{sizes[n + 2]}" for n in range(self.random.randrange(0, 3))]
        return f"{' '.join(bids)} | {' '.join(asks)}"

    def feed_breaks(self) -> None:
        if self.exchange.is_feed_up:
            self.exchange.is_feed_up = False
            self.deliver(LinkDown(self.exchange.now))
            self.exchange.at(self.exchange.now + 2 * SECOND, self.feed_is_back)

    def feed_is_back(self) -> None:
        self.exchange.is_feed_up = True
        self.deliver(LinkUp(self.exchange.now))
        self.show_the_book()

    def show_the_book(self) -> None:
        ladder = book("40:1000 | 60:1000")
        self.deliver(BookSnapshot(self.exchange.now, "KXA", ladder.bids, ladder.asks))

    def pass_seconds(self, seconds: int, *, alive: bool) -> None:
        for _ in range(seconds * 10):
            self.exchange.run_until(self.exchange.now + SECOND // 10)
            if alive:
                self.life()
            self.deliver(Tick(self.exchange.now, 10, 10))

    def play(self) -> None:
        self.deliver(LinkUp(self.exchange.now))
        self.deliver(MarketStatus(START, "KXA", state=MarketState.ACTIVE, fees=FREE))
        self.show_the_book()
        self.pass_seconds(2, alive=False)
        self.exchange.line = self.bad_line
        self.pass_seconds(BAD_SECONDS, alive=True)
        self.exchange.line = Line()
        self.wishes["KXA"] = "|"
        self.pass_seconds(GOOD_SECONDS, alive=False)


@pytest.mark.parametrize("seed", range(15))
@pytest.mark.parametrize("line", LINES)
def test_all_that_may_fill_is_counted_and_every_order_ends(line: str, seed: int) -> None:
    run = Run(seed, LINES[line])
    run.play()
    engine, exchange = run.engine, run.exchange
    assert not exchange.live
    assert not list(engine.know.orders)
    assert engine.position("KXA") == exchange.position
    assert engine.know.ledger.cash == exchange.cash
    assert engine.mode.value == "quoting", engine.picture().breaker.trip_reason
    assert engine.know.exposure.total == engine.know.ledger.value_at_risk


def test_the_bad_lines_are_bad_enough_to_prove_something() -> None:
    """Orders were placed, amended, cancelled and asked about, and fills were lost and found."""
    run = Run(3, LINES["slow"])
    run.play()
    kinds = {type(action).__name__ for action in run.actions}
    assert kinds >= {"PlaceOrder", "AmendOrder", "CancelOrder", "QueryOrder", "QueryAccount"}
    assert len(run.exchange.fills) > 15
    assert len(run.exchange.orders) > 15


def test_the_same_seed_of_wishes_and_answers_is_the_same_story() -> None:
    runs = [Run(5, LINES["lossy"]) for _ in range(2)]
    for run in runs:
        run.play()
    assert runs[0].actions == runs[1].actions
    assert runs[0].engine.picture() == runs[1].engine.picture()
