"""Order books as text, so that a test reads like the screen: ``book("56:100 57:40 | 59:30 60:100")``.

``cents:contracts``, bids left of the bar and asks right, in any order; either side may be empty.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from mm.core.events import FeeSchedule, Levels, Trade
from mm.core.grid import CENT_GRID, PriceGrid
from mm.core.strategy import MarketView
from mm.core.units import CENT, CONTRACT, SECOND, Count, Nanos, Price

NO_FEES = FeeSchedule(taker_ppm=0, maker_ppm=0)
MAKER_FEES = FeeSchedule(taker_ppm=70_000, maker_ppm=17_500)
HOUR: Nanos = 3_600 * SECOND


class Ladder(NamedTuple):
    """Both sides, best level first."""

    bids: Levels
    asks: Levels


def book(text: str) -> Ladder:
    """The levels of a text ladder; `ValueError` if a level is not ``cents:contracts`` or not exact."""
    bids, bar, asks = text.partition("|")
    if not bar:
        raise ValueError(f"a book has a bar between bids and asks: {text!r}")
    return Ladder(
        bids=tuple(sorted((_level(word) for word in bids.split()), reverse=True)),
        asks=tuple(sorted(_level(word) for word in asks.split())),
    )


def view(
    text: str,
    *,
    position: float = 0,
    max_position: float = 100,
    at_seconds: float = 0,
    time_to_close: Nanos | None = HOUR,
    grid: PriceGrid = CENT_GRID,
    fees: FeeSchedule = NO_FEES,
    trades: tuple[Trade, ...] = (),
    ticker: str = "KXTEST",
) -> MarketView:
    """What a strategy sees of ``book(text)``; positions in contracts, ``at_seconds`` since the start."""
    ladder = book(text)
    return MarketView(
        ticker=ticker,
        now=round(at_seconds * SECOND),
        bids=ladder.bids,
        asks=ladder.asks,
        position=round(position * CONTRACT),
        average_cost=0,
        max_position=round(max_position * CONTRACT),
        grid=grid,
        fees=fees,
        time_to_close=time_to_close,
        trades=trades,
    )


def _level(word: str) -> tuple[Price, Count]:
    cents, colon, contracts = word.partition(":")
    if not colon:
        raise ValueError(f"a level is cents:contracts, not {word!r}")
    return _exact(cents, CENT), _exact(contracts, CONTRACT)


def _exact(number: str, unit: int) -> int:
    scaled = Decimal(number) * unit
    if scaled != int(scaled):
        raise ValueError(f"{number} is finer than the exchange's smallest unit")
    return int(scaled)
