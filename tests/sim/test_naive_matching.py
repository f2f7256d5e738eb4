"""The venue against a second, obvious implementation, order by order, whatever is asked of both.

The suite runs a share. The whole, 100,000 commands:
``KMM_NAIVE_COMMANDS=100000 python -m pytest -n 0 tests/sim/test_naive_matching.py``
"""

from __future__ import annotations

import os
from collections.abc import Callable
from fractions import Fraction
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mm.sim.switches import AmendCross, Switches
from mm.sim.venue import Venue
from mm.sim.words import BookSide, Order, OrderRequest, VenueError
from tests.sim.naive_exchange import CROWD, NaiveExchange, NaiveGroup, NaiveOrder, NaiveRefusal
from tests.sim.stories import HOUR, MARKET, SECOND, open_venue

COMMANDS = int(os.environ.get("KMM_NAIVE_COMMANDS", "15000"))
STEPS = 100
ACCOUNTS = [("ann", 0), ("ann", 1), ("bob", 0), ("cat", 0)]
CASH = 10_000_000  # $10: not enough for everything, so that margin cancels happen
UNIT = 10_000  # whole cents: much to round
BOOK_SIDES: tuple[BookSide, BookSide] = ("bid", "ask")
CROSSES: tuple[AmendCross, ...] = get_args(AmendCross)
FORCES = ("good_till_canceled",) * 4 + ("immediate_or_cancel", "fill_or_kill")

SIDES = st.sampled_from(BOOK_SIDES)
PRICES = st.sampled_from([*range(4_000, 6_100, 100)] * 3 + [100, 2_000, 8_000, 9_900, 5_050])
COUNTS = st.sampled_from([1, 7, 50, 100, 200, 333, 500, 1_000, 1_000, 1_500])
WHO = st.sampled_from(ACCOUNTS)
KINDS = st.integers(0, 2**16 - 1)  # a number whose digits choose the rarer terms of an order


