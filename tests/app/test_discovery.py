"""The list of markets is kept true while we run, whatever oddities the exchange lists beside ours."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, TypeVar

import pytest

from mm.app.discovery import Discovery
from mm.app.waiting import NotYet
from mm.config.load import load_config
from mm.core.events import AnyEvent, MarketAssigned, MarketState, MarketStatus
from mm.core.units import SECOND
from mm.kalshi.conversation import Conversation, HttpRequest, HttpResponse
from tests.kalshi.test_catalog import market

ROOT = Path(__file__).resolve().parents[2]
NOW = 1_000 * SECOND
TODAY = market("E-1", close_time="1970-01-02T00:00:00Z")
TOMORROW = market("E-2", close_time="1970-01-03T00:00:00Z", status="initialized")
T = TypeVar("T")


class Lists:
    """An exchange that only lists: ``rows`` by ticker, all of the event E and the series S."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows = {row["ticker"]: row for row in rows}
        self.done, self.enough = asyncio.Event(), 0
        self._reads = 0

    @property
    def looks(self) -> int:
        """Each look reads the scope of the one desk, and then what has left it."""
        return (self._reads + 1) // 2

    async def read(self, conversation: Conversation[T]) -> T:
        self._reads += 1
        if self.looks > self.enough:  # one more has begun: those before are told
            self.done.set()
        try:
            request = next(conversation)
            while True:
                body = json.dumps(self._body(request)).encode()
                request = conversation.send(HttpResponse(NOW, 200, body))
        except StopIteration as end:
            result: T = end.value
            return result

    def _body(self, request: HttpRequest) -> dict[str, Any]:
        query = dict(pair.split("=") for pair in request.query.split("&") if pair)
        if request.path == "/events/E":
            return {"event": {"event_ticker": "E", "series_ticker": "S"}}
        if request.path == "/series/S":
            return {"series": {"ticker": "S", "fee_type": "quadratic", "fee_multiplier": 1}}
        words = {"open": ("active", None), "unopened": ("initialized",)}.get(query.get("status", ""))
        named = query.get("tickers", "").split("%2C")
        wanted = (
            row for row in self.rows.values() if (row["status"] in words if words else row["ticker"] in named)
        )
        return {"markets": list(wanted), "cursor": ""}


def discovery(lists: Lists, **scope: str) -> Discovery:
    scope = scope or {"series": '["S"]'}
    settings = {f"KMM__desks__DEFAULT__markets__{name}": value for name, value in scope.items()}
    return Discovery(load_config(ROOT / "config.yaml", settings), lists.read, lambda: NOW)


def assigned(events: list[AnyEvent]) -> list[str]:
    return [event.ticker for event in events if isinstance(event, MarketAssigned)]


class Complaints:
    def __init__(self, texts: list[str]) -> None:
        self.failed = self.remarked = texts.append

    def succeeded(self) -> None:
        """As it should be."""


def turns(watched: Discovery, lists: Lists, number: int) -> tuple[list[AnyEvent], list[str]]:
    """What so many looks of a running bot tell, and what they complain of."""
    events: list[AnyEvent] = []
    complaints: list[str] = []

    def ignore(*_: object) -> None:
        """Whoever follows markets is not of interest here."""

    async def run() -> None:
        lists.enough, lists.done = lists.looks + number, asyncio.Event()
        task = asyncio.create_task(
            watched.keep_looking(0, events.extend, ignore, Complaints(complaints), lambda _: False, ignore)
        )
        await lists.done.wait()
        task.cancel()

    asyncio.run(asyncio.wait_for(run(), 60))
    return events, complaints


def test_the_markets_of_tomorrow_are_found_beside_one_that_nobody_understands() -> None:
    lists = Lists(TODAY)
    watched = discovery(lists)
    asyncio.run(watched.first_look())
    odd = market("E-0", status="active", price_ranges=None)
    lists.rows |= {"E-0": odd, "E-2": TOMORROW}
    events, complaints = turns(watched, lists, 3)
    assert assigned(events) == ["E-2"]
    assert len(complaints) == 1 and "E-0" in complaints[0], "each once, not with every look"


def test_one_of_ours_that_is_listed_no_more_does_not_end_the_search() -> None:
    lists = Lists(TODAY)
    watched = discovery(lists)
    asyncio.run(watched.first_look())
    del lists.rows["E-1"]
    lists.rows["E-2"] = TOMORROW
    events, complaints = turns(watched, lists, 2)
    assert assigned(events) == ["E-2"]
    assert len(complaints) == 1 and "E-1" in complaints[0]


def test_an_opening_is_told_although_a_market_named_in_the_configuration_is_gone() -> None:
    lists = Lists(TODAY, TOMORROW)
    watched = discovery(lists, tickers='["E-1", "E-2"]')
    asyncio.run(watched.first_look())
    del lists.rows["E-1"]
    lists.rows["E-2"] = {**TOMORROW, "status": "active"}
    events, _ = turns(watched, lists, 1)
    told = [event for event in events if isinstance(event, MarketStatus)]
    assert [(status.ticker, status.state) for status in told] == [("E-2", MarketState.ACTIVE)]


def test_a_start_without_any_market_that_can_be_understood_waits_and_says_why() -> None:
    watched = discovery(Lists({**TODAY, "price_ranges": None}))
    with pytest.raises(NotYet, match="E-1"):
        asyncio.run(watched.first_look())


def test_a_name_in_the_configuration_that_does_not_exist_is_named_at_the_start() -> None:
    with pytest.raises(NotYet, match="no_such_market E-9"):
        asyncio.run(discovery(Lists(TODAY), tickers='["E-1", "E-9"]').first_look())
