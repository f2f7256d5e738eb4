"""What events are made of where a number is not enough: levels of a book, fee rates, positions in a read."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from mm.core.units import Count, Money, Price

Levels: TypeAlias = tuple[tuple[Price, Count], ...]


class FeeSchedule(msgspec.Struct, frozen=True, gc=False):
    """Fee rates in millionths of ``count * price * (1 - price)``: 70,000 is the 0.07 of the published
    taker formula, 17,500 the 0.0175 of the maker's (protocol section 12), multiplier already applied."""

    taker_ppm: int
    maker_ppm: int


class PositionReport(msgspec.Struct, frozen=True, gc=False):
    """One row of the exchange's positions: signed ``position``, ``cost`` of the open position (>= 0:
    price paid for YES, or 1 - price for NO), realized P&L and fees of the market so far."""

    ticker: str
    position: Count
    cost: Money
    realized: Money
    fees: Money
