"""The exchange with both its faces, REST and stream, but without sockets and without a clock.

Whoever owns it says what time it is: a server says the real time, a simulation its own.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Protocol

from mm.sim.buckets import BASIC, Tier
from mm.sim.candles import Candles
from mm.sim.face_switches import FaceSwitches
from mm.sim.faults import Fault, Faults, Line, Point
from mm.sim.reads import Reads
from mm.sim.rest import (
    Context,
    Json,
    Query,
    Refused,
    Request,
    Response,
    nested_error,
    not_found,
    reply,
    too_many_requests,
)
from mm.sim.rest_market_texts import MarketTexts
from mm.sim.rest_orders import batch_size
from mm.sim.rest_routes import Route, find
from mm.sim.rest_shards import budgets_of
from mm.sim.rights import FULL, Rights
from mm.sim.stream import Stream
from mm.sim.stream_connection import Connection
from mm.sim.usage import Usage
from mm.sim.venue import Venue
from mm.sim.words import VenueError

MOST_BACKLOG = 1_000_000
_DEFAULT_SWITCHES = FaceSwitches()


class Crowd(Protocol):
    """Whoever else trades: `flow.Flow`, `tape.TapePlayer`. Times in ns."""

    def next_wake(self) -> int: ...

    def wake(self, now: int) -> None: ...


class Exchange:
    """``read_lag_ns``: how far portfolio reads trail the engine; ``random``: only for the order between the
    channels of the stream; ``crowds``: turned by `advance` at the times they ask for; ``most_backlog``: bytes
    a stream client may leave unread; ``switches``: see there."""

    def __init__(
        self,
        venue: Venue,
        *,
        random: random.Random,
        tier: Tier = BASIC,
        read_lag_ns: int = 0,
        faults: Faults | None = None,
        most_backlog: int = MOST_BACKLOG,
        switches: FaceSwitches = _DEFAULT_SWITCHES,
    ) -> None:
        self.venue = venue
        self.faults = Faults() if faults is None else faults
        self.crowds: list[Crowd] = []
        self._reads = Reads(venue, read_lag_ns)
        self._usage = Usage(tier)
        self._switches = switches
        self._candles = Candles(venue)
        self.keys_of: Callable[[str], list[Json]] = lambda user_id: []  # set by who checks signatures
        self._context = Context(
            venue,
            self._reads,
            self._candles,
            MarketTexts(venue, liquidity=switches.liquidity),
            self._usage,
            switches,
            lambda user_id: self.keys_of(user_id),
        )
        self._stream = Stream(venue, random if switches.shuffled else None)
        self._most_backlog = most_backlog
        self._connections: list[Connection] = []

    @property
    def read_lag_ns(self) -> int:
        """How far portfolio reads trail the engine; may be set while the exchange runs."""
        return self._reads.lag_ns

    @read_lag_ns.setter
    def read_lag_ns(self, lag_ns: int) -> None:
        self._reads.lag_ns = lag_ns

    # -- time -----------------------------------------------------------------------------------------------
    def advance(self, now: int) -> None:
        """Let time pass until ``now`` (ns): the crowds act, the venue's timers run, frames go out.

        Raises ValueError if ``now`` lies before the venue's clock.
        """
        venue, wake = self.venue, None
        while (crowd := self._due(now)) is not None:
            wake = max(crowd.next_wake(), venue.now)
            venue.advance(wake)
            crowd.wake(wake)
            self._go_out(wake)
        if wake == now and not venue.is_due(now):
            return  # a crowd that asked for this very moment has had it, and it is over
        venue.advance(now)
        self._go_out(now)

    def next_wake(self) -> int | None:
        """When `advance` next has something to do; None where nothing is planned."""
        first = self.venue.next_timer()
        for crowd in self.crowds:
            wake = crowd.next_wake()
            if first is None or wake < first:
                first = wake
        for one in self._connections:
            due = one.line.next_due if one.is_open else None
            if due is not None and (first is None or due < first):
                first = due
        return first

    def flush(self) -> None:
        """Send the stream what the venue announced; needed only after dealing with the venue directly."""
        self._go_out(self.venue.now)

    def _due(self, now: int) -> Crowd | None:
        first, earliest = None, now + 1
        for crowd in self.crowds:
            wake = crowd.next_wake()
            if wake < earliest:
                first, earliest = crowd, wake
        return first

    def _go_out(self, now: int) -> None:
        self._reads.catch_up(now)
        for connection in self._connections:
            connection.tell_time(now)
        self._stream.flush()

    # -- the REST face --------------------------------------------------------------------------------------
    def request(
        self,
        now: int,
        user_id: str | None,
        method: str,
        path: str,
        query: str = "",
        body: bytes = b"",
        *,
        rights: Rights = FULL,
    ) -> Response:
        """Answer one request. ``path`` is the full one, ``/trade-api/v2/...``; ``user_id`` None: nobody.
        ``rights``: those of the key it was signed with."""
        self.advance(now)
        struck = self._strike("before_parse", method, path)
        if struck is not None:
            return struck
        try:
            request = Request(now, user_id or "", Query(query), body, rights=rights)
            response = self._answer(user_id, method, path, request)
        except VenueError as error:
            response = nested_error(error)
        except Refused as refused:
            response = reply(400, refused.body)
        self._go_out(now)
        return response

    def _answer(self, user_id: str | None, method: str, path: str, request: Request) -> Response:
        found = find(method, path)
        if found is None:
            raise not_found()
        route, request.parts = found
        request.query.operation = route.operation
        if route.is_private:
            self._require_member(user_id)
            request.rights.require(route.scope)
        if user_id is not None and not self._afford(route, request):
            return too_many_requests()
        struck = self._strike("before_accept", method, path)
        if struck is not None:
            return struck
        return self._after(method, path, self._handled(route, request))

    def _handled(self, route: Route, request: Request) -> Response:
        try:
            return route.handler(self._context, request)
        except VenueError as error:
            return nested_error(error)
        except Refused as refused:
            return reply(400, refused.body)

    def _require_member(self, user_id: str | None) -> None:
        if user_id is None:
            raise VenueError(401, "signature_is_missing_from_headers")
        if user_id not in self.venue.accounts:
            raise VenueError(404, "user_not_found")

    def _afford(self, route: Route, request: Request) -> bool:
        """Reads without an account are not metered: what the exchange does there is not documented."""
        cost = route.cost * batch_size(request.body) if route.is_batch else route.cost
        return self._usage.take(request.now, request.user_id, budgets_of(self.venue, route, request), cost)

    # -- faults ---------------------------------------------------------------------------------------------
    def _strike(self, point: Point, method: str, path: str) -> Response | None:
        """What a fault on the way in answers in place of the exchange."""
        fault = self.faults.at(point, method, path, ("reset", "status"))
        return None if fault is None else _faulty(fault)

    def _after(self, method: str, path: str, response: Response) -> Response:
        """What a fault on the way out makes of an answer: the exchange has done its part by now."""
        fault = self.faults.at("after_accept", method, path)
        if fault is not None:
            response = response if fault.kind == "delay" else _faulty(fault)
            response.delay_ns = fault.delay_ns
        fault = self.faults.at("reply_body", method, path)
        if fault is not None:
            response.body = fault.body
        return response

    # -- the stream -----------------------------------------------------------------------------------------
    def connect(
        self,
        now: int,
        user_id: str,
        send: Callable[[str], None],
        *,
        backlog: Callable[[], int] = lambda: 0,
        reset: Callable[[], None] = lambda: None,
        subaccount: int | None = None,
    ) -> Connection:
        """Open a stream for an account. ``send`` gets one text frame at a time, in order; ``backlog`` tells
        the bytes it has not got rid of; ``reset`` is called where a fault kills the connection;
        ``subaccount``: the one that the key is locked to."""
        self.advance(now)
        line = Line(send, self.faults, reset)
        connection = Connection(
            self._stream,
            user_id,
            line,
            self.advance,
            backlog,
            self._most_backlog,
            switches=self._switches,
            subaccount=subaccount,
        )
        connection.tell_time(now)
        self._connections = [one for one in self._connections if one.is_open] + [connection]
        return connection

    @property
    def connections(self) -> list[Connection]:
        """The open ones, oldest first."""
        return [one for one in self._connections if one.is_open]

    def has_room(self, user_id: str) -> bool:
        """Whether this member may open one more stream."""
        mine = [one for one in self.connections if one.user_id == user_id]
        return len(mine) < self._switches.most_connections


def _faulty(fault: Fault) -> Response:
    return Response(fault.status, fault.body, reset=fault.kind == "reset")
