"""The book, and the venue's matching against a slow and obvious one, order by order."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest

from mm.sim.ledger import Account
from mm.sim.matching import Book, Interest
from mm.sim.words import MONEY_ONE, BookSide, OrderRequest, SelfTrade, TimeInForce, VenueError
from tests.sim.stories import MARKET, ladder, open_venue, place, rest

SOMEBODY = Account("somebody", 0)


def test_the_best_price_is_last_on_both_sides() -> None:
    book = Book()
    for price in (4_000, 4_200, 4_100):
        book.bids.add(Interest(SOMEBODY, "bid", price, 10))
        book.asks.add(Interest(SOMEBODY, "ask", price + 1_000, 10))
    assert [price for price, _ in book.bids.sizes()] == [4_000, 4_100, 4_200]
    assert [price for price, _ in book.asks.sizes()] == [5_200, 5_100, 5_000]
    assert (book.bids.best, book.asks.best) == (4_200, 5_000)
    assert book.asks.volume_at_or_better(5_100) == 20
    book.check()


def test_taking_the_middle_level_away_keeps_the_others() -> None:
    book = Book()
    entries = [Interest(SOMEBODY, "bid", price, 10) for price in (4_000, 4_100, 4_200)]
    for entry in entries:
        book.bids.add(entry)
    book.bids.reduce(entries[1], 10)
    book.check()
    assert book.bids.sizes() == [(4_000, 10), (4_200, 10)]


def test_the_check_finds_a_crossed_book() -> None:
    book = Book()
    book.bids.add(Interest(SOMEBODY, "bid", 5_000, 1))
    book.asks.add(Interest(SOMEBODY, "ask", 5_000, 1))
    with pytest.raises(AssertionError, match="crossed"):
        book.check()


def test_price_goes_before_time_and_trades_at_the_resting_price() -> None:
    venue = open_venue()
    late_but_better = rest(venue, "ann", "ask 5 @ 56")
    first = rest(venue, "bob", "ask 5 @ 55")
    second = rest(venue, "ann", "ask 5 @ 55")
    placed = place(venue, "cat", "bid 8 @ 56")
    assert placed.average_price == 5_500
    assert (first.filled, second.filled, late_but_better.filled) == (500, 300, 0)
    assert ladder(venue) == "| 55:2 56:5"
    venue.check()


def test_what_does_not_trade_rests_at_its_own_price() -> None:
    venue = open_venue()
    rest(venue, "ann", "ask 5 @ 55")
    placed = place(venue, "bob", "bid 8 @ 57")
    assert (placed.fill_count, placed.remaining_count) == (500, 300)
    assert ladder(venue) == "57:3 |"


# -- the slow one -------------------------------------------------------------------------------------------
@dataclass(eq=False)
class SlowOrder:
    name: int
    user: str
    side: BookSide
    price: int
    remaining: int
    arrived: int


class SlowBook:
    """One list, sorted anew for each trade: too simple to be wrong."""

    def __init__(self) -> None:
        self.orders: list[SlowOrder] = []
        self.clock = 0

    def enter(self, order: SlowOrder, self_trade: str, *, rests: bool) -> list[tuple[int, int, int]]:
        """(resting order, price, count) of each trade."""
        self.clock += 1
        order.arrived = self.clock
        trades = []
        while order.remaining:
            sign = 1 if order.side == "bid" else -1
            others = [one for one in self.orders if one.side != order.side]
            others = [one for one in others if sign * one.price <= sign * order.price]
            if not others:
                break
            best = min(others, key=lambda one: (sign * one.price, one.arrived))
            if best.user == order.user:
                if self_trade == "taker_at_cross":
                    order.remaining = 0
                    break
                self.orders.remove(best)
                best.remaining = 0
                continue
            count = min(order.remaining, best.remaining)
            trades.append((best.name, best.price, count))
            order.remaining -= count
            best.remaining -= count
            if not best.remaining:
                self.orders.remove(best)
        if order.remaining and rests:
            self.orders.append(order)
        return trades

    def queue(self) -> list[tuple[str, int, int, int]]:
        """Every resting order in its place."""
        ordered = sorted(self.orders, key=lambda one: (one.side, one.price, one.arrived))
        return [(one.side, one.price, one.name, one.remaining) for one in ordered]


class Both:
    """The same commands to the venue and to the slow book; compares after each."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.venue = open_venue(cash=10**6 * MONEY_ONE)
        self.slow = SlowBook()
        self.names: dict[str, int] = {}
        self.ids: dict[int, str] = {}
        self.trades_seen = 0

    def step(self) -> None:
        resting = self.slow.orders
        if resting and self.random.random() < 0.4:
            chosen = self.random.choice(resting)
            self.random.choice([self.cancel, self.decrease, self.amend])(chosen)
        else:
            self.create()
        self.compare()

    def create(self) -> None:
        draw = self.random
        side: BookSide = draw.choice(["bid", "ask"])
        name, user = len(self.ids), draw.choice(["ann", "bob", "cat"])
        price, count = draw.randint(45, 55) * 100, draw.randint(1, 900)
        self_trade: SelfTrade = draw.choice(["taker_at_cross", "maker"])
        rests = draw.random() < 0.8
        force: TimeInForce = "good_till_canceled" if rests else "immediate_or_cancel"
        request = OrderRequest(MARKET, side, count, price, force, self_trade, f"c{name}")
        placed = self.venue.create(user, request)
        self.names[placed.order.order_id], self.ids[name] = name, placed.order.order_id
        slow = SlowOrder(name, user, side, price, count, 0)
        trades = self.slow.enter(slow, self_trade, rests=rests)
        assert placed.fill_count == sum(count for _, _, count in trades)
        assert placed.fills.value == sum(price * count for _, price, count in trades)
        self.agree_on_trades(trades)

    def agree_on_trades(self, trades: list[tuple[int, int, int]]) -> None:
        printed = list(self.venue.trades[MARKET])[self.trades_seen :]
        assert [(one.price, one.count) for one in printed] == [(price, count) for _, price, count in trades]
        self.trades_seen += len(printed)

    def cancel(self, chosen: SlowOrder) -> None:
        _, reduced_by = self.venue.cancel(chosen.user, self.ids[chosen.name])
        assert reduced_by == chosen.remaining
        self.slow.orders.remove(chosen)

    def decrease(self, chosen: SlowOrder) -> None:
        by = self.random.randint(1, chosen.remaining)
        self.venue.decrease(chosen.user, self.ids[chosen.name], reduce_by=by)
        chosen.remaining -= by
        if not chosen.remaining:
            self.slow.orders.remove(chosen)

    def amend(self, chosen: SlowOrder) -> None:
        order = self.venue.orders[self.ids[chosen.name]]
        price = self.random.choice([chosen.price, self.random.randint(45, 55) * 100])
        wanted = self.random.randint(1, 900)
        self_trade = order.request.self_trade
        self.venue.amend(
            chosen.user,
            order.order_id,
            ticker=MARKET,
            side=chosen.side,
            price=price,
            count=order.filled + wanted,
        )
        if price == chosen.price and wanted <= chosen.remaining:
            chosen.remaining = wanted
            return
        self.slow.orders.remove(chosen)
        chosen.price, chosen.remaining = price, wanted
        self.agree_on_trades(self.slow.enter(chosen, self_trade, rests=True))

    def compare(self) -> None:
        fast = []
        for name, order_id in self.ids.items():
            order = self.venue.orders[order_id]
            if order.status == "resting":
                ahead = self.venue.queue_position(order_id)
                fast.append((order.side, order.price, ahead, name, order.remaining))
        assert [(side, price, name, left) for side, price, _, name, left in sorted(fast)] == self.slow.queue()


@pytest.mark.parametrize("seed", range(4))
def test_a_slow_and_obvious_matching_agrees_order_by_order(seed: int) -> None:
    both = Both(seed)
    for number in range(800):
        both.step()
        if number % 50 == 0:
            both.venue.check()
    both.venue.check()
    assert both.trades_seen > 200


def test_an_unknown_market_is_a_404() -> None:
    venue = open_venue()
    with pytest.raises(VenueError, match="404 market_not_found"):
        venue.book("KXNONE")
