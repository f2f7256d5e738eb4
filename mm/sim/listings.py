"""What is listed at the venue: series, their events, and the events' markets. `words` hands them on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

PRICE_ONE = 10_000  # one dollar in the unit of prices

MarketStatus: TypeAlias = Literal[
    "initialized", "inactive", "active", "closed", "determined", "disputed", "amended", "finalized"
]


@dataclass(frozen=True, slots=True)
class PriceRange:
    start: int
    end: int
    step: int


Grid: TypeAlias = tuple[PriceRange, ...]  # ascending; replaced as a whole where it changes


@dataclass(slots=True)
class Series:
    ticker: str
    title: str
    category: str = "Crypto"
    frequency: str = "fifteen_min"
    fee_type: str = "quadratic"
    fee_multiplier_ppm: int = 1_000_000
    updated_ns: int = 0
    exchange_index: int = 0


@dataclass(slots=True)
class Event:
    event_ticker: str
    series_ticker: str
    title: str
    mutually_exclusive: bool = False
    fee_type_override: str | None = None
    fee_multiplier_override_ppm: int | None = None
    updated_ns: int = 0
    exchange_index: int = 0


@dataclass(slots=True)
class Market:
    """Static terms and running figures of one market; the book itself is kept by the matching engine.

    ``dollar_volume`` is money (count times YES price of every trade); ``settlement_value`` a YES price;
    ``clock`` that of the last action which changed the book, 0 where none has."""

    ticker: str
    event_ticker: str
    market_id: str
    title: str
    open_ns: int
    close_ns: int
    price_level_structure: str = "linear_cent"
    price_ranges: Grid = (PriceRange(0, PRICE_ONE, 100),)
    settlement_timer_s: int = 60
    status: MarketStatus = "initialized"
    floor_strike: float | None = None
    cap_strike: float | None = None
    strike_type: str = "greater"
    last_price: int = 0
    volume: int = 0
    open_interest: int = 0
    dollar_volume: int = 0
    last_trade_size: int = 0
    clock: int = 0
    result: str = ""
    settlement_value: int | None = None
    determined_ns: int = 0
    settled_ns: int = 0
    created_ns: int = 0
    updated_ns: int = 0  # last change of anything but its trading figures
    exchange_index: int = 0
    fees_waived_until_ns: int = 0
    expiration_value: float | None = None  # what the market was determined by, where there was a number
