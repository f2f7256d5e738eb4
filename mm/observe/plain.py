"""Exact units as the numbers that people and jq read: dollars, contracts, seconds.

Division of two integers is rounded correctly, so the shortest form of the float is
exactly the unit's decimals.
"""

from __future__ import annotations

import math
from decimal import Decimal

from mm.core.units import CONTRACT, DOLLAR, MILLISECOND, MONEY_DOLLAR, Count, Money, Nanos, Price


def dollars(price: Price) -> float:
    return price / DOLLAR


def contracts(count: Count) -> float:
    return count / CONTRACT


def amount(money: Money) -> float:
    """Money in dollars."""
    return money / MONEY_DOLLAR


def cents(value: float) -> str:
    """Dollars for people: to the nearest cent, without a sign before zero."""
    text = f"{value:.2f}"
    return "0.00" if text == "-0.00" else text


def milliseconds(duration: Nanos) -> float:
    return duration / MILLISECOND


def opinion(price: float | None) -> float | None:
    """An opinion in `Price` units as dollars to six decimals; None if there is none, or it is no number."""
    if price is None or not math.isfinite(price):
        return None
    return round(price / DOLLAR, 6)


def known(value: float | None) -> float | None:
    """None for what JSON cannot say."""
    return value if value is not None and math.isfinite(value) else None


def known_values(values: dict[str, float]) -> dict[str, float | None]:
    return {name: known(value) for name, value in values.items()}


def plain(value: float | None) -> str:
    """For a CSV cell: no exponent, nothing for None."""
    if value is None:
        return ""
    text = repr(value)
    return format(Decimal(text), "f") if "e" in text else text
