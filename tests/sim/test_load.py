"""Many busy markets: what `Load` makes of them, and a server that has more to do than it can."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from websockets.frames import Frame, Opcode
from websockets.sync.client import ClientConnection

from mm.sim.exchange import Exchange
from mm.sim.load import DAY, Load, load_world
from mm.sim.server_stream import _header
from mm.sim.venue import Venue
from mm.sim.words import BookChanged, OrderRequest, Traded
from tests.sim.doors import WAIT_S, Door, Listener, Member, opened, wait_until

START = 1_790_596_800 * 1_000_000_000
SECOND = 1_000_000_000


def loaded(markets: int, rate: int, now: int = START, user: str = "eve") -> tuple[Exchange, Load]:
    venue = Venue(seed=1, now=now)
    load = load_world(venue, 7, markets, rate, user_id=user)
    exchange = Exchange(venue, random=random.Random(1))
    exchange.crowds.append(load)
    return exchange, load


def seen(exchange: Exchange) -> list[Any]:
    heard: list[Any] = []
    exchange.venue.listeners.add(heard.append)
    return heard


def test_books_change_as_often_as_asked_for_and_all_of_them() -> None:
    exchange, _ = loaded(20, 1_000)
    heard = seen(exchange)
    exchange.advance(START + 4 * SECOND)
    changes = Counter(one.ticker for one in heard if isinstance(one, BookChanged))
    assert changes.total() == pytest.approx(4_000, rel=0.05)
    assert len(changes) == 20
    assert max(changes.values()) < 2 * min(changes.values())
    assert any(isinstance(one, Traded) for one in heard)
    exchange.venue.check()


def test_the_same_seed_makes_the_same_market() -> None:
    stories = []
    for _ in range(2):
        exchange, _ = loaded(5, 500)
        heard = seen(exchange)
        exchange.advance(START + 2 * SECOND)
        stories.append(heard)
    assert stories[0] == stories[1]


def test_a_rate_of_nothing_leaves_the_books_as_they_are() -> None:
    exchange, load = loaded(3, 0)
    heard = seen(exchange)
    exchange.advance(START + 60 * SECOND)
    assert heard == []
    assert exchange.next_wake() == START + DAY
    for market in load.markets:
        assert all(exchange.venue.best(market.ticker).values())


def test_members_trade_with_it_and_are_paid_at_the_end() -> None:
    exchange, load = loaded(1, 0)
    ticker = load.markets[0].ticker
    request = OrderRequest(ticker, "bid", 100, 9_900, "immediate_or_cancel", "taker_at_cross")
    assert exchange.venue.create("eve", request).fill_count == 100
    exchange.advance(START + DAY + 3_600 * SECOND)
    market = exchange.venue.markets[ticker]
    assert market.status == "finalized"
    assert market.result == ("yes" if load.markets[0].middle >= 5_000 else "no")
    assert exchange.venue.settlements_of("eve")[0].yes_count == 100
    exchange.venue.check()


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65_535, 65_536])
def test_frames_are_framed_as_another_library_frames_them(length: int) -> None:
    payload = b"x" * length
    assert _header(length) + payload == Frame(Opcode.TEXT, payload).serialize(mask=False)


@contextmanager
def busy_door(rate: int, most_backlog: int = 100_000_000) -> Iterator[tuple[Door, list[str]]]:
    venue = Venue(seed=1, now=time.time_ns())
    load = load_world(venue, 7, 10, rate, user_id="ann")
    with opened(
        venue, most_backlog=most_backlog, prepare=lambda exchange: exchange.crowds.append(load)
    ) as door:
        door.keys.max_skew_ns = 3_600 * SECOND  # who has much to do looks late at what was signed long ago
        yield door, [market.ticker for market in load.markets]


@contextmanager
def listening(door: Door, tickers: list[str], *, narrow: bool = False) -> Iterator[ClientConnection]:
    member = Member("ann", door)
    with member.dial(narrow=narrow, compression=None, max_queue=16, close_timeout=0) as stream:
        Listener(stream).subscribe("orderbook_delta", market_tickers=tickers)
        yield stream


def test_frames_that_leave_together_arrive_whole_and_in_order() -> None:
    with busy_door(5_000) as (door, tickers), listening(door, tickers) as stream:
        frames = [json.loads(stream.recv(timeout=WAIT_S)) for _ in range(400)]
    assert frames[0]["type"] == "subscribed"
    assert [frame["seq"] for frame in frames[1:]] == list(range(1, 400))
    assert {frame["type"] for frame in frames[1:]} == {"orderbook_snapshot", "orderbook_delta"}


def test_who_has_more_to_do_than_it_can_still_answers_and_sends() -> None:
    with busy_door(200_000) as (door, tickers), listening(door, tickers) as stream:
        ann = Member("ann", door)
        for number in range(3):
            assert ann.ask("GET", "/portfolio/balance").status_code == 200
            for _ in range(10):
                frame = json.loads(stream.recv(timeout=WAIT_S))
            assert frame["seq"] == 10 * (number + 1) - 1


def test_who_does_not_read_is_told_so_and_costs_no_more_memory() -> None:
    with busy_door(20_000, most_backlog=200_000) as (door, tickers):
        with listening(door, tickers, narrow=True) as slow:
            frames = [json.loads(slow.recv(timeout=WAIT_S))]
            assert frames[0]["type"] == "subscribed"
            wait_until(lambda: not any(door.exchange._stream._of_market.values()))
            frames += Listener(slow).until(lambda frame: frame["type"] == "error")
        assert frames[-1]["msg"]["code"] == 25
        assert frames[-1]["seq"] == frames[-2]["seq"] + 1
