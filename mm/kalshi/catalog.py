"""Reading markets, with the events and series that they belong to, as conversations.

Fees hang on the series and can be overridden by the event (protocol section 12), so a market alone is
never enough. Source: protocol section 8.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import quote

import msgspec

from mm.kalshi.conversation import Conversation, HttpResponse, ReadError, get, pages
from mm.kalshi.fees import FeeError
from mm.kalshi.listing import EventRow, MarketListing, MarketRow, MarketsPage, SeriesRow, to_listing
from mm.kalshi.numbers import NumberError

TICKERS_AT_ONCE: Final = 50


class _EventAnswer(msgspec.Struct):
    event: EventRow


class _SeriesAnswer(msgspec.Struct):
    series: SeriesRow


_markets = msgspec.json.Decoder(MarketsPage).decode
_event = msgspec.json.Decoder(_EventAnswer).decode
_series = msgspec.json.Decoder(_SeriesAnswer).decode


def read_markets(tickers: Sequence[str]) -> Conversation[list[MarketListing]]:
    """These markets, in this order.

    :raises ReadError: if one of them does not exist (code "no_such_market"), or anything cannot be read.
    """
    wanted = list(dict.fromkeys(tickers))
    rows: dict[str, MarketRow] = {}
    response: HttpResponse | None = None
    for start in range(0, len(wanted), TICKERS_AT_ONCE):
        chunk = ",".join(wanted[start : start + TICKERS_AT_ONCE])
        response, found = yield from pages("/markets", _markets, {"tickers": chunk})
        rows |= {row.ticker: row for row in _rows(found)}
    if response is None:
        return []
    missing = [ticker for ticker in wanted if ticker not in rows]
    if missing:
        raise ReadError(response, "no_such_market", ", ".join(missing)[:300])
    return (yield from _listings(response, [rows[ticker] for ticker in wanted]))


def read_event_markets(event_ticker: str) -> Conversation[list[MarketListing]]:
    """All markets of an event, by ticker.

    :raises ReadError: if anything cannot be read.
    """
    response, found = yield from pages("/markets", _markets, {"event_ticker": event_ticker})
    return (yield from _listings(response, _rows(found)))


def read_series_markets(series_ticker: str, status: str = "open") -> Conversation[list[MarketListing]]:
    """The markets of a series which are unopened, open, paused, closed or settled; by ticker.

    :raises ReadError: if anything cannot be read.
    """
    query = {"series_ticker": series_ticker, "status": status}
    response, found = yield from pages("/markets", _markets, query)
    return (yield from _listings(response, _rows(found)))


def read_open_markets(status: str = "open") -> Conversation[list[MarketListing]]:
    """All markets of the exchange in this state: thousands on a real one; by ticker.

    :raises ReadError: if anything cannot be read.
    """
    response, found = yield from pages("/markets", _markets, {"status": status})
    return (yield from _listings(response, _rows(found)))


def _rows(found: Iterable[MarketsPage]) -> list[MarketRow]:
    rows = {row.ticker: row for page in found for row in page.markets or ()}
    return [rows[ticker] for ticker in sorted(rows)]


def _listings(response: HttpResponse, rows: Sequence[MarketRow]) -> Conversation[list[MarketListing]]:
    events: dict[str, EventRow] = {}
    series: dict[str, SeriesRow] = {}
    for event_ticker in dict.fromkeys(row.event_ticker for row in rows):
        events[event_ticker] = yield from _read_event(event_ticker)
    for series_ticker in dict.fromkeys(event.series_ticker for event in events.values()):
        series[series_ticker] = yield from _read_series(series_ticker)
    try:
        return [
            to_listing(row, event, series[event.series_ticker], response.ts)
            for row, event in ((row, events[row.event_ticker]) for row in rows)
        ]
    except (NumberError, FeeError) as error:
        raise ReadError(response, "unreadable", str(error)[:300]) from error


def _read_event(ticker: str) -> Conversation[EventRow]:
    _, answer = yield from get(f"/events/{quote(ticker, safe='')}", _event)
    return answer.event


def _read_series(ticker: str) -> Conversation[SeriesRow]:
    _, answer = yield from get(f"/series/{quote(ticker, safe='')}", _series)
    return answer.series
