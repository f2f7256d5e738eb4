"""How the exchange writes and reads numbers and times (protocol section 3): decimal strings, never floats."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from functools import lru_cache

from mm.sim.words import COUNT_ONE, MONEY_ONE, PRICE_ONE

SECOND = 1_000_000_000
MILLISECOND = 1_000_000
MICROSECOND = 1_000
LAST_SECOND = 253_402_300_799  # of the year 9999, the last one that a timestamp can be written for

_PRICES = [f"{price // PRICE_ONE}.{price % PRICE_ONE:04d}" for price in range(PRICE_ONE + 1)]
_PRICE_IN = re.compile(r"(\d{1,9})(?:\.(\d{2,4}))?", re.ASCII)
_COUNT_IN = re.compile(r"(\d{1,12})(?:\.(\d{1,2}))?", re.ASCII)


def price_text(price: int) -> str:
    """``"0.4700"`` for 4,700; a table, because every book change writes one. ``price``: 0 to 10,000."""
    return _PRICES[price]


@lru_cache(maxsize=16_384)
def count_text(count: int) -> str:
    """``"10.00"`` for 1,000; ``"-54.00"`` for -5,400; remembered, because the same sizes come again."""
    if count < 0:
        return "-" + count_text(-count)
    return f"{count // COUNT_ONE}.{count % COUNT_ONE:02d}"


def money_text(money: int) -> str:
    """``"0.017500"`` for 17,500: six decimals."""
    if money < 0:
        return "-" + money_text(-money)
    return f"{money // MONEY_ONE}.{money % MONEY_ONE:06d}"


def money_text_4(money: int) -> str:
    """``"98.0186"``: four decimals, what is below them cut off towards zero (protocol section 7, balance)."""
    if money < 0:
        return "-" + money_text_4(-money)
    return f"{money // MONEY_ONE}.{money % MONEY_ONE // 100:04d}"


def cents(money: int) -> int:
    """Whole cents, truncated towards zero: 98.0186 dollars is 9801 (protocol section 7)."""
    return money // 10_000 if money >= 0 else -(-money // 10_000)


def parse_price(text: str) -> int | None:
    """10,000ths of a dollar from 2-4 decimals, or None where the text is not such a number."""
    found = _PRICE_IN.fullmatch(text)
    if found is None:
        return None
    return int(found[1]) * PRICE_ONE + int((found[2] or "").ljust(4, "0"))


def parse_count(text: str) -> int | None:
    """100ths of a contract from 0-2 decimals, or None where the text is not such a number."""
    found = _COUNT_IN.fullmatch(text)
    if found is None:
        return None
    return int(found[1]) * COUNT_ONE + int((found[2] or "").ljust(2, "0"))


@lru_cache(maxsize=64)
def _second_text(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


@lru_cache(maxsize=64)
def time_text(ns: int) -> str:
    """RFC 3339 with microseconds: ``2026-06-11T06:29:20.866753Z``."""
    return f"{_second_text(ns // SECOND)}.{ns % SECOND // MICROSECOND:06d}Z"


@lru_cache(maxsize=4096)
def member_text(user_id: str) -> str:
    """A member as the exchange names him, by a UUID (AsyncAPI, user_order): always the same for a name."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, user_id))
