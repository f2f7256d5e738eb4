"""Markets as texts for REST bodies (protocol section 8): a client may ask for ten thousand of them at once.

Each text is kept, and what it says is compared with the market before it is used again: the terms, which
change rarely, and what is traded. The book goes by its clock there: no two actions of the exchange share one,
and every level that an action changes brings it along.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

import msgspec

from mm.sim.matching import Book
from mm.sim.rest_market_bodies import market_terms_body
from mm.sim.rest_numbers import count_text, price_text
from mm.sim.venue import Venue
from mm.sim.words import PRICE_ONE, Market

_NAMES = ("ticker", "event_ticker", "market_id")  # a market keeps them for ever
_TRADED = ("clock", "last_price", "volume", "open_interest")
_UNTOLD = ("dollar_volume", "last_trade_size")
# All the rest are terms. Their values are immutable, so that equal ones make the same text.
_terms_of = attrgetter(*(one.name for one in fields(Market) if one.name not in (*_NAMES, *_TRADED, *_UNTOLD)))
_traded_of = attrgetter(*_TRADED)
_EMPTY = (0, 0)


@dataclass(slots=True)
class _Kept:
    """A text, what it was made of, and how much of it (bytes) is about the terms."""

    terms: tuple[Any, ...]
    traded: tuple[Any, ...]
    text: bytes
    head: int


class MarketTexts:
    """The markets of one venue. ``liquidity``: also the dropped ``liquidity_dollars``, which one client still
    demands."""

    def __init__(self, venue: Venue, *, liquidity: bool) -> None:
        self._book = venue.crowd.book
        self._end = b',"liquidity_dollars":"0.0000"}' if liquidity else b"}"
        self._kept: dict[str, _Kept] = {}

    def of(self, markets: Iterable[Market]) -> msgspec.Raw:
        """A JSON array of them."""
        return msgspec.Raw(b"[%b]" % b",".join(self.texts(markets)))

    def one(self, market: Market) -> msgspec.Raw:
        """A JSON object."""
        return msgspec.Raw(self._text(market))

    def texts(self, markets: Iterable[Market]) -> list[bytes]:
        """A JSON object each."""
        return [self._text(one) for one in markets]

    def _text(self, market: Market) -> bytes:
        kept, terms, traded = self._kept.get(market.ticker), _terms_of(market), _traded_of(market)
        if kept is None or kept.terms != terms:
            head = msgspec.json.encode(market_terms_body(market)).removesuffix(b"}")
        elif kept.traded != traded:
            head = kept.text[: kept.head]
        else:
            return kept.text
        text = head + _traded(market, self._book(market.ticker)) + self._end
        self._kept[market.ticker] = _Kept(terms, traded, text, len(head))
        return text


def between(start: bytes, pieces: list[bytes], end: bytes) -> list[bytes]:
    """Pieces that, joined by commas, are ``pieces`` inside of ``start`` and ``end``. A body of megabytes is
    put together from such pieces in one step, so that it is copied once."""
    first, *more = pieces or [b""]
    framed = [start + first, *more]
    framed[-1] += end
    return framed


def _traded(market: Market, book: Book) -> bytes:
    """An empty side reads 0 (bid) or 1 (ask) with size 0.00; a market that never had a book reads YES ask 0,
    NO bid 1 and NO ask 1 (protocol section 8, recorded)."""
    bid, bid_size = book.bids.top or _EMPTY
    ask, ask_size = book.asks.top or (PRICE_ONE if market.clock else 0, 0)
    volume = count_text(market.volume)
    return (
        f',"yes_bid_dollars":"{price_text(bid)}","yes_bid_size_fp":"{count_text(bid_size)}"'
        f',"yes_ask_dollars":"{price_text(ask)}","yes_ask_size_fp":"{count_text(ask_size)}"'
        f',"no_bid_dollars":"{price_text(PRICE_ONE - ask)}","no_ask_dollars":"{price_text(PRICE_ONE - bid)}"'
        f',"last_price_dollars":"{price_text(market.last_price)}"'
        f',"volume_fp":"{volume}","volume_24h_fp":"{volume}"'
        f',"open_interest_fp":"{count_text(market.open_interest)}"'
    ).encode()
