"""The list of markets is kept true while we run, whatever oddities the exchange lists beside ours."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pytest

from mm.app.discovery import Discovery
from mm.app.trade import LOOK_FOR_MARKETS_EVERY, factories
from mm.app.waiting import NotYet
from mm.config.load import load_config
from mm.config.settings import engine_settings
from mm.core.engine import Engine
from mm.core.events import AnyEvent, MarketAssigned, MarketState, MarketStatus
from mm.core.market import Market
from mm.core.units import SECOND
from mm.kalshi.conversation import Conversation, HttpRequest, HttpResponse
from mm.kalshi.fees import FeeTerms
from tests.kalshi.test_catalog import market

ROOT = Path(__file__).resolve().parents[2]
NOW = 1_000 * SECOND
TODAY = market("E-1", close_time="1970-01-02T00:00:00Z")
TOMORROW = market("E-2", close_time="1970-01-03T00:00:00Z", status="initialized")
T = TypeVar("T")


class Lists:
    """An exchange that only lists: ``rows`` by ticker, all of the event E and the series S. ``meanwhile``
    happens once, after the next list of markets has been drawn up and before it arrives."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows = {row["ticker"]: dict(row) for row in rows}
        self.event: dict[str, Any] = {"event_ticker": "E", "series_ticker": "S"}
        self.series: dict[str, Any] = {"ticker": "S", "fee_type": "quadratic", "fee_multiplier": 1}
        self.now = NOW
        self.meanwhile: Callable[[], object] | None = None
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
                meanwhile, self.meanwhile = self.meanwhile, None
                if meanwhile is not None:
                    meanwhile()
                request = conversation.send(HttpResponse(self.now, 200, body))
        except StopIteration as end:
            result: T = end.value
            return result

    def _body(self, request: HttpRequest) -> dict[str, Any]:
        query = dict(pair.split("=") for pair in request.query.split("&") if pair)
        if request.path == "/events/E":
            return {"event": self.event}
        if request.path == "/series/S":
            return {"series": self.series}
        words = {"open": ("active", None), "unopened": ("initialized",)}.get(query.get("status", ""))
        named = query.get("tickers", "").split("%2C")
        wanted = (
            row for row in self.rows.values() if (row["status"] in words if words else row["ticker"] in named)
        )
        return {"markets": list(wanted), "cursor": ""}


class Bot:
    """The search for the markets of a scope, and an engine that hears of what it finds."""

    def __init__(self, lists: Lists, **scope: str) -> None:
        scope = scope or {"series": '["S"]'}
        settings = {f"KMM__desks__DEFAULT__markets__{name}": value for name, value in scope.items()}
        config = load_config(ROOT / "config.yaml", settings)
        self.engine = Engine(engine_settings(config, "r", {}), factories(config))
        self.lists = lists
        believed = self.engine.know.markets.get
        self.discovery = Discovery(config, lists.read, lambda: lists.now, believed)

    def hear(self, events: Iterable[AnyEvent]) -> None:
        for event in events:
            self.engine.on_event(event)

    def start(self) -> Bot:
        events, listings = asyncio.run(self.discovery.first_look())
        assert self.discovery.terms == [listing.terms for listing in listings]
        self.hear(events)
        return self

    def look(self) -> list[MarketStatus]:
        """What it tells of markets when it is time for the next look."""
        self.lists.now += LOOK_FOR_MARKETS_EVERY
        events, _ = asyncio.run(self.discovery.look())
        self.hear(events)
        return [event for event in events if isinstance(event, MarketStatus)]

    @property
    def market(self) -> Market:
        """What the engine believes of E-1."""
        return self.engine.know.markets["E-1"]


def assigned(events: list[AnyEvent]) -> list[str]:
    return [event.ticker for event in events if isinstance(event, MarketAssigned)]


class Complaints:
    def __init__(self, texts: list[str]) -> None:
        self.failed = self.remarked = texts.append

    def succeeded(self) -> None:
        """As it should be."""

    def strange(self, markets: Mapping[str, str]) -> None:
        """Told to people elsewhere."""


def ignore(*_: object) -> None:
    """Whoever follows markets is not of interest here."""


def turns(
    bot: Bot, number: int, follow: Callable[[list[str], list[FeeTerms]], None] = ignore
) -> tuple[list[AnyEvent], list[str]]:
    """What so many looks of a running bot tell, and what they complain of."""
    events: list[AnyEvent] = []
    complaints: list[str] = []
    lists = bot.lists

    def emit(told: list[AnyEvent]) -> None:
        events.extend(told)
        bot.hear(told)

    async def run() -> None:
        lists.enough, lists.done = lists.looks + number, asyncio.Event()
        task = asyncio.create_task(
            bot.discovery.keep_looking(0, emit, follow, Complaints(complaints), lambda _: False, ignore)
        )
        await lists.done.wait()
        task.cancel()

    asyncio.run(asyncio.wait_for(run(), 60))
    return events, complaints


def test_the_markets_of_tomorrow_are_found_beside_one_that_nobody_understands() -> None:
    lists = Lists(TODAY)
    bot = Bot(lists).start()
    odd = market("E-0", status="active", price_ranges=None)
    lists.rows |= {"E-0": odd, "E-2": TOMORROW}
    events, complaints = turns(bot, 3)
    assert assigned(events) == ["E-2"]
    assert len(complaints) == 1 and "E-0" in complaints[0], "each once, not with every look"


def test_one_of_ours_that_is_listed_no_more_does_not_end_the_search() -> None:
    lists = Lists(TODAY)
    bot = Bot(lists).start()
    del lists.rows["E-1"]
    lists.rows["E-2"] = TOMORROW
    events, complaints = turns(bot, 2)
    assert assigned(events) == ["E-2"]
    assert len(complaints) == 1 and "E-1" in complaints[0]


def test_an_opening_is_told_although_a_market_named_in_the_configuration_is_gone() -> None:
    lists = Lists(TODAY, TOMORROW)
    bot = Bot(lists, tickers='["E-1", "E-2"]').start()
    del lists.rows["E-1"]
    lists.rows["E-2"] = {**TOMORROW, "status": "active"}
    assert [(status.ticker, status.state) for status in bot.look()] == [("E-2", MarketState.ACTIVE)]


def test_a_start_without_any_market_that_can_be_understood_waits_and_says_why() -> None:
    with pytest.raises(NotYet, match="E-1"):
        Bot(Lists({**TODAY, "price_ranges": None})).start()


def test_a_name_in_the_configuration_that_does_not_exist_is_named_at_the_start() -> None:
    with pytest.raises(NotYet, match="no_such_market E-9"):
        Bot(Lists(TODAY), tickers='["E-1", "E-9"]').start()
