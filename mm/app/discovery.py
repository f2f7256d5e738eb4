"""Keeps the list of markets true while we run: new ones of the scope are assigned, and whatever the engine
believes wrongly is told, because the exchange announces neither opening nor close on the stream (protocol
section 14), and what it does announce there may be lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from msgspec.structs import replace

from mm.app.belief import Believed, is_news
from mm.app.errors import CannotRun
from mm.app.looking import named
from mm.app.scope import chosen, read_scope
from mm.app.waiting import NotYet, judged
from mm.config.model import Config
from mm.core.events import AnyEvent, MarketAssigned, MarketState, MarketStatus
from mm.core.units import SECOND, Nanos
from mm.kalshi.catalog import read_markets
from mm.kalshi.conversation import Conversation, ReadError
from mm.kalshi.fees import FeeTerms
from mm.kalshi.listing import Listings, MarketListing, to_status

Read = Callable[[Conversation[Listings]], Awaitable[Listings]]


class Told(Protocol):
    """Who hears how the search fares."""

    def failed(self, text: str) -> None: ...

    def succeeded(self) -> None: ...

    def remarked(self, text: str) -> None: ...

    def strange(self, markets: Mapping[str, str]) -> None: ...


class Discovery:
    """``read`` holds a conversation without blocking; ``clock`` is the one that dates the engine's events;
    ``believed`` is what the engine knows. `taken` is the desk of every market that has one, `terms` the fees
    of their series and `unread` why others could not be understood, both as of the last look."""

    def __init__(self, config: Config, read: Read, clock: Callable[[], Nanos], believed: Believed) -> None:
        self.taken: dict[str, str] = {}
        self.terms: list[FeeTerms] = []
        self.unread: dict[str, str] = {}
        self._config = config
        self._read = read
        self._clock = clock
        self._believed = believed
        self._listed: dict[str, MarketStatus] = {}

    async def first_look(self) -> tuple[list[AnyEvent], list[MarketListing]]:
        """As `look`, before anything is traded.

        :raises CannotRun: no market fits; `NotYet` if they could not be read and time may mend that.
        """
        try:
            events, listings = await self.look()
        except ReadError as error:
            raise judged("the markets could not be read", error) from None
        if not listings and self.unread:
            raise NotYet(_text_of(self.unread), "no market can be understood")
        if not listings:
            raise CannotRun("no market fits: see desks, markets and filter in the configuration")
        return events, listings

    async def look(self) -> tuple[list[AnyEvent], list[MarketListing]]:
        """What is news to the engine, and the listings that are new to us.

        :raises ReadError: if there was no answer; then nothing has changed.
        """
        is_running, began = bool(self.taken), self._clock()
        scopes = {
            name: await self._read(read_scope(desk.markets, may_be_missing=is_running))
            for name, desk in self._config.desks.items()
        }
        seen = {listing.ticker: listing for listings in scopes.values() for listing in listings}
        # A market that ended has left the scope's "open" lists: ask for it by name until it is settled.
        gone = [ticker for ticker in self.taken if ticker not in seen and not self._is_over(ticker)]
        rest = await self._read(read_markets(gone, may_be_missing=True))
        seen.update((listing.ticker, listing) for listing in rest)
        lists = (*scopes.values(), rest)
        self.unread = {k: why for found in lists for k, why in found.unread.items()}
        remnants = {k: status for found in lists for k, status in found.remnants.items() if k not in seen}
        events: list[AnyEvent] = []
        new: list[MarketListing] = []
        now = self._clock()
        for name, desk in self._config.desks.items():
            for ticker in chosen(desk, scopes[name], self.taken, now):
                self.taken[ticker] = name
                new.append(seen[ticker])
                events.append(MarketAssigned(now, ticker, name))
        statuses = {ticker: to_status(seen[ticker], now) for ticker in self.taken if ticker in seen}
        statuses |= {k: replace(left, ts=now) for k, left in remnants.items() if k in self.taken}
        events += [status for status in statuses.values() if self._is_news(status, began)]
        self._listed.update(statuses)
        self.terms = [seen[ticker].terms for ticker in self.taken if ticker in seen]
        return events, new

    def _is_news(self, status: MarketStatus, began: Nanos) -> bool:
        """Of a market that the engine has let go, or would not have, nothing is told twice."""
        market = self._believed(status.ticker)
        return status.ticker not in self._listed if market is None else is_news(status, market, began)

    def forget(self, has_retired: Callable[[str], bool]) -> list[str]:
        """The markets that are settled and that the engine has let go: they are not asked for again."""
        gone = [ticker for ticker in self.taken if self._is_over(ticker) and has_retired(ticker)]
        for ticker in gone:
            del self.taken[ticker], self._listed[ticker]
        return gone

    def _is_over(self, ticker: str) -> bool:
        listed = self._listed.get(ticker)
        if listed is None or listed.settlement_value is None:
            return False
        return listed.state is MarketState.SETTLED

    def strange(self) -> dict[str, str]:
        """The markets of ours that are not quoted because their terms are not understood, and why."""
        believed = ((ticker, self._believed(ticker)) for ticker in self.taken if not self._is_over(ticker))
        names = [ticker for ticker, market in believed if market is not None and market.terms_unknown]
        return {ticker: self.unread.get(ticker, "so the stream said") for ticker in names}

    async def keep_looking(
        self,
        every: Nanos,
        emit: Callable[[list[AnyEvent]], None],
        follow: Callable[[list[str], list[FeeTerms]], None],
        told: Told,
        has_retired: Callable[[str], bool],
        leave: Callable[[list[str]], None],
    ) -> None:
        """Look again and again; a read that fails is told, and tried at the next turn, and what cannot be
        understood is told when that is news. What the engine has let go is left. ``follow`` hears of what is
        new, and each time of the terms of all: an event's change of fees is one of the series', which change,
        too."""
        remarked: Mapping[str, str] = {}
        while True:
            await asyncio.sleep(every / SECOND)
            try:
                events, new = await self.look()
            except ReadError as error:
                told.failed(str(error))
                continue
            told.succeeded()
            if self.unread.keys() - remarked.keys():
                told.remarked(_text_of(self.unread))
            remarked = self.unread
            told.strange(self.strange())
            follow([listing.ticker for listing in new], self.terms)
            if events:
                emit(events)
            if gone := self.forget(has_retired):
                leave(gone)


def _text_of(unread: Mapping[str, str]) -> str:
    return f"markets that cannot be understood are left alone: {named(unread)}"
