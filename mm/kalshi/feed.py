"""The WebSocket at work: one connection at a time, a `Session` to say what its frames mean, reconnecting.

No frame and no network failure ends it; only `close` or the end of its task does. Frames that arrived
together are handed over together. Source: protocol sections 2 and 10.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, WebSocketException

from mm.core.events import AnyEvent, DataAge
from mm.core.units import MILLISECOND, SECOND, Nanos
from mm.kalshi.age import AgeSampler
from mm.kalshi.auth import Signer
from mm.kalshi.backoff import LONGEST, backoff
from mm.kalshi.endpoint import Endpoint
from mm.kalshi.fees import FeeTerms
from mm.kalshi.lateness import Lateness
from mm.kalshi.session import Session

BEAT: Final = 0.25
OPEN_TIMEOUT: Final = 10.0
CLOSE_TIMEOUT: Final = 1.0
LARGEST_FRAME: Final = 16 * 1024 * 1024
STEADY: Final[Nanos] = 60 * SECOND
REFUSED_STATUSES: Final = frozenset({401, 403})
_quiet = logging.getLogger("mm.kalshi.feed.websockets")
_quiet.setLevel(logging.CRITICAL)  # its DEBUG lines show the signed headers


class FeedWatch(Protocol):
    """Who only watches; called on the loop's thread."""

    def aged(self, age: Nanos, ts: Nanos) -> None:
        """A message that arrived at ``ts`` was dated this long before by the exchange (a sample of them)."""

    def reconnecting(self, attempt: int, pause: Nanos, reason: str) -> None:
        """There is no connection; the next attempt, the first being 1, begins after ``pause``."""


class Unwatched:
    """Nobody does."""

    def aged(self, age: Nanos, ts: Nanos) -> None:
        """Not kept."""

    def reconnecting(self, attempt: int, pause: Nanos, reason: str) -> None:
        """Not told."""


