"""One market as the exchange lists it, in the core's words. Source: protocol sections 8 and 3.1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final

import msgspec

from mm.core.events import FeeSchedule, MarketState, MarketStatus
from mm.core.grid import PriceGrid
from mm.core.units import Count, Nanos, Price
from mm.kalshi import wire
from mm.kalshi.codec import known_grid, price_grid
from mm.kalshi.conversation import Page
from mm.kalshi.fees import FeeTerms
from mm.kalshi.numbers import NumberError, parse_price, parse_size, parse_time

STATES: Final = {
    "initialized": MarketState.UNOPENED,
    "inactive": MarketState.PAUSED,
    "active": MarketState.ACTIVE,
    "closed": MarketState.CLOSED,
    "determined": MarketState.DETERMINED,
    "disputed": MarketState.DETERMINED,
    "amended": MarketState.DETERMINED,
    "finalized": MarketState.SETTLED,
}


class MarketRow(msgspec.Struct):
    ticker: str
    event_ticker: str
    status: str
    open_time: str
    close_time: str
    yes_bid_dollars: str
    yes_ask_dollars: str
    yes_bid_size_fp: str
    yes_ask_size_fp: str
    volume_fp: str
    volume_24h_fp: str
    price_ranges: list[wire.PriceRange]
    settlement_value_dollars: str | None = None
    fee_waiver_expiration_time: str | None = None


class MarketsPage(Page, kw_only=True):
    """Rows are read one by one: one that cannot be understood is not all of them."""

    markets: list[msgspec.Raw] | None


class RowName(msgspec.Struct):
    """The least that is known of a row that cannot be understood."""

    ticker: str = ""


class Remnant(RowName):
    """What is left of such a row, if those are in order."""

    status: str = ""
    price_ranges: list[wire.PriceRange] | None = None
    settlement_value_dollars: str | None = None


class EventRow(msgspec.Struct):
    event_ticker: str
    series_ticker: str
    fee_type_override: str | None = None
    fee_multiplier_override: Decimal | None = None


class SeriesRow(msgspec.Struct):
    ticker: str
    fee_type: str
    fee_multiplier: Decimal


class MarketListing(msgspec.Struct, frozen=True):
    """``bid`` and ``ask`` are a price and a size, ``None`` for an empty side; ``liquidity`` is what rests
    at both. ``terms`` are the series' fees, ``fees`` what holds now."""

    ticker: str
    event_ticker: str
    series_ticker: str
    state: MarketState
    bid: tuple[Price, Count] | None
    ask: tuple[Price, Count] | None
    volume: Count
    volume_24h: Count
    liquidity: Count
    open_ts: Nanos
    close_ts: Nanos
    grid: PriceGrid
    fees: FeeSchedule
    terms: FeeTerms
    settlement_value: Price | None = None


class Listings(list[MarketListing]):
    """Markets in some order. ``unread``: others by ticker, and why they are not understood: the exchange
    lists thousands, and an odd one must not hide the rest. ``remnants``: what can still be said of these (at
    time 0), unless they are not listed at all."""

    def __init__(
        self,
        listings: Iterable[MarketListing] = (),
        unread: Mapping[str, str] = MappingProxyType({}),
        remnants: Mapping[str, MarketStatus] = MappingProxyType({}),
    ) -> None:
        super().__init__(listings)
        self.unread = dict(unread)
        self.remnants = dict(remnants)


def to_listing(market: MarketRow, event: EventRow, series: SeriesRow, now: Nanos) -> MarketListing:
    """What the three rows say together.

    :raises NumberError: for a number, time or status that is not known.
    :raises FeeError: for fee terms that are not known.
    """
    if market.status not in STATES:
        raise NumberError(f"unknown market status: {market.status[:40]!r}")
    waiver = market.fee_waiver_expiration_time
    terms = FeeTerms(
        market.ticker,
        market.event_ticker,
        series.fee_type,
        series.fee_multiplier,
        waived_until=0 if waiver is None else parse_time(waiver),
    )
    bid = _best(market.yes_bid_dollars, market.yes_bid_size_fp)
    ask = _best(market.yes_ask_dollars, market.yes_ask_size_fp)
    value = market.settlement_value_dollars
    return MarketListing(
        ticker=market.ticker,
        event_ticker=market.event_ticker,
        series_ticker=event.series_ticker,
        state=STATES[market.status],
        bid=bid,
        ask=ask,
        volume=parse_size(market.volume_fp),
        volume_24h=parse_size(market.volume_24h_fp),
        liquidity=sum(size for _, size in filter(None, (bid, ask))),
        open_ts=parse_time(market.open_time),
        close_ts=parse_time(market.close_time),
        grid=price_grid(market.price_ranges),
        fees=terms.schedule(now, event.fee_type_override, event.fee_multiplier_override),
        terms=terms,
        settlement_value=None if value is None or value == "" else parse_price(value),
    )


def _best(price: str, size: str) -> tuple[Price, Count] | None:
    """An empty side has any price and the size 0 (protocol section 8)."""
    count = parse_size(size)
    return (parse_price(price), count) if count else None


def to_status(listing: MarketListing, ts: Nanos) -> MarketStatus:
    """All that the listing says of the market besides its book."""
    return MarketStatus(
        ts,
        listing.ticker,
        state=listing.state,
        event_ticker=listing.event_ticker,
        series_ticker=listing.series_ticker,
        close_ts=listing.close_ts,
        grid=listing.grid,
        fees=listing.fees,
        settlement_value=listing.settlement_value,
        volume=listing.volume,
    )


def remnant(row: MarketRow | Remnant | RowName, *, fees_known: bool) -> MarketStatus:
    """What can be said of a market that is listed and not understood: its state, its grid and what it paid,
    where they are in words that are known. Without a state or a grid its terms are unknown, as without fees;
    an odd figure elsewhere does not concern them."""
    state = STATES.get(getattr(row, "status", ""))
    ranges, value = getattr(row, "price_ranges", None), getattr(row, "settlement_value_dollars", None)
    grid = None if ranges is None else known_grid(ranges)
    try:
        paid = parse_price(value) if value else None
    except NumberError:
        paid = None
    is_unknown = state is None or grid is None or not fees_known
    return MarketStatus(
        0, row.ticker, state=state, grid=grid, settlement_value=paid, terms_unknown=is_unknown
    )