def fresh_venue(cross: AmendCross) -> Venue:
    switches = Switches(balance_unit=UNIT, post_only_cross_amend=cross)
    venue = open_venue(cash=CASH, fee_type="quadratic_with_maker_fees", switches=switches)
    venue.move_close(MARKET, 1_000 * HOUR)
    venue.create_subaccount("ann")
    venue.transfer("ann", "seed", 0, 1, CASH // 2)
    return venue


def dollars(money: int) -> Fraction:
    return Fraction(money, 1_000_000)


class BothExchanges(RuleBasedStateMachine):
    """Every command goes to both; after each, both must say and be the same."""

    total = 0
    cross: AmendCross

    def __init__(self) -> None:
        super().__init__()
        self.venue = fresh_venue(self.cross)
        cash = {account: dollars(self.venue.cash(*account)) for account in ACCOUNTS}
        cash[CROWD, 0] = Fraction(0)
        self.naive = NaiveExchange(cash, dollars(UNIT), Fraction(1, 4), self.cross)
        self.crowd = self.venue.crowd.join(CROWD)
        self.pairs: list[tuple[Order, NaiveOrder]] = []
        self.names = 0

    def both(self, venue: Callable[[], Any], naive: Callable[[], Any]) -> tuple[Any, Any] | None:
        """The answers of both; None where both refuse with the same code."""
        type(self).total += 1
        said: list[str] = []
        answers = []
        try:
            answers.append(venue())
        except VenueError as error:
            said.append(error.code)
        try:
            answers.append(naive())
        except NaiveRefusal as refusal:
            said.append(str(refusal.args[0]))
        assert len(answers) == 2 or (not answers and said[0] == said[1]), (said, answers)
        return (answers[0], answers[1]) if answers else None

    def name(self, digit: int) -> str:
        """Mostly a new client order id, sometimes none, sometimes one that may be used up."""
        self.names += 1
        return {0: "", 1: "again"}.get(digit, f"c{self.names}")

    def expiry(self, digit: int) -> int:
        """Unix seconds; the last one has passed."""
        return {1: self.naive.now + 3, 2: self.naive.now + 20, 3: self.naive.now}.get(digit, 0)

    # -- orders ---------------------------------------------------------------------------------------------
    @rule(who=WHO, side=SIDES, price=PRICES, count=COUNTS, force=st.sampled_from(FORCES), kind=KINDS)
    def create(
        self, who: tuple[str, int], side: BookSide, price: int, count: int, force: Any, kind: int
    ) -> None:
        kind, name = divmod(kind, 12)
        kind, self_trade = divmod(kind, 2)
        kind, rarer = divmod(kind, 4)
        kind, expiry = divmod(kind, 8)
        group = self.group_of(who, kind % 3)
        request = OrderRequest(
            MARKET,
            side,
            count,
            price,
            force,
            "maker" if self_trade else "taker_at_cross",
            client_order_id=self.name(name),
            expiration_s=self.expiry(expiry) if force == "good_till_canceled" else 0,
            post_only=rarer == 1 and force == "good_till_canceled",
            reduce_only=rarer < 2 and force == "immediate_or_cancel",
            cancel_on_pause=rarer == 3,
            order_group_id=group,
            subaccount=who[1],
        )
        self.ask(who[0], request)

    def ask(self, user: str, request: OrderRequest) -> None:
        answers = self.both(
            lambda: self.venue.create(user, request), lambda: self.naive.create(user, request)
        )
        if answers is not None:
            self.pairs.append((answers[0].order, answers[1]))

    create_again = create_once_more = create_yet_again = create

    @rule(who=WHO, side=SIDES, price=st.integers(10, 90))
    def overcommit(self, who: tuple[str, int], side: BookSide, price: int) -> None:
        """Two orders that can each be paid but not both, and a crowd that takes them."""
        step = -100 if side == "bid" else 100
        paid = price * 100 if side == "bid" else 10_000 - price * 100
        count = max(1, self.venue.cash(*who) * 6 // 10 // paid)
        for level in (0, 1):
            at = price * 100 + level * step
            request = OrderRequest(MARKET, side, count, at, "good_till_canceled", "maker", subaccount=who[1])
            self.ask(who[0], request)
        self.crowd_trades("ask" if side == "bid" else "bid", price * 100 + step, 2 * count, False)

    @rule(side=SIDES, price=PRICES, count=COUNTS, rests=st.booleans())
    def take_or_rest(self, side: BookSide, price: int, count: int, rests: bool) -> None:
        self.crowd_trades(side, price, count, rests)

    def crowd_trades(self, side: BookSide, price: int, count: int, rests: bool) -> None:
        if self.venue.crowd.is_open(MARKET):
            act = self.venue.crowd.rest if rests else self.venue.crowd.take
            self.both(
                lambda: act(self.crowd, MARKET, side, price, count),
                lambda: self.naive.crowd(side, price, count, rests=rests),
            )

    def an_order(self, number: int) -> tuple[Order, NaiveOrder]:
        """One that rests, if any does; every eighth time any that ever was."""
        resting = [pair for pair in self.pairs if pair[0].status == "resting"]
        among = self.pairs if number % 8 == 7 or not resting else resting
        return among[number // 8 % len(among)]

    @precondition(lambda self: self.pairs)
    @rule(number=KINDS, price=PRICES, count=COUNTS, kind=KINDS)
    def amend(self, number: int, price: int, count: int, kind: int) -> None:
        order, naive = self.an_order(number)
        kind, name = divmod(kind, 6)
        kind, expiry = divmod(kind, 8)
        new_price = order.price if kind % 2 else price
        total = count if kind % 5 == 0 else order.filled + count
        expires = self.expiry(expiry) if expiry < 5 else None
        self.change(order, naive, new_price, total, self.name(name), expires)

    @rule(who=WHO, side=SIDES, count=COUNTS, total=COUNTS, deeper=st.sampled_from([0, 100, 300]))
    def amend_across(self, who: tuple[str, int], side: BookSide, count: int, total: int, deeper: int) -> None:
        """A post-only order is moved to the other side's best price, or beyond it."""
        half = self.venue.crowd.book(MARKET).opposite(side)
        if half.best is None or not 500 <= half.best <= 9_500:
            return
        best, sign = half.best, 1 if side == "bid" else -1
        terms = (MARKET, side, count, best - sign * 200, "good_till_canceled", "maker")
        self.ask(who[0], OrderRequest(*terms, post_only=True, subaccount=who[1]))  # type: ignore[arg-type]
        order, naive = self.pairs[-1] if self.pairs else (None, None)
        if order is not None and naive is not None and order.status == "resting" and order.side == side:
            self.change(order, naive, best + sign * deeper, order.filled + total, "", None)

    def change(
        self, order: Order, naive: NaiveOrder, price: int, total: int, name: str, expires: int | None
    ) -> None:
        self.both(
            lambda: self.venue.amend(
                order.user_id,
                order.order_id,
                ticker=MARKET,
                side=order.side,
                price=price,
                count=total,
                updated_client_order_id=name,
                expiration_s=expires,
                subaccount=order.request.subaccount,
            ),
            lambda: self.naive.amend(naive, price, total, name, expires),
        )

    @precondition(lambda self: self.pairs)
    @rule(number=KINDS, count=st.sampled_from([0, 1, 50, 100, 333]), cancels=st.booleans())
    def lessen(self, number: int, count: int, cancels: bool) -> None:
        order, naive = self.an_order(number)
        user, order_id, subaccount = order.user_id, order.order_id, order.request.subaccount
        if cancels:
            self.both(
                lambda: self.venue.cancel(user, order_id, subaccount=subaccount),
                lambda: self.naive.cancel(naive),
            )
        else:
            self.both(
                lambda: self.venue.decrease(user, order_id, reduce_by=count, subaccount=subaccount),
                lambda: self.naive.decrease(naive, count),
            )

    # -- everything else ------------------------------------------------------------------------------------
    def group_of(self, who: tuple[str, int], digit: int) -> str:
        mine = self.venue.groups_of(*who)
        return mine[-1].group_id if mine and digit == 0 else ""

    @rule(who=WHO, act=st.sampled_from(["create", "create", "reset", "trigger", "limit"]), limit=COUNTS)
    def change_group(self, who: tuple[str, int], act: str, limit: int) -> None:
        limit = max(limit, 100)
        group = self.group_of(who, 0)
        if act == "create" or not group:
            made = self.venue.create_group(who[0], limit, who[1])
            self.naive.groups[made.group_id] = NaiveGroup(who[0], limit)
            return
        user = who[0]
        acts: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
            "reset": (lambda: self.venue.reset_group(user, group), lambda: self.naive.reset(group)),
            "trigger": (lambda: self.venue.trigger_group(user, group), lambda: self.naive.trigger(group)),
            "limit": (
                lambda: self.venue.set_group_limit(user, group, limit),
                lambda: self.naive.set_limit(group, limit),
            ),
        }
        self.both(*acts[act])

    @rule(seconds=st.sampled_from([1, 2, 8, 16]))
    def pass_time(self, seconds: int) -> None:
        now = self.venue.now + seconds * SECOND
        self.both(lambda: self.venue.advance(now), lambda: self.naive.pass_time(seconds))

    @precondition(lambda self: len(self.pairs) % 4 == 3)  # not too often: they empty the book
    @rule(what=st.sampled_from(["cancel_all", "pause", "deactivate"]), who=WHO)
    def interrupt(self, what: str, who: tuple[str, int]) -> None:
        """A pause and a halt, each with one refused order in it."""
        user, subaccount = who
        request = OrderRequest(
            MARKET, "bid", 100, 5_000, "good_till_canceled", "maker", subaccount=subaccount
        )
        if what == "cancel_all":
            self.both(
                lambda: self.venue.cancel_all(user, subaccount=subaccount),
                lambda: self.naive.cancel_all(user, subaccount),
            )
            return
        if what == "pause":
            self.both(self.venue.pause, self.naive.pause)
        else:
            self.venue.deactivate(MARKET)
            self.naive.is_active = False
        refused = self.both(
            lambda: self.venue.create(user, request), lambda: self.naive.create(user, request)
        )
        assert refused is None
        self.venue.resume()
        self.naive.is_paused = False
        if what == "deactivate":
            self.both(lambda: self.venue.activate(MARKET), self.naive.activate)

    # -- what must be the same ------------------------------------------------------------------------------
    @invariant()
    def orders_agree(self) -> None:
        for order, naive in self.pairs:
            assert order.status == naive.status
            assert (order.price, order.count, order.filled) == (naive.price, naive.count, naive.filled)
            assert (order.remaining, order.last_update_reason) == (naive.open, naive.reason)
            assert dollars(order.taker_fees + order.maker_fees) == naive.fees
            assert order.request == naive.request

    @invariant()
    def queues_agree(self) -> None:
        """Everybody stands at the same place, with the same size."""
        known = {id(naive): order.order_id for order, naive in self.pairs}
        for side in BOOK_SIDES:
            half = self.venue.crowd.book(MARKET).sides[side]
            queue = [one for key in reversed(half.keys) for one in half.levels[half.sign * key].queue]
            mine = [(one.order.order_id if one.order else None, one.price, one.remaining) for one in queue]
            theirs = [(known.get(id(one)), one.price, one.open) for one in self.naive.queue(side)]
            assert mine == theirs

    @invariant()
    def accounts_agree(self) -> None:
        self.venue.check()
        for account in ACCOUNTS:
            assert dollars(self.venue.cash(*account)) == self.naive.cash(account)
            position = self.venue.positions_of(*account).get(MARKET)
            assert (position.count if position else 0) == self.naive.position(account)

    @invariant()
    def groups_agree(self) -> None:
        for name, naive in self.naive.groups.items():
            assert self.venue.group(naive.user, name).is_triggered == naive.is_triggered


@pytest.mark.parametrize("cross", CROSSES)
def test_the_venue_and_the_naive_exchange_agree_on_every_order(
    cross: AmendCross, monkeypatch: pytest.MonkeyPatch
) -> None:
    share = COMMANDS // len(CROSSES)
    monkeypatch.setattr(BothExchanges, "total", 0)
    monkeypatch.setattr(BothExchanges, "cross", cross, raising=False)
    run_state_machine_as_test(
        BothExchanges,
        settings=settings(
            max_examples=max(1, share // STEPS),
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert BothExchanges.total >= share // 2, "too few commands reached the exchanges"
