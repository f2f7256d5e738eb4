"""The simulated exchange on a real port: REST and WebSocket on one socket, real signatures, real time."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from aiohttp import web

from mm.sim.exchange import Exchange
from mm.sim.rest import PREFIX, Refused, Response, nested_error, reply, too_many_requests
from mm.sim.rights import FULL
from mm.sim.server_admin import HOST as ADMIN_HOST
from mm.sim.server_admin import AdminSettings, admin_app
from mm.sim.server_stream import StreamClient
from mm.sim.signatures import KeyRing, missing_signature
from mm.sim.words import VenueError

WS_PATH = "/trade-api/ws/v2"
NANO = 1_000_000_000
# The clock is looked at this often even where nothing is planned, and never more often than the other.
_LONGEST_NAP_S = 0.02
_SHORTEST_NAP_S = 0.0005
# How far the exchange goes at once, before a request and by itself: where it has more to do than it can, it
# runs late, but goes on answering and sending.
_LONGEST_STEP_NS = 25_000_000
_LONGEST_TURN_NS = 2_000_000
_GOODBYE_S = 1.0
# Bytes of a request line. A query may name a hundred markets, each escaped: aiohttp's own 8190 are too few.
_LONGEST_LINE = 65_536


class CannotListen(Exception):
    """The address cannot be had; the message says which and why."""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """``port`` 0: any free one. ``ping_s``: seconds between the pings of a WebSocket (10 on the exchange).
    ``admin``: the operator's door, if there is to be one."""

    exchange: Exchange
    keys: KeyRing
    host: str = "127.0.0.1"
    port: int = 0
    ping_s: float = 10.0
    admin: AdminSettings | None = None


@dataclass(frozen=True, slots=True)
class _Site:
    """One port with what answers on it."""

    runner: web.AppRunner
    port: int


class RunningServer:
    """A server that listens. ``clock`` is the task that turns the exchange; it ends only by failing.
    ``admin_url`` is None where there is no admin port."""

    def __init__(self, clock: asyncio.Task[None], host: str, front: _Site, admin: _Site | None) -> None:
        shown = f"[{host}]" if ":" in host else host
        self.port = front.port
        self.rest_url = f"http://{shown}:{self.port}{PREFIX}"
        self.ws_url = f"ws://{shown}:{self.port}{WS_PATH}"
        self.admin_url = None if admin is None else f"http://{ADMIN_HOST}:{admin.port}"
        self.clock = clock
        self._sites = [front] if admin is None else [front, admin]

    async def stop(self) -> None:
        """Close all connections and free the port."""
        self.clock.cancel()
        with suppress(asyncio.CancelledError):
            await self.clock
        for site in self._sites:
            await site.runner.cleanup()


async def serve(settings: ServerSettings) -> RunningServer:
    """Start to listen. Raises CannotListen where the address cannot be had."""
    faces = _Faces(settings)
    app = web.Application()
    app.router.add_get(WS_PATH, faces.stream)
    app.router.add_route("*", "/{path:(?s:.*)}", faces.rest)  # also where an escape is a line break
    app.on_shutdown.append(faces.hang_up)
    front = await _listen(app, settings.host, settings.port)
    admin = None
    if settings.admin is not None:
        door = admin_app(settings.exchange, faces.now, settings.admin.token)
        try:
            admin = await _listen(door, ADMIN_HOST, settings.admin.port)
        except CannotListen:
            await front.runner.cleanup()
            raise
    return RunningServer(asyncio.create_task(faces.turn()), settings.host, front, admin)


async def _listen(app: web.Application, host: str, port: int) -> _Site:
    # aiohttp sets TCP_NODELAY on every connection it accepts.
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_GOODBYE_S, max_line_size=_LONGEST_LINE)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        raise CannotListen(f"{host}:{port}: {reason}") from None
    return _Site(runner, runner.addresses[0][1])


