"""Whatever anybody does in whatever order: money, positions, queues and announcements stay in agreement."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mm.sim.switches import Switches
from mm.sim.words import BookChanged, OrderRequest, SelfTrade, TimeInForce, VenueError
from tests.sim.stories import HOUR, MARKET, SECOND, listen, open_venue

MEMBERS = ("ann", "bob", "cat")
USERS = st.sampled_from(MEMBERS)
SIDES = st.sampled_from(["bid", "ask"])
PRICES = st.integers(1, 99).map(lambda cents: cents * 100)
COUNTS = st.integers(1, 5_000)


class AnythingGoes(RuleBasedStateMachine):
    """Little cash, so that margin cancels happen; a maker fee, so that both sides round."""

    def __init__(self) -> None:
        super().__init__()
        self.venue = open_venue(
            cash=40_000_000, fee_type="quadratic_with_maker_fees", switches=Switches(balance_unit=10_000)
        )
        self.crowd = self.venue.crowd.join("crowd")
        self.heard = listen(self.venue)
        self.deltas: dict[tuple[str, int], int] = {}

    @rule(
        user=USERS,
        side=SIDES,
        price=PRICES,
        count=COUNTS,
        force=st.sampled_from(["good_till_canceled", "immediate_or_cancel", "fill_or_kill"]),
        self_trade=st.sampled_from(["taker_at_cross", "maker"]),
        post_only=st.booleans(),
        reduce_only=st.booleans(),
        expires=st.sampled_from([0, 0, 0, 30, 300]),
    )
    def create(
        self,
        user: str,
        side: str,
        price: int,
        count: int,
        force: TimeInForce,
        self_trade: SelfTrade,
        post_only: bool,
        reduce_only: bool,
        expires: int,
    ) -> None:
        expiration = expires and self.venue.now // SECOND + expires
        request = OrderRequest(
            MARKET,
            "bid" if side == "bid" else "ask",
            count,
            price,
            force,
            self_trade,
            expiration_s=expiration,
            post_only=post_only and force == "good_till_canceled",
            reduce_only=reduce_only,
        )
        with suppress(VenueError):
            self.venue.create(user, request)

    @rule(side=SIDES, price=PRICES, count=COUNTS, rests=st.booleans())
    def crowd_trades(self, side: str, price: int, count: int, rests: bool) -> None:
        act = self.venue.crowd.rest if rests else self.venue.crowd.take
        if self.venue.crowd.is_open(MARKET):
            act(self.crowd, MARKET, "bid" if side == "bid" else "ask", price, count)

    @precondition(lambda self: any(account.resting for account in self.venue.accounts.values()))
    @rule(data=st.data(), price=PRICES, count=COUNTS, what=st.sampled_from(["cancel", "decrease", "amend"]))
    def change(self, data: st.DataObject, price: int, count: int, what: str) -> None:
        accounts = self.venue.accounts.values()
        resting = [order_id for account in accounts for order_id in account.resting]
        order = self.venue.orders[data.draw(st.sampled_from(resting))]
        with suppress(VenueError):
            if what == "cancel":
                self.venue.cancel(order.user_id, order.order_id)
            elif what == "decrease":
                self.venue.decrease(order.user_id, order.order_id, reduce_by=count)
            else:
                self.venue.amend(
                    order.user_id, order.order_id, ticker=MARKET, side=order.side, price=price, count=count
                )

    @rule(seconds=st.integers(1, 200))
    def time_passes(self, seconds: int) -> None:
        self.venue.advance(self.venue.now + seconds * SECOND)

    @rule(what=st.sampled_from(["deactivate", "activate", "pause", "resume", "cancel_all"]))
    def authority_acts(self, what: str) -> None:
        acts: dict[str, Callable[[], None]] = {
            "deactivate": lambda: self.venue.deactivate(MARKET),
            "activate": lambda: self.venue.activate(MARKET),
            "pause": self.venue.pause,
            "resume": self.venue.resume,
            "cancel_all": lambda: self.venue.cancel_all("ann"),
        }
        with suppress(VenueError):
            acts[what]()

    @invariant()
    def all_agrees(self) -> None:
        self.venue.check()

    @invariant()
    def what_was_announced_is_what_is_there(self) -> None:
        for one in self.heard:
            if isinstance(one, BookChanged):
                place = (one.side, one.price)
                self.deltas[place] = self.deltas.get(place, 0) + one.change
        self.heard.clear()
        rebuilt = {place: size for place, size in self.deltas.items() if size}
        book = self.venue.book(MARKET)
        assert rebuilt == {(side, price): size for side, levels in book.items() for price, size in levels}

    @invariant()
    def balances_stay_on_whole_cents(self) -> None:
        members = (self.venue.accounts[user] for user in MEMBERS)
        assert all(account.cash % 10_000 == 0 for account in members)

    def teardown(self) -> None:
        """At the end everything settles, and the members' profits are what their cash says."""
        venue = self.venue
        venue.determine(MARKET, "yes")
        venue.advance(venue.now + 2 * HOUR)
        venue.check()
        for user in MEMBERS:
            position = venue.positions_of(user).get(MARKET)
            profit = position.realized - position.fees if position else 0
            assert venue.cash(user) == 40_000_000 + profit


AnythingGoes.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAnythingGoes = AnythingGoes.TestCase


def test_the_same_seed_gives_the_same_names() -> None:
    first, second = open_venue(), open_venue()
    for venue in (first, second):
        venue.create("ann", OrderRequest(MARKET, "bid", 100, 5_000, "good_till_canceled", "maker"))
    assert list(first.orders) == list(second.orders)
