"""The exchange's decimal strings and time stamps, read into the exact integers of the core.

Sources: protocol section 3 (four decimals for a price, two for a count, six for money; counts and prices
are also accepted with fewer). Nothing here goes through a float.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from mm.core.units import DOLLAR, MILLISECOND, SECOND, Count, Money, Nanos, Price

_DECIMAL = re.compile(r"(-?)([0-9]{1,12})(?:\.([0-9]{1,12}))?", re.ASCII)
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,12}))?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)
_CACHE_LIMIT = 20_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_MILLISECOND = 4_102_444_800_000  # the year 2100: a time beyond it is a wrong unit, not a time
_prices: dict[str, Price] = {}
_counts: dict[str, Count] = {}


class NumberError(ValueError):
    """A text that is not the number or time that was promised."""


def parse_decimal(text: str, decimals: int) -> int:
    """``text`` times ten to the power of ``decimals``, exactly.

    At most 12 digits on either side; further decimals only if they are zeros.
    :raises NumberError: for NaN, exponents, blanks, signs other than one minus, or too fine a number.
    """
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise NumberError(f"not a decimal number: {text[:40]!r}")
    sign, whole, fraction = match[1], match[2], match[3] or ""
    if fraction[decimals:].strip("0"):
        raise NumberError(f"finer than {decimals} decimals: {text!r}")
    value = int(whole + fraction[:decimals].ljust(decimals, "0"))
    return -value if sign else value


def _remember(cache: dict[str, int], text: str, value: int) -> int:
    """Few distinct texts make up nearly all traffic; a full cache starts anew instead of growing."""
    if len(cache) >= _CACHE_LIMIT:
        cache.clear()
    cache[text] = value
    return value


def parse_price(text: str) -> Price:
    """Dollars from "0.0000" to "1.0000", both included (empty sides and range ends are written so).

    :raises NumberError: if it is no such number.
    """
    known = _prices.get(text)
    if known is not None:
        return known
    value = parse_decimal(text, 4)
    if not 0 <= value <= DOLLAR:
        raise NumberError(f"a price outside 0 to 1 dollar: {text!r}")
    return _remember(_prices, text, value)


def parse_order_price(text: str) -> Price:
    """A price at which something can rest or trade: strictly between 0 and 1 dollar.

    :raises NumberError: otherwise.
    """
    price = _prices.get(text)
    if price is None:
        price = parse_price(text)
    if not 0 < price < DOLLAR:
        raise NumberError(f"not strictly between 0 and 1 dollar: {text!r}")
    return price


def parse_count(text: str) -> Count:
    """Signed contracts with up to two decimals.

    :raises NumberError: if it is no such number.
    """
    known = _counts.get(text)
    if known is not None:
        return known
    return _remember(_counts, text, parse_decimal(text, 2))


def parse_size(text: str) -> Count:
    """Contracts, not negative.

    :raises NumberError: if it is no such number.
    """
    count = parse_count(text)
    if count < 0:
        raise NumberError(f"a negative size: {text!r}")
    return count


def parse_money(text: str) -> Money:
    """Signed dollars with up to six decimals.

    :raises NumberError: if it is no such number.
    """
    return parse_decimal(text, 6)


def parse_time(text: str) -> Nanos:
    """An RFC 3339 time stamp, as nanoseconds since the epoch; finer digits than that are cut off.

    :raises NumberError: if it is no such time.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise NumberError(f"not an RFC 3339 time: {text[:40]!r}")
    day, clock, fraction, zone = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{'+00:00' if zone in 'Zz' else zone}")
    except ValueError as error:
        raise NumberError(f"no such time: {text!r}") from error
    whole = (moment - _EPOCH) // timedelta(seconds=1)
    return whole * SECOND + int((fraction or "").ljust(9, "0")[:9])


def from_milliseconds(value: int) -> Nanos:
    """Milliseconds since the epoch.

    :raises NumberError: for a negative value, or one beyond the year 2100.
    """
    if not 0 <= value <= _LATEST_MILLISECOND:
        raise NumberError(f"no time in milliseconds: {value}")
    return value * MILLISECOND


def from_seconds(value: int) -> Nanos:
    """Seconds since the epoch.

    :raises NumberError: for a negative value, or one beyond the year 2100.
    """
    return from_milliseconds(value * 1_000)
