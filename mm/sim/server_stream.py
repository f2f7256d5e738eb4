"""One WebSocket of the server: frames wait in an outbox, so that no slow client holds up the exchange."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from mm.sim.exchange import Exchange
from mm.sim.signatures import Caller
from mm.sim.stream_connection import Connection

HEARTBEAT = b"heartbeat"


class StreamClient:
    """Carries one stream connection of the exchange over one WebSocket."""

    def __init__(self, exchange: Exchange, now: Callable[[], int], ping_s: float) -> None:
        self._exchange = exchange
        self._now = now
        self._ping_s = ping_s
        self._socket = web.WebSocketResponse(autoping=False)  # a fault may silence pongs too
        self._outbox: deque[str] = deque()
        self._unsent = 0
        self._filled = asyncio.Event()

    async def talk(self, request: web.Request, caller: Caller) -> web.WebSocketResponse:
        """Serve the connection until it ends."""
        await self._socket.prepare(request)
        transport = request.transport
        connection = self._exchange.connect(
            self._now(),
            caller.user_id,
            self._post,
            backlog=lambda: self._unsent,
            reset=lambda: None if transport is None else transport.abort(),
            subaccount=caller.rights.subaccount,
        )
        tasks = [asyncio.create_task(self._write()), asyncio.create_task(self._ping(connection))]
        try:
            async for message in self._socket:
                await self._hear(connection, message)
        finally:
            connection.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return self._socket

    async def _hear(self, connection: Connection, message: WSMessage) -> None:
        """One message of the client: a command, a ping to answer, or a pong."""
        if message.type is WSMsgType.PING:
            if not connection.line.is_frozen(self._now()):
                await self._socket.pong(message.data)
        elif message.type is not WSMsgType.PONG:
            is_text = message.type is WSMsgType.TEXT
            connection.command(self._now(), message.data if is_text else "")

    async def hang_up(self) -> None:
        """The server goes away."""
        await self._socket.close(code=WSCloseCode.GOING_AWAY, message=b"going away")

    def _post(self, frame: str) -> None:
        self._outbox.append(frame)
        self._unsent += len(frame)
        self._filled.set()

    async def _write(self) -> None:
        """Empties the outbox as fast as the client reads; ends with the connection."""
        try:
            while not self._socket.closed:
                await self._filled.wait()
                self._filled.clear()
                while self._outbox:
                    frame = self._outbox.popleft()
                    await self._socket.send_str(frame)
                    self._unsent -= len(frame)
        except ConnectionError:
            return  # the reading half sees the same and ends the talk

    async def _ping(self, connection: Connection) -> None:
        try:
            while not self._socket.closed:
                await asyncio.sleep(self._ping_s)
                if not connection.line.is_frozen(self._now()):
                    await self._socket.ping(HEARTBEAT)
        except ConnectionError:
            return
