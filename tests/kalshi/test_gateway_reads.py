"""The gateway's reads: paced by the exchange's buckets, and over when the gateway is."""

from __future__ import annotations

from concurrent.futures import Future
from itertools import pairwise
from threading import Event, Thread
from typing import Any

import pytest

from mm.core.actions import QueryAccount
from mm.core.events import AccountReport, ApiError
from mm.core.units import SECOND
from mm.kalshi.catalog import read_open_markets
from mm.kalshi.conversation import Cost, ReadError
from mm.kalshi.limiter import Bucket
from tests.kalshi import rest_server
from tests.kalshi.rest_server import PATIENCE, Request
from tests.kalshi.test_gateway import desk_at

ACCOUNT = {
    "as_of_time": "2026-06-11T06:29:20Z",
    "orders": [],
    "fills": [],
    "market_positions": [],
    "cursor": "",
    "balance": 100,
}


def test_reads_wait_for_their_bucket() -> None:
    bucket, now, waits = Bucket(1_000, 100), [7 * SECOND], list[tuple[float, int]]()
    bucket.take(80, now[0])

    def pause(seconds: float) -> None:
        waits.append((seconds, len(server.seen)))
        now[0] += round(seconds * SECOND)

    options: dict[str, Any] = {"reads": bucket, "clock": lambda: now[0], "pause": pause}
    with desk_at(rest_server.html, **options) as (desk, server):
        assert isinstance(desk.ask(QueryAccount(1, 0)), ApiError)
        assert waits == [(0.0125, 0)], "10 tokens at 800 a second, before anything is sent"
        assert len(server.seen) == 1
        assert bucket.level(now[0]) == 0


def test_the_balance_is_read_once_a_second_at_most() -> None:
    """It has a bucket of its own (protocol section 7), and two reads of the account may follow each other
    closely: the first was slow, or the last look follows the end."""
    now, read_at = [7 * SECOND], list[int]()

    def pause(seconds: float) -> None:
        now[0] += round(seconds * SECOND)

    def behave(request: Request) -> None:
        if "balance" in request.path:
            read_at.append(now[0])
        request.reply(200, ACCOUNT)

    with desk_at(behave, reads=Bucket(1_000, 1_000), clock=lambda: now[0], pause=pause) as (desk, _):
        for number in (1, 2, 3):
            assert isinstance(desk.ask(QueryAccount(number, 0)), AccountReport)
    assert all(later - earlier >= SECOND for earlier, later in pairwise(read_at)), read_at


def test_reads_cost_what_the_exchange_says() -> None:
    bucket, waits = Bucket(1_000, 100), list[float]()
    bucket.take(80, 0)
    with desk_at(rest_server.html, reads=bucket, clock=lambda: 0, pause=waits.append) as (desk, _):
        desk.gateway.learn(1_000, 100, {Cost.READ: 40})
        assert isinstance(desk.ask(QueryAccount(1, 0)), ApiError)
    assert waits == [0.05], "40 tokens at 800 a second"


def test_a_429_to_a_read_empties_its_bucket_and_no_other() -> None:
    bucket, waits = Bucket(1_000, 1_000), list[float]()
    refused = ""

    def behave(request: Request) -> None:
        is_refused = refused in request.path
        request.reply(429, {"error": "too many requests"}) if is_refused else request.reply(200, ACCOUNT)

    with desk_at(behave, reads=bucket, clock=lambda: 7, pause=waits.append) as (desk, _):
        refused = "balance"
        assert isinstance(desk.ask(QueryAccount(1, 0)), ApiError)
        assert desk.gateway.was_told_too_many.is_set()
        assert bucket.level(7) == 800 - 4 * 10, "four reads, and then the balance"
        refused = "user_data_timestamp"
        assert isinstance(desk.ask(QueryAccount(2, 0)), ApiError)
        assert bucket.level(7) == 0
        waits.clear()
        refused = "nothing"
        desk.ask(QueryAccount(3, 0))
        assert waits[0] == 0.0125, "it waits for what it needs"


def test_a_long_read_ends_with_the_gateway() -> None:
    """A stop must not wait for a list of hundreds of pages that somebody is still reading."""
    reached, may_go_on = Event(), Event()

    def behave(request: Request) -> None:
        number = len(request.server.seen)
        if number == 3:
            reached.set()
            may_go_on.wait(PATIENCE)
        request.reply(200, {"markets": [], "cursor": str(number) if number < 40 else ""})

    with desk_at(behave) as (desk, server):
        read: Future[object] = Future()

        def run() -> None:
            try:
                read.set_result(desk.gateway.run(read_open_markets()))
            except ReadError as error:
                read.set_exception(error)

        reader = Thread(target=run)
        reader.start()
        assert reached.wait(PATIENCE)
        desk.gateway.close()
        may_go_on.set()
        reader.join(PATIENCE)
        assert len(server.seen) == 3
        with pytest.raises(ReadError, match="not_sent the gateway is closed"):
            read.result(0)