class _Connect(connect):
    """A redirect would send signed headers to a path, or a host, that nobody chose."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class Feed:
    """``emit`` gets lists of events, synchronously, on the loop's thread. ``clock``: nanoseconds since the
    epoch; ``wall``, the system's, dates signatures. ``random`` gives floats in [0, 1). ``beat``: seconds
    between looks at the session's time-outs."""

    def __init__(
        self,
        endpoint: Endpoint,
        signer: Signer,
        session: Session,
        emit: Callable[[list[AnyEvent]], None],
        clock: Callable[[], Nanos],
        random: Callable[[], float],
        *,
        beat: float = BEAT,
        pause: Callable[[int, Callable[[], float]], Nanos] = backoff,
        watch: FeedWatch | None = None,
        wall: Callable[[], Nanos] = time.time_ns,
    ) -> None:
        self._endpoint = endpoint
        self._signer = signer
        self._session = session
        self._emit = emit
        self._clock = clock
        self._wall = wall
        self._random = random
        self._beat = beat
        self._pause = pause
        self._watcher = watch or Unwatched()
        self._ages = AgeSampler(self._watcher.aged)
        self._lateness = Lateness()
        self._attempt = 0
        self._closing = asyncio.Event()
        self._to_send = asyncio.Event()
        self._batch: list[AnyEvent] = []
        self._fault: BaseException | None = None

    @property
    def session(self) -> Session:
        return self._session

    # -- what the driver asks -------------------------------------------------------------------------
    def resubscribe(self, ticker: str) -> None:
        """A new snapshot of this market, please."""
        self._session.resubscribe(self._clock(), ticker)
        self._to_send.set()

    def reconnect(self, reason: str) -> None:
        """Another connection, please."""
        self._session.reconnect(reason)

    def add_markets(self, tickers: Iterable[str], terms: Iterable[FeeTerms] = ()) -> None:
        """Follow these markets too."""
        self._session.learn(terms)
        self._session.add_markets(self._clock(), tickers)
        self._to_send.set()

    def drop_markets(self, tickers: Iterable[str]) -> None:
        """Follow these markets no longer."""
        self._session.drop_markets(tickers)
        self._to_send.set()

    def close(self) -> None:
        """Ends `run` soon, with the connection closed."""
        self._closing.set()

    # -- the life of connections ------------------------------------------------------------------------
    async def run(self) -> None:
        """Until `close`: connect, follow, and connect again. Raises only what ``emit`` raised."""
        while not self._closing.is_set():
            pause = await self._one_connection()
            await self._wait(pause)

    async def _wait(self, pause: Nanos) -> None:
        if pause and not self._closing.is_set():
            try:
                await asyncio.wait_for(self._closing.wait(), pause / SECOND)
            except TimeoutError:
                return

    async def _one_connection(self) -> Nanos:
        """Connects and follows until the link is lost. Returns how long to wait before the next attempt."""
        began = self._clock()
        is_refused = False
        try:
            async with self._connect() as connection:
                reason = await self._follow(connection)
        except InvalidStatus as error:
            status = error.response.status_code
            is_refused = status in REFUSED_STATUSES
            reason = f"the exchange answered {status} to the upgrade"
        except (OSError, TimeoutError, InvalidHandshake, WebSocketException) as error:
            reason = f"no connection: {type(error).__name__}"
        self._flush()
        self._emit(self._session.disconnected(self._clock(), reason))
        self._attempt = 0 if self._clock() - began >= STEADY else self._attempt + 1
        wait = self._pause(max(self._attempt - 1, 0), self._random)
        if is_refused:
            wait = max(wait, LONGEST)
        if not self._closing.is_set():
            self._watcher.reconnecting(max(self._attempt, 1), wait, reason)
        return wait

    def _connect(self) -> _Connect:
        headers = self._signer.headers("GET", self._endpoint.path, self._wall() // MILLISECOND)
        return _Connect(
            self._endpoint.url,
            additional_headers=headers,
            compression=None,
            proxy=None,
            open_timeout=OPEN_TIMEOUT,
            close_timeout=CLOSE_TIMEOUT,
            ping_interval=10,
            ping_timeout=None,
            max_size=LARGEST_FRAME,
            max_queue=4_096,
            logger=_quiet,
        )

    async def _follow(self, connection: ClientConnection) -> str:
        """Until the link is lost, given up or closed by us. Returns why."""
        self._tell(self._lateness.anew(self._clock()))
        for command in self._session.connected(self._clock()):
            await connection.send(command)
        tasks = [
            asyncio.create_task(self._receive(connection)),
            asyncio.create_task(self._send(connection)),
            asyncio.create_task(self._watch()),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        return next(iter(done)).result()

    async def _receive(self, connection: ClientConnection) -> str:
        """While frames are at hand, `recv` does not yield: the flush runs once, after the last of them."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                frame = await connection.recv(decode=False)
            except ConnectionClosed as error:
                return f"the link was lost: {error.rcvd.code if error.rcvd else 'no close frame'}"
            now = self._clock()
            age = self._ages.look(now, frame)
            events = self._session.receive(now, frame)
            if age is not None and (turn := self._lateness.looked(age, now, frame)) is not None:
                events = [*events, turn]
            if events and not self._batch:
                loop.call_soon(self._flush)
            self._batch += events
            if self._session.has_outgoing:
                self._to_send.set()

    def _tell(self, event: DataAge | None) -> None:
        if event is not None:
            self._emit([event])

    def _flush(self) -> None:
        """The loop only logs what its callbacks raise: `_watch` raises it again, where it ends us."""
        batch, self._batch = self._batch, []
        try:
            if batch:
                self._emit(batch)
        except BaseException as fault:
            self._fault = fault
            raise

    async def _send(self, connection: ClientConnection) -> str:
        while True:
            await self._to_send.wait()
            self._to_send.clear()
            try:
                for command in self._session.outgoing():
                    await connection.send(command)
            except ConnectionClosed:
                return "the link was lost while sending"

    async def _watch(self) -> str:
        """The session's time-outs, and our own wish to end."""
        while not self._closing.is_set():
            if self._fault is not None:
                raise self._fault
            self._session.on_time(self._clock())
            self._tell(self._lateness.on_time(self._clock()))
            if self._session.wants_reconnect:
                return self._session.wants_reconnect
            if self._session.has_outgoing:
                self._to_send.set()
            await self._wait(int(self._beat * SECOND))
        return "closed by us"
