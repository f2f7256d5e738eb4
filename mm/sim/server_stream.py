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
# Bytes that go to the socket at once, and above which what went before must leave first.
_BATCH = 65_536
# asyncio tells only protocols when there is room again, and the protocol is aiohttp's: so look again.
_LOOK_AGAIN_S = 0.005


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
        if transport is None:
            return self._socket
        connection = self._exchange.connect(
            self._now(),
            caller.user_id,
            self._post,
            backlog=lambda: self._unsent,
            reset=transport.abort,
            subaccount=caller.rights.subaccount,
        )
        tasks = [asyncio.create_task(self._write(transport)), asyncio.create_task(self._ping(connection))]
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

    async def _write(self, transport: asyncio.Transport) -> None:
        """Empties the outbox as fast as the client reads; ends with the connection."""
        try:
            while not self._socket.closed:
                await self._filled.wait()
                self._filled.clear()
                if self._socket.compress:
                    await self._write_singly()
                else:
                    await self._write_in_batches(transport)
        except ConnectionError:
            return  # the reading half sees the same and ends the talk

    async def _write_singly(self) -> None:
        while self._outbox:
            frame = self._outbox.popleft()
            await self._socket.send_str(frame)
            self._unsent -= len(frame)

    async def _write_in_batches(self, transport: asyncio.Transport) -> None:
        """What waits goes out together: a system call for each frame would cost as much as all the rest."""
        while self._outbox and not (self._socket.closed or transport.is_closing()):
            if transport.get_write_buffer_size() > _BATCH:
                await asyncio.sleep(_LOOK_AGAIN_S)
            else:
                transport.write(self._batch())

    def _batch(self) -> bytes:
        parts: list[bytes] = []
        size = 0
        while self._outbox and size < _BATCH:
            frame = self._outbox.popleft()
            self._unsent -= len(frame)
            payload = frame.encode()
            size += len(payload)
            parts += (_header(len(payload)), payload)
        return b"".join(parts)

    async def _ping(self, connection: Connection) -> None:
        try:
            while not self._socket.closed:
                await asyncio.sleep(self._ping_s)
                if not connection.line.is_frozen(self._now()):
                    await self._socket.ping(HEARTBEAT)
        except ConnectionError:
            return


def _header(length: int) -> bytes:
    """What stands before a text frame of ``length`` bytes that is whole and not masked (RFC 6455, 5.2)."""
    if length < 126:
        return bytes((0x81, length))
    if length < 65_536:
        return b"\x81\x7e" + length.to_bytes(2, "big")
    return b"\x81\x7f" + length.to_bytes(8, "big")
