"""The auditor bites: whatever rule of the books is broken, the first act that breaks it is caught."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mm.sim.ledger import Account, Ledger
from mm.sim.matching import Book, HalfBook, Interest
from mm.sim.trading import Trading
from mm.sim.venue import Venue
from mm.sim.words import PRICE_ONE
from tests.sim.conftest import Audits
from tests.sim.stories import MARKET, open_venue, place, rest


def life(venue: Venue) -> None:
    """A little of everything: rests, matches, a maker's partial fill, a cancel, a settlement."""
    rest(venue, "ann", "ask 10 @ 60")
    place(venue, "bob", "bid 4 @ 60")
    order = rest(venue, "cat", "bid 5 @ 40")
    venue.decrease("cat", order.order_id, reduce_by=100)
    venue.cancel("cat", order.order_id)
    venue.determine(MARKET, "yes")
    venue.settle(MARKET)


def test_a_life_in_order_is_looked_at_after_every_act(audits: Audits) -> None:
    venue = open_venue()
    before = audits.auditors[venue.crowd.floor].audits
    life(venue)
    assert audits.auditors[venue.crowd.floor].audits == before + 7


def keeps_the_fee(original: Callable[..., Any]) -> Callable[..., Any]:
    """The account pays no fee, and the exchange collects one."""

    def book_fill(ledger: Ledger, account: Account, *args: Any) -> Any:
        position = original(ledger, account, *args)
        account.cash += args[-2]
        return position

    return book_fill


def forgets_a_position(original: Callable[..., Any]) -> Callable[..., Any]:
    def book_fill(ledger: Ledger, account: Account, *args: Any) -> Any:
        position = original(ledger, account, *args)
        position.count -= 1
        return position

    return book_fill


def pays_twice(original: Callable[..., Any]) -> Callable[..., Any]:
    def pay(ledger: Ledger, account: Account, position: Any, value: int, now: int) -> None:
        account.cash += max(position.count, 0)
        original(ledger, account, position, value, now)

    return pay


def keeps_a_ghost(original: Callable[..., Any]) -> Callable[..., Any]:
    """The level does not notice that somebody became smaller."""

    def reduce(half: HalfBook, interest: Interest, by: int) -> None:
        level = half.levels[interest.price]
        original(half, interest, by)
        level.size += by

    return reduce


def sees_no_crossing(original: Callable[..., Any]) -> Callable[..., Any]:
    return lambda book, side, price: None


def tells_too_much(original: Callable[..., Any]) -> Callable[..., Any]:
    def changed(trading: Trading, ticker: str, side: Any, price: int, change: int, order: Any) -> None:
        original(trading, ticker, side, price, change + 1, order)

    return changed


def forgets_to_end(original: Callable[..., Any]) -> Callable[..., Any]:
    """A canceled order is out of the book, and still among the resting ones."""

    def withdraw(trading: Trading, interest: Interest, *args: Any, **terms: Any) -> None:
        original(trading, interest, *args, **terms)
        interest.account.resting["ghost"] = interest

    return withdraw


@pytest.mark.parametrize(
    ("kind", "name", "mutant", "message"),
    [
        (Ledger, "book_fill", keeps_the_fee, "money is not conserved"),
        (Ledger, "book_fill", forgets_a_position, "positions do not sum to 0"),
        (Ledger, "_pay", pays_twice, "money is not conserved"),
        (HalfBook, "reduce", keeps_a_ghost, "do not add up to the book"),
        (Book, "crossing", sees_no_crossing, "crossed book"),
        (Trading, "_changed", tells_too_much, "do not add up to the book"),
        (Trading, "withdraw", forgets_to_end, "told to rest"),
    ],
)
def test_each_broken_rule_is_found(
    kind: type, name: str, mutant: Callable[..., Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    venue = open_venue(fee_type="quadratic_with_maker_fees")
    monkeypatch.setattr(kind, name, mutant(getattr(kind, name)))
    with pytest.raises((AssertionError, KeyError), match=message):
        life(venue)


def test_an_auditor_who_came_in_time_needs_nothing_but_what_was_told(audits: Audits) -> None:
    """Positions and levels are compared with the sum of announcements: a silent change is found as well."""
    venue = open_venue()
    rest(venue, "ann", "ask 10 @ 60")
    place(venue, "bob", "bid 4 @ 60")
    for user, change in (("ann", 100), ("bob", -100)):  # untold, and still balanced
        venue.positions_of(user)[MARKET].count += change
    venue.crowd.floor.ledger.collateral[MARKET] -= 100
    venue.accounts["ann"].cash += 100 * PRICE_ONE
    with pytest.raises(AssertionError, match="tells another position"):
        place(venue, "bob", "bid 1 @ 60")
