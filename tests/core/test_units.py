"""Units: a price times a count is money, and every number is written as the exchange writes it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm.core.units import CONTRACT, DOLLAR, MONEY_DOLLAR, Side, count_text, money_text, price_text
from tests.core.properties import PROPERTY

ANY = st.integers(min_value=-(10**12), max_value=10**12)


def test_one_contract_at_one_dollar_is_one_dollar() -> None:
    assert DOLLAR * CONTRACT == MONEY_DOLLAR


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (price_text(4_700), "0.4700"),
        (price_text(1), "0.0001"),
        (price_text(10_000), "1.0000"),
        (count_text(1_000), "10.00"),
        (count_text(1), "0.01"),
        (count_text(-150), "-1.50"),
        (money_text(17_500), "0.017500"),
        (money_text(-1), "-0.000001"),
        (money_text(0), "0.000000"),
    ],
)
def test_numbers_are_written_as_the_exchange_writes_them(written: str, expected: str) -> None:
    assert written == expected


@PROPERTY
@given(ANY)
def test_what_is_written_is_exactly_the_number(number: int) -> None:
    assert Decimal(price_text(number)) * DOLLAR == number
    assert Decimal(count_text(number)) * CONTRACT == number
    assert Decimal(money_text(number)) * MONEY_DOLLAR == number


def test_a_bid_adds_to_the_position_and_its_opposite_is_an_ask() -> None:
    assert (Side.BID.sign, Side.ASK.sign) == (1, -1)
    assert (Side.BID.opposite, Side.ASK.opposite) == (Side.ASK, Side.BID)
