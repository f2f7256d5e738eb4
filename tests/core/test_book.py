"""The order book against a book kept in plain dictionaries, and what it may be trusted with."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mm.core.book import OrderBook
from mm.core.events import Levels
from mm.core.units import CENT, DOLLAR, Count, Price, Side
from tests.core.properties import FEW, PROPERTY
from tests.ladders import book

prices = st.integers(min_value=40, max_value=60).map(lambda cents: cents * CENT)
counts = st.integers(min_value=1, max_value=500)
sides = st.sampled_from(list(Side))
ladders = st.dictionaries(prices, counts, max_size=6)


def loaded(text: str) -> OrderBook:
    found = OrderBook()
    assert found.load(*book(text))
    return found


def all_levels(side: dict[Price, Count], best_first: bool) -> Levels:
    return tuple(sorted(side.items(), reverse=best_first))


class BookAgainstDictionaries(RuleBasedStateMachine):
    """Any deltas and snapshots: the book holds exactly what two dictionaries hold."""

    def __init__(self) -> None:
        super().__init__()
        self.book = OrderBook()
        self.naive: dict[Side, dict[Price, Count]] = {Side.BID: {}, Side.ASK: {}}
        self.is_known = False

    @rule(bids=ladders, asks=ladders)
    def snapshot(self, bids: dict[Price, Count], asks: dict[Price, Count]) -> None:
        assert self.book.load(tuple(bids.items()), tuple(asks.items()))
        self.naive = {Side.BID: dict(bids), Side.ASK: dict(asks)}
        self.is_known = True

    @precondition(lambda self: self.is_known)
    @rule(side=sides, price=prices, change=st.integers(min_value=-500, max_value=500))
    def delta(self, side: Side, price: Price, change: Count) -> None:
        level = self.naive[side].get(price, 0) + change
        self.is_known = level >= 0
        assert self.book.apply(side, price, change) == self.is_known
        self.naive[side][price] = level
        if not level:
            del self.naive[side][price]

    @precondition(lambda self: self.is_known)
    @rule(side=sides, data=st.data())
    def a_level_is_taken_away_whole(self, side: Side, data: st.DataObject) -> None:
        if self.naive[side]:
            price = data.draw(st.sampled_from(sorted(self.naive[side])))
            assert self.book.apply(side, price, -self.naive[side].pop(price))

    @rule()
    def messages_are_lost(self) -> None:
        self.book.lose()
        self.is_known = False

    @invariant()
    def the_two_agree(self) -> None:
        assert self.book.in_sync == self.is_known
        if not self.is_known:
            return
        for side in Side:
            expected = all_levels(self.naive[side], best_first=side is Side.BID)
            assert self.book.side(side).levels(100, {}) == expected
            best = self.book.best_bid() if side is Side.BID else self.book.best_ask()
            assert best == (expected[0] if expected else None)


TestBookAgainstDictionaries = BookAgainstDictionaries.TestCase
TestBookAgainstDictionaries.settings = FEW


def test_a_book_is_not_to_be_used_before_its_first_snapshot() -> None:
    fresh = OrderBook()
    assert not fresh.in_sync
    assert not fresh.apply(Side.BID, 5_000, 100)
    assert fresh.best_bid() is None


@pytest.mark.parametrize(
    ("price", "change", "why"),
    [
        (5_600, -10_001, "more taken away than there was"),
        (5_500, -1, "taken from an empty level"),
        (0, 100, "zero is no price"),
        (DOLLAR, 100, "one dollar is no price"),
        (-100, 100, "below zero"),
    ],
)
def test_an_impossible_delta_ends_the_trust_until_the_next_snapshot(
    price: Price, change: Count, why: str
) -> None:
    found = loaded("56:100 | 60:100")
    assert not found.apply(Side.BID, price, change), why
    assert not found.in_sync
    assert not found.apply(Side.BID, 5_600, 100), "nothing is believed of an untrusted book"
    assert found.load(*book("57:1 | 58:1"))
    assert found.best_bid() == (5_700, 100)


@pytest.mark.parametrize("level", [(0, 100), (DOLLAR, 100), (5_000, -1)])
def test_an_absurd_snapshot_is_not_trusted(level: tuple[Price, Count]) -> None:
    found = OrderBook()
    assert not found.load((level,), ())
    assert not found.in_sync


def test_the_best_is_the_highest_bid_and_the_lowest_ask_and_depth_cuts() -> None:
    found = loaded("55:5 57:40 56:100 | 60:100 59:30 61:1")
    assert (found.best_bid(), found.best_ask()) == ((5_700, 4_000), (5_900, 3_000))
    assert found.bids.levels(2, {}) == book("57:40 56:100 |").bids
    assert found.asks.levels(2, {}) == book("| 59:30 60:100").asks


# -- our own orders are not the market ----------------------------------------------------------------
def test_our_own_orders_are_left_out_wherever_they_were_heard_of() -> None:
    found = loaded("56:100 | 60:100")
    found.apply(Side.BID, 5_700, 1_000, is_own=True)
    assert found.best_bid() == (5_700, 1_000), "the market's best is told with our orders"
    assert found.bids.levels(10, {}) == ((5_600, 10_000),), "the feed said that it is ours"
    assert found.asks.levels(10, {6_000: 2_500}) == ((6_000, 7_500),), "our table said so"
    assert found.bids.levels(10, {5_700: 400}) == ((5_600, 10_000),), "the larger of the two counts"


def test_a_level_that_is_partly_ours_shows_what_others_have() -> None:
    found = loaded("56:100 | 60:100")
    found.apply(Side.BID, 5_600, 500, is_own=True)
    assert found.bids.levels(10, {}) == ((5_600, 10_000),)
    found.apply(Side.BID, 5_600, -500, is_own=True)
    assert found.bids.levels(10, {}) == ((5_600, 10_000),)


def test_a_fill_that_is_told_before_its_delta_is_not_ours_any_more() -> None:
    found = loaded("56:100 | 60:100")
    found.apply(Side.BID, 5_600, 500, is_own=True)
    assert found.bids.levels(10, {}) == ((5_600, 10_000),)
    found.bids.change_own(5_600, -300)
    assert found.bids.levels(10, {}) == ((5_600, 10_300),)


def test_what_was_ours_is_forgotten_with_the_level_and_with_a_snapshot() -> None:
    found = loaded("56:100 | 60:100")
    found.apply(Side.BID, 5_700, 500, is_own=True)
    found.apply(Side.BID, 5_700, -500)
    found.apply(Side.BID, 5_700, 300)
    assert found.bids.levels(1, {}) == ((5_700, 300),)
    found.apply(Side.BID, 5_700, 100, is_own=True)
    found.load(*book("57:4 | 60:100"))
    assert found.bids.levels(1, {}) == ((5_700, 400),)


@PROPERTY
@given(sides, st.lists(st.tuples(prices, st.integers(-300, 300), st.booleans()), max_size=40))
def test_others_never_get_more_than_the_level_nor_less_than_nothing(
    side: Side, deltas: list[tuple[Price, Count, bool]]
) -> None:
    found = loaded("|")
    for price, change, is_own in deltas:
        if found.side(side).sizes.get(price, 0) + change >= 0:
            found.apply(side, price, change, is_own)
    for price, others in found.side(side).levels(100, {}):
        assert 0 < others <= found.side(side).sizes[price]
