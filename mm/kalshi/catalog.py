"""Reading markets, with the events and series that they belong to, as conversations.

Fees hang on the series and can be overridden by the event (protocol section 12), so a market alone is
never enough. Source: protocol section 8.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TypeVar
from urllib.parse import quote

import msgspec

from mm.core.events import MarketStatus
from mm.kalshi.conversation import Conversation, HttpResponse, ReadError, get, pages
from mm.kalshi.fees import FeeError
from mm.kalshi.listing import (
    EventRow,
    Listings,
    MarketRow,
    MarketsPage,
    Remnant,
    RowName,
    SeriesRow,
    remnant,
    to_listing,
)
from mm.kalshi.numbers import NumberError
from mm.kalshi.wire import UNREADABLE

TICKERS_AT_ONCE: Final = 50
LONGEST_REASON: Final = 300
NOT_LISTED: Final = "the exchange does not list it"
T = TypeVar("T")


class _EventAnswer(msgspec.Struct):
    event: EventRow


class _SeriesAnswer(msgspec.Struct):
    series: SeriesRow


_markets = msgspec.json.Decoder(MarketsPage).decode
_market = msgspec.json.Decoder(MarketRow).decode
_remnant = msgspec.json.Decoder(Remnant).decode
_name = msgspec.json.Decoder(RowName).decode
_event = msgspec.json.Decoder(_EventAnswer).decode
_series = msgspec.json.Decoder(_SeriesAnswer).decode


def read_markets(tickers: Sequence[str], *, may_be_missing: bool = False) -> Conversation[Listings]:
    """These markets, in this order. One that does not exist is an error, or ``may_be_missing``: then it is
    one of the unread.

    :raises ReadError: if one of them does not exist (code "no_such_market"), or there is no answer.
    """
    wanted = list(dict.fromkeys(tickers))
    found = _Rows()
    response: HttpResponse | None = None
    for start in range(0, len(wanted), TICKERS_AT_ONCE):
        chunk = ",".join(wanted[start : start + TICKERS_AT_ONCE])
        response, answers = yield from pages("/markets", _markets, {"tickers": chunk})
        found.take(answers)
    if response is None:
        return Listings()
    missing = [ticker for ticker in wanted if ticker not in found]
    if missing and not may_be_missing:
        raise ReadError(response, "no_such_market", ", ".join(missing)[:LONGEST_REASON])
    found.unread.update(dict.fromkeys(missing, NOT_LISTED))
    return (yield from _listings(response, found, wanted))


def read_event_markets(event_ticker: str) -> Conversation[Listings]:
    """All markets of an event, by ticker.

    :raises ReadError: if there is no answer.
    """
    response, answers = yield from pages("/markets", _markets, {"event_ticker": event_ticker})
    return (yield from _listings(response, _Rows(answers)))


def read_series_markets(series_ticker: str, status: str = "open") -> Conversation[Listings]:
    """The markets of a series which are unopened, open, paused, closed or settled; by ticker.

    :raises ReadError: if there is no answer.
    """
    query = {"series_ticker": series_ticker, "status": status}
    response, answers = yield from pages("/markets", _markets, query)
    return (yield from _listings(response, _Rows(answers)))


def read_open_markets(status: str = "open") -> Conversation[Listings]:
    """All markets of the exchange in this state, without combinations: thousands on a real one; by ticker.

    :raises ReadError: if there is no answer.
    """
    response, answers = yield from pages("/markets", _markets, {"status": status, "mve_filter": "exclude"})
    return (yield from _listings(response, _Rows(answers)))


class _Rows:
    """Of some pages, by ticker; ``unread``: why a row could not be understood, ``remnants`` what is left."""

    def __init__(self, answers: Iterable[MarketsPage] = ()) -> None:
        self.by_ticker: dict[str, MarketRow] = {}
        self.unread: dict[str, str] = {}
        self.remnants: dict[str, MarketStatus] = {}
        self.take(answers)

    def __contains__(self, ticker: str) -> bool:
        return ticker in self.by_ticker or ticker in self.unread

    def take(self, answers: Iterable[MarketsPage]) -> None:
        for raw in (raw for page in answers for raw in page.markets or ()):
            try:
                row = _market(raw)
                self.by_ticker[row.ticker] = row
            except UNREADABLE as error:
                left = _left_of(raw)
                self.unread[left.ticker] = str(error)[:LONGEST_REASON]
                self.remnants[left.ticker] = remnant(left, fees_known=True)


def _left_of(raw: msgspec.Raw) -> RowName:
    for decode in (_remnant, _name):
        try:
            return decode(raw)
        except UNREADABLE:
            continue
    return RowName()


def _listings(
    response: HttpResponse, found: _Rows, order: Sequence[str] | None = None
) -> Conversation[Listings]:
    """Of what is ``found``, in this order, or by ticker."""
    rows = [found.by_ticker[t] for t in order or sorted(found.by_ticker) if t in found.by_ticker]
    events: dict[str, EventRow | str] = {}
    series: dict[str, SeriesRow | str] = {}
    for ticker in dict.fromkeys(row.event_ticker for row in rows):
        events[ticker] = yield from _read_event(ticker)
    for ticker in dict.fromkeys(e.series_ticker for e in events.values() if isinstance(e, EventRow)):
        series[ticker] = yield from _read_series(ticker)
    listings = Listings((), found.unread, found.remnants)
    for row in rows:
        fees_known = True
        try:
            event = _known(events[row.event_ticker])
            terms = _known(series[event.series_ticker])
            listings.append(to_listing(row, event, terms, response.ts))
            continue
        except FeeError as error:
            fees_known, why = False, str(error)
        except NumberError as error:
            why = str(error)
        listings.unread[row.ticker] = why[:LONGEST_REASON]
        listings.remnants[row.ticker] = remnant(row, fees_known=fees_known)
    return listings


def _known(row: T | str) -> T:
    """Whose fees cannot be read has none that are known."""
    if isinstance(row, str):
        raise FeeError(row)
    return row


def _read_event(ticker: str) -> Conversation[EventRow | str]:
    """The row, or why there is none."""
    try:
        _, answer = yield from get(f"/events/{quote(ticker, safe='')}", _event)
    except ReadError as error:
        return _why_unread(f"event {ticker}", error)
    return answer.event


def _read_series(ticker: str) -> Conversation[SeriesRow | str]:
    """The row, or why there is none."""
    try:
        _, answer = yield from get(f"/series/{quote(ticker, safe='')}", _series)
    except ReadError as error:
        return _why_unread(f"series {ticker}", error)
    return answer.series


def _why_unread(what: str, error: ReadError) -> str:
    """What is wrong with this one thing is said; what is wrong with the exchange is raised."""
    if error.status == 404 or error.code == "unreadable":
        return f"{what}: {error}"
    raise error
