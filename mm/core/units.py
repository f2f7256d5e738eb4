"""Exact integer units. A price times a count is money, with no rounding step in between.

``Price`` is 1/10,000 dollar, ``Count`` 1/100 contract, ``Money`` 1/1,000,000 dollar, ``Nanos`` a time
or a duration in nanoseconds (times since the Unix epoch).
"""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias

Price: TypeAlias = int
Count: TypeAlias = int
Money: TypeAlias = int
Nanos: TypeAlias = int

DOLLAR: Price = 10_000
CENT: Price = 100
CONTRACT: Count = 100
MONEY_DOLLAR: Money = 1_000_000
SECOND: Nanos = 1_000_000_000
MILLISECOND: Nanos = 1_000_000


class Side(Enum):
    """The side of the one book, which is quoted on the YES leg. A NO bid at 0.44 is a YES ask at 0.56."""

    BID = "bid"
    ASK = "ask"

    def __init__(self, name: str) -> None:
        # +1 for a bid, -1 for an ask: what a fill of one unit does to the signed position.
        self.sign = 1 if name == "bid" else -1

    @property
    def opposite(self) -> Side:
        return Side.ASK if self is Side.BID else Side.BID


# Walking over the members of an Enum is slow; this is not.
SIDES = (Side.BID, Side.ASK)


def price_text(price: Price) -> str:
    """0.4700 for 4,700: the four decimals the exchange writes (protocol section 3)."""
    return f"{price // DOLLAR}.{price % DOLLAR:04d}" if price >= 0 else "-" + price_text(-price)


def count_text(count: Count) -> str:
    """10.00 for 1,000: the two decimals the exchange writes (protocol section 3)."""
    return f"{count // CONTRACT}.{count % CONTRACT:02d}" if count >= 0 else "-" + count_text(-count)


def money_text(money: Money) -> str:
    """0.017500 for 17,500 (protocol section 3)."""
    if money < 0:
        return "-" + money_text(-money)
    return f"{money // MONEY_DOLLAR}.{money % MONEY_DOLLAR:06d}"
