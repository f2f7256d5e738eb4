"""Decimal strings and times: exact, or refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm.core.units import count_text, money_text, price_text
from mm.kalshi import numbers
from mm.kalshi.numbers import NumberError


@given(st.integers(0, 10_000))
@settings(deadline=None)
def test_a_price_survives_being_written_and_read(price: int) -> None:
    assert numbers.parse_price(price_text(price)) == price


@given(st.integers(-(10**13), 10**13))
@settings(deadline=None)
def test_counts_and_money_survive_being_written_and_read(value: int) -> None:
    assert numbers.parse_count(count_text(value)) == value
    assert numbers.parse_money(money_text(value)) == value


@pytest.mark.parametrize(
    ("text", "count"), [("10", 1_000), ("10.5", 1_050), ("-54.00", -5_400), ("0.01", 1), ("3.1400", 314)]
)
def test_fewer_decimals_and_further_zeros_are_read(text: str, count: int) -> None:
    assert numbers.parse_count(text) == count


@pytest.mark.parametrize(
    "text",
    [
        *("", " 1", "1 ", "+1", "--1", ".5", "5.", "1e3", "NaN", "Infinity", "1,000", "0x10", "١", "1.001"),
        *("1_0", "9" * 13, "1." + "0" * 13, "\n1", "1\n"),
    ],
)
def test_what_is_no_plain_decimal_is_refused(text: str) -> None:
    with pytest.raises(NumberError):
        numbers.parse_count(text)


@pytest.mark.parametrize("text", ["-0.0100", "1.0001", "0.00001", "2"])
def test_prices_outside_the_dollar_or_finer_than_its_grid_are_refused(text: str) -> None:
    with pytest.raises(NumberError):
        numbers.parse_price(text)


@pytest.mark.parametrize("text", ["0.0000", "1.0000"])
def test_an_end_of_the_range_is_a_price_but_not_of_an_order(text: str) -> None:
    assert numbers.parse_price(text) in (0, 10_000)
    with pytest.raises(NumberError):
        numbers.parse_order_price(text)


@pytest.mark.parametrize(
    ("text", "nanos"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-06-11T06:29:20.866753Z", 1_781_159_360_866_753_000),
        ("2026-06-11T08:29:20.866753+02:00", 1_781_159_360_866_753_000),
        ("2026-06-11T06:29:20.8667531234Z", 1_781_159_360_866_753_123),
        ("1969-12-31T23:59:59.5Z", -500_000_000),
    ],
)
def test_times_are_read_to_the_nanosecond(text: str, nanos: int) -> None:
    assert numbers.parse_time(text) == nanos


@pytest.mark.parametrize(
    "text", ["", "2026-06-11", "2026-13-11T00:00:00Z", "2026-06-11T06:29:20", "2026-06-11T06:29:61Z", "now"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(NumberError):
        numbers.parse_time(text)


@given(st.datetimes(timezones=st.just(UTC)))
@settings(deadline=None)
def test_every_time_that_python_writes_is_read(moment: datetime) -> None:
    whole = numbers.parse_time(moment.isoformat()) // 1_000
    assert whole == (moment - datetime(1970, 1, 1, tzinfo=UTC)) // (datetime.resolution)


@given(st.text(max_size=40))
@settings(deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    for parse in (numbers.parse_price, numbers.parse_count, numbers.parse_money, numbers.parse_time):
        try:
            assert isinstance(parse(text), int)
        except NumberError:
            continue


def test_the_memory_of_numbers_stays_small() -> None:
    for value in range(50_000):
        numbers.parse_count(count_text(value))
    assert len(numbers._counts) <= numbers._CACHE_LIMIT


@pytest.mark.parametrize("value", [-1, 10**15, 10**30])
def test_a_time_in_the_wrong_unit_is_refused(value: int) -> None:
    with pytest.raises(NumberError):
        numbers.from_milliseconds(value)
