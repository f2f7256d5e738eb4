"""Numbers and times as the exchange writes and reads them."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm.sim.rest import Query, Refused
from mm.sim.rest_numbers import (
    cents,
    count_text,
    money_text,
    money_text_4,
    parse_count,
    parse_price,
    price_text,
    time_text,
)


@given(st.integers(0, 10_000))
def test_a_price_written_is_read_back(price: int) -> None:
    assert parse_price(price_text(price)) == price


@given(st.integers(0, 10**12))
def test_a_count_written_is_read_back(count: int) -> None:
    assert parse_count(count_text(count)) == count


@pytest.mark.parametrize(("text", "price"), [("0.56", 5600), ("0.5600", 5600), ("0.055", 550), ("1", 10_000)])
def test_prices_with_2_to_4_decimals_are_read(text: str, price: int) -> None:
    assert parse_price(text) == price


@pytest.mark.parametrize(("text", "count"), [("10", 1000), ("10.0", 1000), ("10.00", 1000), ("0.01", 1)])
def test_counts_with_0_to_2_decimals_are_read(text: str, count: int) -> None:
    assert parse_count(text) == count


@pytest.mark.parametrize(
    "text", ["", "-0.56", ".56", "0.5", "0.56000", "1e-1", " 0.56", "0.56\n", "٠.٥٦", "NaN"]
)
def test_what_is_no_price_is_none(text: str) -> None:
    assert parse_price(text) is None


@pytest.mark.parametrize("text", ["", "-1", "1.", "1.234", "1,0", "١", "1\n"])
def test_what_is_no_count_is_none(text: str) -> None:
    assert parse_count(text) is None


def test_money_is_written_in_six_four_and_no_decimals_cut_towards_zero() -> None:
    assert (money_text(17_500), money_text(-17_500)) == ("0.017500", "-0.017500")
    assert (money_text_4(98_018_699), money_text_4(-98_018_699)) == ("98.0186", "-98.0186")
    assert (cents(98_018_600), cents(-98_018_600)) == (9801, -9801)
    assert count_text(-5400) == "-54.00"


def test_a_time_is_written_with_microseconds() -> None:
    assert time_text(1_781_159_360_866_753_999) == "2026-06-11T06:29:20.866753Z"


@pytest.mark.parametrize("text", ["1_0", " 1", "1.0", "٣", "0x1", "--1", "9223372036854775808"])
def test_a_whole_number_of_a_query_is_one_of_the_exchanges_own_language(text: str) -> None:
    with pytest.raises(Refused) as caught:
        Query(f"limit={quote(text)}", "GetOrders").integer("limit")
    assert "'number' tag" in caught.value.body["msg"]


@pytest.mark.parametrize(
    ("text", "value"), [("10", 10), ("-1", -1), ("%2B7", 7), ("9223372036854775807", 2**63 - 1)]
)
def test_signs_and_the_largest_number_are_read(text: str, value: int) -> None:
    assert Query(f"limit={text}").integer("limit") == value