async def serve_until_stopped(
    settings: ServerSettings, ready: Callable[[RunningServer], None], *, exit_with_stdin: bool = False
) -> None:
    """Serve until SIGTERM or SIGINT, or, where asked for, until standard input ends: the parent has gone.

    ``ready`` is called once the server listens. Raises CannotListen, and whatever made the exchange fail.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = await serve(settings)
    if exit_with_stdin:
        threading.Thread(target=_watch_stdin, args=(loop, stop), daemon=True).start()
    stopped = asyncio.create_task(stop.wait())
    try:
        ready(server)
        await asyncio.wait((stopped, server.clock), return_when=asyncio.FIRST_COMPLETED)
        if server.clock.done():
            server.clock.result()
    finally:
        stopped.cancel()
        await server.stop()


def _watch_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Reads the descriptor itself: a thread inside the buffered reader could not be left at exit."""
    while os.read(0, 4096):
        pass
    with suppress(RuntimeError):  # the loop has ended by itself meanwhile
        loop.call_soon_threadsafe(stop.set)


class _Faces:
    """The handlers of one server."""

    def __init__(self, settings: ServerSettings) -> None:
        self._exchange = settings.exchange
        self._keys = settings.keys
        settings.exchange.keys_of = settings.keys.of
        self._ping_s = settings.ping_s
        self._clients: set[StreamClient] = set()

    def now(self) -> int:
        """The exchange's time: the real one, unless it is late. Never before what the venue has seen: the
        system's clock may be set back."""
        return self._within(_LONGEST_STEP_NS)

    def _within(self, step_ns: int) -> int:
        seen = self._exchange.venue.now
        return max(min(time.time_ns(), seen + step_ns), seen)

    async def turn(self) -> None:
        """Let the exchange live: crowds, timers and held frames, each when it is due."""
        while True:
            now = self._within(_LONGEST_TURN_NS)
            self._exchange.advance(now)
            if time.time_ns() - now > _LONGEST_TURN_NS:
                await asyncio.sleep(0)  # late: only let out what there is, and in who wants something
                continue
            wake = self._exchange.next_wake()
            until = _LONGEST_NAP_S if wake is None else (wake - now) / NANO
            await asyncio.sleep(min(max(until, _SHORTEST_NAP_S), _LONGEST_NAP_S))

    async def rest(self, request: web.Request) -> web.StreamResponse:
        path = request.rel_url.raw_path
        if path.endswith("/") and (tidy := path.rstrip("/")):
            raise web.HTTPMovedPermanently(_with_query(tidy, request.rel_url.raw_query_string))
        body = await request.read()
        try:
            caller = self._keys.caller_of(time.time_ns(), request.method, path, request.headers)
            _require_json(request)
        except Refused as refused:
            return _answer(reply(400, refused.body))
        except VenueError as error:
            return _answer(nested_error(error))
        await _pause(self._exchange.faults.hold_ns(request.method, path))
        query = request.rel_url.raw_query_string
        user_id, rights = (None, FULL) if caller is None else (caller.user_id, caller.rights)
        response = self._exchange.request(
            self.now(), user_id, request.method, path, query, body, rights=rights
        )
        await _pause(response.delay_ns)
        if response.reset and request.transport is not None:
            request.transport.abort()
        return _answer(response)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        try:
            caller = self._keys.caller_of(time.time_ns(), "GET", WS_PATH, request.headers)
            if caller is None:
                raise missing_signature()
            caller.rights.require("read")
            if not self._exchange.has_room(caller.user_id):
                return _answer(too_many_requests())
        except VenueError as error:
            return _answer(nested_error(error))
        client = StreamClient(self._exchange, self.now, self._ping_s)
        self._clients.add(client)
        try:
            return await client.talk(request, caller)
        finally:
            self._clients.discard(client)

    async def hang_up(self, app: web.Application) -> None:
        for client in list(self._clients):
            await client.hang_up()


def _require_json(request: web.Request) -> None:
    """A PUT must say that it is JSON (protocol section 6). Raises Refused (400, flat)."""
    if request.method == "PUT" and request.content_type != "application/json":
        raise Refused({"code": "invalid_content_type", "message": "invalid content type"})


def _with_query(path: str, query: str) -> str:
    return f"{path}?{query}" if query else path


def _answer(response: Response) -> web.Response:
    if not response.body:
        return web.Response(status=response.status or 500)
    return web.Response(status=response.status, body=response.body, content_type="application/json")


async def _pause(ns: int) -> None:
    if ns:
        await asyncio.sleep(ns / NANO)
