"""The ledger against a naive one in fractions: P&L, cash and round trips exact to the micro-dollar."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm.core.events import Fill, PositionReport
from mm.core.ledger import Ledger
from mm.core.position import collateral
from mm.core.units import CENT, CONTRACT, DOLLAR, MONEY_DOLLAR, Count, Money, Price, Side
from tests.core.properties import PROPERTY

OPENING = 1_000 * MONEY_DOLLAR
Deal = tuple[Side, Price, Count, Money]
sides = st.sampled_from(list(Side))
prices = st.integers(min_value=1, max_value=DOLLAR - 1)
deals = st.tuples(sides, prices, st.integers(1, 5_000), st.integers(-200, 20_000))
settlements = st.sampled_from([0, DOLLAR, 3_750])


def opened(*positions: PositionReport) -> Ledger:
    ledger = Ledger()
    ledger.open(OPENING, positions, ())
    return ledger


def fill(number: int, deal: Deal, ticker: str = "KXA") -> Fill:
    side, price, count, fee = deal
    return Fill(number, f"t{number}", f"o{number}", "", ticker, side, price, count, fee, False)


def deal(text: str, fee: Money = 0) -> Deal:
    """``bid 5@40``: contracts at cents."""
    side, what = text.split()
    contracts, cents = what.split("@")
    return Side(side), round(float(cents) * CENT), round(float(contracts) * CONTRACT), fee


class NaiveLedger:
    """The exchange's own clerk (protocol section 11): YES and NO contracts and what was paid for each."""

    def __init__(self, cash: Money) -> None:
        self.cash = Fraction(cash)
        self.held = {Side.BID: 0, Side.ASK: 0}
        self.paid = {Side.BID: Fraction(0), Side.ASK: Fraction(0)}
        self.realized = Fraction(0)
        self.fees = 0

    def trade(self, side: Side, price: Price, count: Count, fee: Money) -> None:
        cost = price if side is Side.BID else DOLLAR - price
        closing = min(count, self.held[side.opposite])
        if closing:
            share = self.paid[side.opposite] * Fraction(closing, self.held[side.opposite])
            returned = (DOLLAR - cost) * closing
            self.realized += returned - share
            self.paid[side.opposite] -= share
            self.held[side.opposite] -= closing
            self.cash += returned
        self.held[side] += count - closing
        self.paid[side] += cost * (count - closing)
        self.cash -= cost * (count - closing) + fee
        self.fees += fee

    def worth(self, mark: Price) -> int:
        return self.held[Side.BID] * mark + self.held[Side.ASK] * (DOLLAR - mark)

    def settle(self, value: Price) -> None:
        self.cash += self.worth(value)
        self.held = {Side.BID: 0, Side.ASK: 0}


@PROPERTY
@given(st.lists(deals, max_size=40), prices)
def test_any_fills_agree_with_the_exchanges_clerk(trades: list[Deal], mark: Price) -> None:
    ledger, naive = opened(), NaiveLedger(OPENING)
    for number, trade in enumerate(trades):
        assert ledger.book(fill(number, trade))
        naive.trade(*trade)
        position = ledger.position("KXA")
        assert ledger.cash == naive.cash
        assert position.count == naive.held[Side.BID] - naive.held[Side.ASK]
        assert position.fees == naive.fees
        assert position.value_at_risk == pytest.approx(float(sum(naive.paid.values())), abs=len(trades))
    position = ledger.position("KXA")
    ledger.mark("KXA", mark)
    paid = sum(naive.paid.values())
    assert position.realized + position.unrealized == naive.realized + naive.worth(mark) - paid
    assert abs(position.realized - naive.realized) <= len(trades), "each split rounds by half a millionth"
    assert ledger.cash is not None
    assert ledger.cash + ledger.equity_held == OPENING + ledger.pnl(), "nothing appears, nothing vanishes"


