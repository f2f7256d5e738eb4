"""The feed against a real WebSocket server: events arrive, and no failure ends it."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from mm.core.events import AnyEvent, BookGap, BookSnapshot, LinkDown, LinkUp
from mm.core.units import SECOND, Nanos
from mm.kalshi.auth import Signer
from mm.kalshi.backoff import LONGEST
from mm.kalshi.endpoint import endpoint
from mm.kalshi.feed import Feed, FeedWatch, Unwatched
from mm.kalshi.session import Session
from tests.kalshi import frames
from tests.kalshi.frames import MARKET

PATIENCE = 60.0
NOON: Nanos = 1_790_596_800 * SECOND
Handler = Callable[["Venue", ServerConnection], Awaitable[None]]


class Venue:
    """A server that acknowledges subscribes, and a feed that listens to it. Its clock moves only where a
    story moves it: nothing else may seem silent, or late to answer, because this machine is slow."""

    def __init__(self, after_subscribes: Handler) -> None:
        self.after_subscribes = after_subscribes
        self.events: asyncio.Queue[AnyEvent] = asyncio.Queue()
        self.batches: list[list[AnyEvent]] = []
        self.commands: list[dict[str, Any]] = []
        self.requests: list[Request] = []
        self.connections = 0
        self.answers: list[int] = []  # HTTP statuses for the next upgrades
        self.now = NOON
        self.pauses: list[int] = []
        self.watch: FeedWatch = Unwatched()
        self.asked = asyncio.Event()
        self.feed: Feed

    async def handle(self, connection: ServerConnection) -> None:
        self.connections += 1
        for sid in range(1, 7):
            command = json.loads(await connection.recv())
            self.commands.append(command)
            channel = command["params"]["channels"][0]
            await connection.send(frames.subscribed(command["id"], channel, sid))
        await self.after_subscribes(self, connection)
        async for text in connection:
            self.commands.append(json.loads(text))
            if len(self.commands) == 6 + 7:
                self.asked.set()

    def upgrade(self, connection: ServerConnection, request: Request) -> Response | None:
        self.requests.append(request)
        if not self.answers:
            return None
        response = connection.respond(self.answers.pop(0), "no")
        response.headers["Location"] = "/trade-api/ws/v2"
        return response

    def emit(self, batch: list[AnyEvent]) -> None:
        self.batches.append(batch)
        for event in batch:
            self.events.put_nowait(event)

    def clock(self) -> Nanos:
        return self.now

    def pause(self, attempt: int, random: Callable[[], float]) -> Nanos:
        self.pauses.append(attempt)
        return SECOND // 100

    def listen(self, where: socket.socket) -> Feed:
        port = where.getsockname()[1]
        self.feed = Feed(
            endpoint(f"ws://127.0.0.1:{port}/trade-api/ws/v2"),
            Signer("key-id", Ed25519PrivateKey.generate()),
            Session([MARKET], lambda: 0.5),
            self.emit,
            self.clock,
            lambda: 0.5,
            beat=0.01,
            pause=self.pause,
            watch=self.watch,
        )
        return self.feed

    async def until(self, kind: type[AnyEvent]) -> AnyEvent:
        while True:
            event = await asyncio.wait_for(self.events.get(), PATIENCE)
            if isinstance(event, kind):
                return event


async def nothing(venue: Venue, connection: ServerConnection) -> None:
    """All is quiet."""


def play(
    after_subscribes: Handler,
    story: Callable[[Venue], Coroutine[Any, Any, None]],
    answers: tuple[int, ...] = (),
    watch: FeedWatch | None = None,
) -> Venue:
    """Runs a story with a server and a feed, and checks that the feed ends when it is closed."""
    venue = Venue(after_subscribes)
    venue.answers = list(answers)
    venue.watch = watch or venue.watch

    async def run() -> None:
        async with serve(venue.handle, "127.0.0.1", 0, process_request=venue.upgrade) as server:
            task = asyncio.create_task(venue.listen(server.sockets[0]).run())
            try:
                await story(venue)
            finally:
                venue.feed.close()
                await asyncio.wait_for(task, PATIENCE)

    asyncio.run(run())
    return venue


def test_it_connects_signed_and_the_book_follows() -> None:
    async def send_book(venue: Venue, connection: ServerConnection) -> None:
        await connection.send(frames.snapshot(1, 1))

    async def story(venue: Venue) -> None:
        await venue.until(LinkUp)
        event = await venue.until(BookSnapshot)
        assert isinstance(event, BookSnapshot) and event.bids == ((4_000, 1_000),)

    venue = play(send_book, story)
    headers = venue.requests[0].headers
    assert venue.requests[0].path == "/trade-api/ws/v2"
    assert headers["KALSHI-ACCESS-KEY"] == "key-id" and headers["KALSHI-ACCESS-SIGNATURE"]
    assert "Sec-WebSocket-Extensions" not in headers, "no compression"


def test_a_drop_is_told_and_the_feed_comes_back() -> None:
    async def drop_first(venue: Venue, connection: ServerConnection) -> None:
        await connection.send(frames.snapshot(1, 1))
        if venue.connections == 1:
            connection.transport.abort()

    async def story(venue: Venue) -> None:
        await venue.until(LinkUp)
        down = await venue.until(LinkDown)
        assert isinstance(down, LinkDown) and down.reason
        assert isinstance(await venue.until(BookGap), BookGap)
        await venue.until(LinkUp)
        await venue.until(BookSnapshot)

    assert play(drop_first, story).connections == 2


@pytest.mark.parametrize("bad", ['{"type":"orderbook_delta","sid":1,"se', "\x00", "[]", "{}", "<html>"])
def test_a_bad_frame_costs_the_book_but_not_the_link(bad: str) -> None:
    async def send_bad(venue: Venue, connection: ServerConnection) -> None:
        await connection.send(frames.snapshot(1, 1))
        await connection.send(bad)
        command = json.loads(await connection.recv())
        assert command["params"]["action"] == "get_snapshot"
        await connection.send(frames.snapshot(1, 2))

    async def story(venue: Venue) -> None:
        for kind in (LinkUp, BookSnapshot, BookGap, BookSnapshot):
            await venue.until(kind)

    venue = play(send_bad, story)
    assert venue.connections == 1 and venue.feed.session.stats.bad == 1


def test_frames_that_arrive_together_are_handed_over_together() -> None:
    async def burst(venue: Venue, connection: ServerConnection) -> None:
        await connection.send(frames.snapshot(1, 1))
        for seq in range(2, 202):
            connection.protocol.send_text(frames.delta(1, seq).encode())
        connection.send_data()

    async def story(venue: Venue) -> None:
        await venue.until(BookSnapshot)
        for _ in range(200):
            await venue.events.get()

    venue = play(burst, story)
    assert len(venue.batches) < 100, "200 deltas in one write need not be 200 batches"


def test_a_silent_exchange_is_left_for_a_new_connection() -> None:
    async def story(venue: Venue) -> None:
        await venue.until(LinkUp)
        venue.now += 13 * SECOND
        down = await venue.until(LinkDown)
        assert isinstance(down, LinkDown) and "no frame" in down.reason
        await venue.until(LinkUp)

    assert play(nothing, story).connections == 2


@pytest.mark.parametrize("status", [301, 502])
def test_a_refused_or_redirected_upgrade_is_reported_and_retried(status: int) -> None:
    async def story(venue: Venue) -> None:
        down = await venue.until(LinkDown)
        assert isinstance(down, LinkDown) and str(status) in down.reason
        await venue.until(LinkUp)

    venue = play(nothing, story, answers=(status,))
    assert len(venue.requests) == 2 and venue.pauses[0] == 0


def test_each_failure_in_a_row_waits_longer() -> None:
    async def story(venue: Venue) -> None:
        await venue.until(LinkUp)

    assert play(nothing, story, answers=(500, 502, 503)).pauses[:3] == [0, 1, 2]


@pytest.mark.parametrize(("status", "is_slow"), [(401, True), (403, True), (502, False)])
def test_wrong_credentials_are_retried_slowly(status: int, is_slow: bool) -> None:
    async def run() -> None:
        venue = Venue(nothing)
        venue.answers = [status]
        async with serve(venue.handle, "127.0.0.1", 0, process_request=venue.upgrade) as server:
            wait = await asyncio.wait_for(venue.listen(server.sockets[0])._one_connection(), PATIENCE)
        assert (wait >= LONGEST) is is_slow and LONGEST >= 10 * SECOND

    asyncio.run(run())


def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "")
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    async def story(venue: Venue) -> None:
        assert isinstance(await venue.events.get(), LinkUp)

    assert play(nothing, story).connections == 1


def test_what_the_driver_asks_for_is_sent() -> None:
    async def story(venue: Venue) -> None:
        await venue.until(LinkUp)
        venue.feed.resubscribe(MARKET)
        venue.feed.add_markets(["NEW"])
        venue.feed.drop_markets([MARKET])
        async with asyncio.timeout(PATIENCE):
            await venue.asked.wait()

    commands = play(nothing, story).commands[6:]
    assert [c["params"]["action"] for c in commands] == ["get_snapshot"] + ["add_markets"] * 3 + [
        "delete_markets"
    ] * 3


def test_nobody_there_is_reported_again_and_again_until_closed() -> None:
    async def run() -> None:
        venue = Venue(nothing)
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))  # bound, but not listening: nobody else can be there
            feed = venue.listen(closed)
            task = asyncio.create_task(feed.run())
            for _ in range(3):
                event = await venue.until(LinkDown)
                assert isinstance(event, LinkDown) and "no connection" in event.reason
            feed.close()
            await asyncio.wait_for(task, PATIENCE)

    asyncio.run(run())


def test_a_fault_of_the_listener_ends_the_feed() -> None:
    async def run() -> None:
        venue = Venue(nothing)

        def broken(batch: list[AnyEvent]) -> None:
            raise ZeroDivisionError

        venue.emit = broken  # type: ignore[method-assign]
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        async with serve(venue.handle, "127.0.0.1", 0) as server:
            with pytest.raises(ZeroDivisionError):
                await asyncio.wait_for(venue.listen(server.sockets[0]).run(), PATIENCE)

    asyncio.run(run())
