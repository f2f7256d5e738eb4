"""Fees: the published examples of protocol section 12, exactness, and rounding carried within an order."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm.core.events import FeeSchedule, Fill
from mm.core.fees import (
    DIRECT_MEMBER_PRECISION,
    INDIRECT_MEMBER_PRECISION,
    FeeAccumulator,
    FeeAudit,
    trade_fee,
)
from mm.core.units import CONTRACT, DOLLAR, MONEY_DOLLAR, Count, Money, Price, Side
from tests.core.properties import PROPERTY

STANDARD = FeeSchedule(taker_ppm=70_000, maker_ppm=17_500)
prices = st.integers(min_value=1, max_value=DOLLAR - 1)
counts = st.integers(min_value=1, max_value=100_000)
precisions = st.sampled_from([DIRECT_MEMBER_PRECISION, INDIRECT_MEMBER_PRECISION])


@pytest.mark.parametrize(
    ("price", "trade", "net"),
    [(5_200, 17_472, 17_500), (9_900, 693, 700)],
    ids=["1@.52 as recorded", "1@.99 as recorded"],
)
def test_a_direct_member_pays_what_was_recorded(price: Price, trade: Money, net: Money) -> None:
    fee = trade_fee(STANDARD, price, CONTRACT, is_taker=True)
    assert fee == trade
    assert FeeAccumulator().net_fee(Side.BID, price, CONTRACT, fee) == net


def test_the_example_of_the_rounding_page() -> None:
    """1@.055 with a precision of one cent: trade .003639, aligned -.06, rounding .001361."""
    fee = trade_fee(STANDARD, 550, CONTRACT, is_taker=True)
    assert fee == 3_639
    order = FeeAccumulator(INDIRECT_MEMBER_PRECISION)
    assert order.net_fee(Side.BID, 550, CONTRACT, fee) == 3_639 + 1_361
    assert order.carried == 1_361
    assert 550 * CONTRACT + fee + order.carried == 60_000


@pytest.mark.parametrize(
    ("price", "contracts", "is_taker", "cents"),
    [
        *((500, 1, True, 1), (500, 100, True, 34), (500, 1, False, 1), (500, 100, False, 9)),
        *((1_000, 1, True, 1), (1_000, 100, True, 63), (1_000, 100, False, 16)),
        *((2_500, 1, True, 2), (2_500, 100, True, 132), (2_500, 100, False, 33)),
        *((5_000, 1, True, 2), (5_000, 100, True, 175), (5_000, 100, False, 44)),
    ],
)
def test_the_published_table_in_whole_cents(price: Price, contracts: int, is_taker: bool, cents: int) -> None:
    """The table rounds up to a cent; binary floats would give 64 cents for 100 at a dime."""
    fee = trade_fee(STANDARD, price, contracts * CONTRACT, is_taker=is_taker)
    assert -(-fee // 10_000) == cents


@PROPERTY
@given(prices, counts, st.booleans())
def test_a_trade_fee_is_the_formula_rounded_up_to_a_millionth(
    price: Price, count: Count, is_taker: bool
) -> None:
    rate = Fraction(7, 100) if is_taker else Fraction(175, 10_000)
    probability = Fraction(price, DOLLAR)
    exact = rate * Fraction(count, CONTRACT) * probability * (1 - probability) * MONEY_DOLLAR
    assert trade_fee(STANDARD, price, count, is_taker=is_taker) == ceil(exact)


@PROPERTY
@given(
    precisions,
    st.sampled_from(list(Side)),
    st.lists(st.tuples(prices, counts, st.booleans()), min_size=1, max_size=30),
)
def test_an_order_pays_its_fees_to_within_one_unit_of_precision(
    precision: Money, side: Side, fills: list[tuple[Price, Count, bool]]
) -> None:
    """Net fees differ from trade fees by what is still carried; with fees that can bear the rebates, by less
    than one unit. Each fill's cash stands on the precision grid, and no fee is negative."""
    order = FeeAccumulator(precision)
    owed = paid = 0
    could_bear_all = True
    for price, count, is_taker in fills:
        fee = trade_fee(STANDARD, price, count, is_taker=is_taker)
        net = order.net_fee(side, price, count, fee)
        assert net >= 0
        assert (-side.sign * price * count - net) % precision == 0
        owed, paid = owed + fee, paid + net
        assert paid - owed == order.carried >= 0
        could_bear_all &= fee >= precision
    if could_bear_all:
        assert order.carried < precision


def charged(fee: Money, count: Count = CONTRACT, order_id: str = "X1", is_taker: bool = True) -> Fill:
    return Fill(0, f"t{fee}", order_id, "c", "KXA", Side.BID, 5_200, count, fee, is_taker)


def test_the_recorded_charge_is_what_the_schedule_says() -> None:
    """One contract at 52 cents: $0.0175 (protocol section 12)."""
    assert FeeAudit().excess(charged(17_500), STANDARD) == 0


def test_a_charge_besides_the_schedule_is_told_and_adds_up_by_order() -> None:
    audit = FeeAudit()
    assert audit.excess(charged(17_600), STANDARD) == 0, "one unit is what rounding may explain"
    assert audit.excess(charged(17_700), STANDARD) == 300
    assert audit.excess(charged(17_500, order_id="X2"), STANDARD) == 0, "another order stands for itself"
    assert audit.excess(charged(0, order_id="X3"), STANDARD) == -17_500, "charged nothing, though not free"


def test_fills_that_arrive_in_another_order_are_no_excess() -> None:
    sizes = (3, 7, 100, 1, 60)
    exchange, audit = FeeAccumulator(), FeeAudit()
    fills = []
    for count in sizes:
        model = trade_fee(STANDARD, 5_200, count, is_taker=True)
        fee = exchange.net_fee(Side.BID, 5_200, count, model)
        fills.append(charged(fee, count))
    assert [audit.excess(fill, STANDARD) for fill in reversed(fills)] == [0] * len(sizes)