@PROPERTY
@given(st.lists(deals, max_size=20), settlements)
def test_settlement_pays_what_the_exchange_pays(trades: list[Deal], value: Price) -> None:
    ledger, naive = opened(), NaiveLedger(OPENING)
    for number, trade in enumerate(trades):
        ledger.book(fill(number, trade))
        naive.trade(*trade)
    ledger.settle("KXA", value, 10_000)
    ledger.settle("KXA", value, 10_001)
    naive.settle(value)
    assert ledger.cash == naive.cash
    assert ledger.position("KXA").count == 0
    assert ledger.pnl() == naive.cash - OPENING
    assert ledger.value_at_risk == 0


@PROPERTY
@given(st.lists(deals, min_size=1, max_size=12), st.data())
def test_a_fill_told_twice_in_any_order_is_booked_once(trades: list[Deal], data: st.DataObject) -> None:
    fills = [fill(number, trade) for number, trade in enumerate(trades)]
    told = data.draw(st.permutations(fills + fills))
    ledger, once = opened(), opened()
    assert sum(ledger.book(event) for event in told) == len(fills)
    for event in dict.fromkeys(told):
        once.book(event)
    assert (ledger.cash, ledger.pnl()) == (once.cash, once.pnl())


def test_one_trade_of_two_orders_of_ours_is_two_fills() -> None:
    ledger = opened()
    first = Fill(1, "t1", "o1", "", "KXA", Side.BID, 5_000, CONTRACT, 0, False)
    second = Fill(1, "t1", "o2", "", "KXA", Side.BID, 5_000, CONTRACT, 0, False)
    assert [ledger.book(first), ledger.book(second), ledger.book(first)] == [True, True, False]
    assert ledger.position("KXA").count == 2 * CONTRACT


# -- what was there before --------------------------------------------------------------------------------
def test_before_the_opening_fills_are_remembered_and_then_not_booked_again() -> None:
    ledger = Ledger()
    early = fill(1, deal("bid 5@40"))
    assert ledger.book(early)
    assert (ledger.cash, ledger.pnl()) == (None, 0)
    known = fill(2, deal("bid 5@40"))
    ledger.open(OPENING, (PositionReport("KXA", 1_000, 4 * MONEY_DOLLAR, 0, 0),), (known,))
    assert not ledger.book(early)
    assert not ledger.book(known)
    assert ledger.position("KXA").count == 1_000
    assert (ledger.cash, ledger.pnl()) == (OPENING, 0)


@pytest.mark.parametrize(("position", "cost_cents", "average"), [(1_000, 40, 4_000), (-1_000, 30, 7_000)])
def test_an_opening_position_is_carried_at_its_cost(position: Count, cost_cents: int, average: Price) -> None:
    """The exchange tells the cost of a short as what was paid for NO: 1 - price."""
    cost = cost_cents * CENT * abs(position)
    ledger = opened(PositionReport("KXA", position, cost, 0, 0))
    found = ledger.position("KXA")
    assert (found.average_cost, found.realized, found.value_at_risk) == (average, 0, cost)
    ledger.mark("KXA", average)
    assert (found.unrealized, ledger.pnl(), ledger.cash) == (0, 0, OPENING)


