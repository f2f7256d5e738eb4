"""The published fee table in every column, mirrored and at half rate; and its formula at every price."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm.sim.fees import FeeTerms, fee_terms, net_fee
from mm.sim.words import COUNT_ONE, PRICE_ONE, Event, Series

CENT = 10_000  # one cent of money
MICRO = 1_000_000  # micro-dollars a dollar
TAKER_RATE, MAKER_RATE = Fraction(7, 100), Fraction(175, 10_000)


def terms(multiplier_ppm: int = 1_000_000) -> FeeTerms:
    series = Series("S", "s", fee_type="quadratic_with_maker_fees", fee_multiplier_ppm=multiplier_ppm)
    return fee_terms(series, Event("E", "S", "e"))


def whole_cents(money: int) -> int:
    return -(-money // CENT)


@pytest.mark.parametrize(
    ("price", "taker_one", "taker_hundred", "maker_one", "maker_hundred"),
    [(500, 1, 34, 1, 9), (1000, 1, 63, 1, 16), (2500, 2, 132, 1, 33), (5000, 2, 175, 1, 44)],
)
def test_the_published_table_in_all_its_columns_and_mirrored(
    price: int, taker_one: int, taker_hundred: int, maker_one: int, maker_hundred: int
) -> None:
    """Fees of 1 and 100 contracts in cents; P (1 - P) is the same at 1 - P."""
    for one in (price, PRICE_ONE - price):
        for is_taker, single, hundred in (
            (True, taker_one, taker_hundred),
            (False, maker_one, maker_hundred),
        ):
            assert whole_cents(terms().trade_fee(one, COUNT_ONE, is_taker=is_taker)) == single
            assert whole_cents(terms().trade_fee(one, 100 * COUNT_ONE, is_taker=is_taker)) == hundred


def test_index_series_pay_half() -> None:
    """Rate 0.035: 100 contracts at 50 cents cost 0.875 dollars, at 10 cents 0.315."""
    half = terms(500_000)
    assert half.trade_fee(5_000, 100 * COUNT_ONE, is_taker=True) == 875_000
    assert half.trade_fee(1_000, 100 * COUNT_ONE, is_taker=True) == 315_000


@given(
    st.integers(1, PRICE_ONE - 1),
    st.integers(1, 10**7),
    st.sampled_from([0, 500_000, 1_000_000]),
    st.booleans(),
)
def test_every_fee_is_the_formula_rounded_up_once(
    price: int, count: int, multiplier_ppm: int, is_taker: bool
) -> None:
    """ceil(M * rate * C * P * (1 - P)) in micro-dollars, by exact fractions (protocol section 12)."""
    rate = TAKER_RATE if is_taker else MAKER_RATE
    chance = Fraction(price, PRICE_ONE)
    exact = Fraction(multiplier_ppm, MICRO) * rate * Fraction(count, COUNT_ONE) * chance * (1 - chance)
    fee = terms(multiplier_ppm).trade_fee(price, count, is_taker=is_taker)
    assert fee == math.ceil(exact * MICRO)


def test_what_binary_floats_get_wrong_is_right_here() -> None:
    """0.07 * 100 * 0.1 * 0.9 is 0.6300000000000002 in binary, and would be charged as 64 cents."""
    assert math.ceil(0.07 * 100 * 0.1 * 0.9 * 100) == 64
    fee = terms().trade_fee(1_000, 100 * COUNT_ONE, is_taker=True)
    assert (fee, net_fee(-10_000_000, fee, 0, CENT).net_fee) == (630_000, 630_000)