def test_closing_an_opening_position_earns_only_from_its_cost_and_is_a_round_trip() -> None:
    ledger = opened(PositionReport("KXA", 1_000, 4 * MONEY_DOLLAR, 0, 0))
    ledger.book(fill(1, deal("ask 10@45", fee=20_000)))
    assert ledger.pnl() == MONEY_DOLLAR // 2 - 20_000
    (trip,) = ledger.round_trips
    assert (trip.pnl, trip.max_count) == (MONEY_DOLLAR // 2 - 20_000, 1_000)


# -- round trips --------------------------------------------------------------------------------
def booked(*texts: str, fee: Money = 0) -> Ledger:
    ledger = opened()
    for number, text in enumerate(texts):
        ledger.book(fill(number, deal(text, fee)))
    return ledger


def test_a_round_trip_is_from_flat_to_flat_net_of_fees() -> None:
    ledger = booked("bid 5@40", "bid 5@42", "ask 3@45", "ask 7@44", fee=1_000)
    (trip,) = ledger.round_trips
    assert trip.pnl == (3 * 45 + 7 * 44 - 5 * 40 - 5 * 42) * 10_000 - 4_000
    assert (trip.opened_at, trip.closed_at, trip.max_count) == (0, 3, 1_000)


def test_a_fill_through_zero_closes_one_trip_and_opens_the_next() -> None:
    ledger = booked("bid 5@40", "ask 8@42")
    position = ledger.position("KXA")
    assert (position.count, position.average_cost) == (-300, 4_200)
    (trip,) = ledger.round_trips
    assert (trip.pnl, trip.max_count) == (5 * 2 * 10_000, 500)
    ledger.book(fill(9, deal("bid 3@41")))
    assert [trip.pnl for trip in ledger.round_trips] == [100_000, 30_000]
    assert ledger.round_trips[-1].max_count == 300


@PROPERTY
@given(st.lists(deals, max_size=30))
def test_round_trips_and_the_open_one_add_up_to_all_that_was_earned(trades: list[Deal]) -> None:
    ledger = opened()
    for number, trade in enumerate(trades):
        ledger.book(fill(number, trade))
    position = ledger.position("KXA")
    in_trips = sum(trip.pnl for trip in ledger.round_trips)
    since = position.realized - position.fees - position.trip_start if position.count else 0
    assert in_trips + since == position.realized - position.fees


@pytest.mark.parametrize(
    ("closes_at", "streak"),
    [((39,), 1), ((39, 39, 39), 3), ((39, 39, 41), 0), ((41, 39), 1), ((40,), 0)],
)
def test_losing_round_trips_in_a_row(closes_at: tuple[int, ...], streak: int) -> None:
    texts = [text for cents in closes_at for text in ("bid 5@40", f"ask 5@{cents}")]
    assert booked(*texts).losing_streak == streak


def test_a_trip_that_only_the_fees_made_a_loss_is_a_loss() -> None:
    assert booked("bid 5@40", "ask 5@40", fee=1).losing_streak == 1


@pytest.mark.parametrize("held", ["", "ask 1@70"])
def test_a_position_that_is_taken_over_is_a_round_trip_of_its_own(held: str) -> None:
    """What was earned in the market before has nothing to do with it: this one lost, and counts as a loss."""
    ledger = booked("bid 1@50", "ask 1@60", *filter(None, [held]))
    ledger.take_over("KXA", PositionReport("KXA", 2 * CONTRACT, MONEY_DOLLAR, 0, 0))
    ledger.book(fill(9, deal("ask 2@45")))
    assert ledger.round_trips[-1].pnl == -100_000
    assert ledger.round_trips[-1].max_count == 2 * CONTRACT
    assert ledger.losing_streak == 1


def test_settlement_ends_a_round_trip() -> None:
    ledger = booked("ask 5@40")
    ledger.settle("KXA", DOLLAR, 77)
    (trip,) = ledger.round_trips
    assert (trip.pnl, trip.closed_at) == (-5 * 60 * 10_000, 77)
    assert ledger.losing_streak == 1


@pytest.mark.parametrize("value", [0, DOLLAR, 3_750])
def test_a_fill_learned_of_after_settlement_is_settled_too(value: Price) -> None:
    """A lost message, found again by a later read: the exchange has paid for it already."""
    ledger = opened()
    ledger.settle("KXA", value, 10)
    ledger.book(fill(11, deal("bid 5@40")))
    assert ledger.position("KXA").count == 0
    assert ledger.cash == OPENING + 500 * (value - 4_000)
    assert (ledger.pnl(), ledger.value_at_risk) == (500 * (value - 4_000), 0)


def test_a_short_takes_a_dollar_a_contract_from_the_cash() -> None:
    ledger = booked("ask 5@40")
    assert collateral(-500) == 5 * MONEY_DOLLAR
    assert ledger.cash == OPENING - 5 * 600_000


def test_pnl_of_some_markets_leaves_out_the_others() -> None:
    ledger = opened()
    for number, (ticker, text) in enumerate(
        [("KXA", "bid 5@40"), ("KXA", "ask 5@41"), ("KXB", "bid 5@40"), ("KXB", "ask 5@30")]
    ):
        ledger.book(fill(number, deal(text), ticker))
    assert (ledger.pnl(("KXA",)), ledger.pnl(("KXB", "KXC"))) == (50_000, -500_000)
    assert ledger.pnl() == -450_000
