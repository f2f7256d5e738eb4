"""The crank in virtual time: the bot's own session, calls and limiter against the venue in process, through a
seeded network. The same seed gives the same events and actions, on any machine.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from typing import TypeVar

from mm.core.actions import AnyAction, Resubscribe, Stop
from mm.core.engine import Engine
from mm.core.events import AnyEvent, Command, CommandKind, Tick
from mm.core.units import MILLISECOND, SECOND, Nanos
from mm.drivers.live import HEARTBEAT
from mm.drivers.network import Network
from mm.drivers.replay import Digest
from mm.drivers.runner import JournalSink, NoJournal, Runner, StepObserver
from mm.kalshi.calls import RequestAction, call
from mm.kalshi.conversation import Conversation, HttpRequest, HttpResponse
from mm.kalshi.limiter import Limiter
from mm.kalshi.session import Session
from mm.sim.exchange import Exchange
from mm.sim.stream_connection import Connection

T = TypeVar("T")
BASE = "/trade-api/v2"
RECONNECT_AFTER: Nanos = SECOND
SESSION_BEAT: Nanos = 500 * MILLISECOND


def answer(exchange: Exchange, user_id: str, now: Nanos, request: HttpRequest) -> HttpResponse:
    """What the exchange says to one request, without any network."""
    path = BASE + request.path
    response = exchange.request(now, user_id, request.method, path, request.query, request.body)
    return HttpResponse(now, response.status, response.body)


def converse(exchange: Exchange, user_id: str, now: Nanos, conversation: Conversation[T]) -> T:
    """A whole conversation at one instant: for setting up, and for comparing at the end."""
    try:
        request = next(conversation)
        while True:
            request = conversation.send(answer(exchange, user_id, now, request))
    except StopIteration as done:
        result: T = done.value
        return result


class Simulation:
    """One bot on one venue. Times are the venue's; ``tick_interval`` as in the live driver."""

    def __init__(
        self,
        exchange: Exchange,
        user_id: str,
        session: Session,
        limiter: Limiter,
        network: Network,
        tick_interval: Nanos = 10 * MILLISECOND,
        checks: Sequence[Callable[[], None]] = (),
    ) -> None:
        self.now: Nanos = exchange.venue.now
        self.events = self.actions = 0
        self.stop: Stop | None = None
        self._exchange, self._user_id = exchange, user_id
        self._session, self._limiter, self._network = session, limiter, network
        self._tick_interval = tick_interval
        self._checks = tuple(checks)
        self._agenda: list[tuple[Nanos, int, Callable[[], None]]] = []
        self._numbers = count()
        self._digest = Digest()
        self._runner: Runner | None = None
        self._connection: Connection | None = None
        self._last_tick: Nanos = 0
        self._tick_at: Nanos | None = None
        self._link_free_at: Nanos = 0
        self._epoch = 0

    @property
    def digest(self) -> str:
        """Fingerprint of all events and actions so far."""
        return self._digest.text()

    # -- running -------------------------------------------------------------------------------------------
    def start(
        self, engine: Engine, journal: JournalSink | None = None, observers: Sequence[StepObserver] = ()
    ) -> None:
        self._runner = Runner(engine, self._carry_out, journal or NoJournal(), observers)
        self._connect()
        self._beat()
        self._session_beat()
        self._turn_venue()

    def run_until(self, end: Nanos) -> None:
        """Let time pass until ``end``, or until the engine says Stop."""
        agenda = self._agenda
        while agenda and agenda[0][0] <= end and self.stop is None:
            self.now, _, happen = heapq.heappop(agenda)
            happen()
            for check in self._checks:
                check()
        if self.stop is None:
            self.now = max(self.now, end)

    def shut_down(self, patience: Nanos = 90 * SECOND) -> None:
        """An operator's SIGTERM, and all that follows from it."""
        self._step((Command(self.now, CommandKind.SHUTDOWN, "end of the simulation"),))
        self.run_until(self.now + patience)

    def tell(self, events: Sequence[AnyEvent]) -> None:
        """Facts that the bot has from elsewhere, at this moment: which markets there are."""
        self._step(events)

    def follow(self, tickers: Sequence[str]) -> None:
        """Subscribe to these markets too."""
        self._session.add_markets(self.now, tickers)
        self._send_commands()

    def _at(self, when: Nanos, happen: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (when, next(self._numbers), happen))

    # -- the bot's side ------------------------------------------------------------------------------------
    def _step(self, events: Sequence[AnyEvent]) -> None:
        """Events arrive together; a Tick follows when the interval allows."""
        assert self._runner is not None
        for event in events:
            self.events += 1
            actions = self._runner.step(event)
            self.actions += len(actions)
            self._digest.add(event, actions)
        if events and self._tick_at is None:
            self._tick_at = max(self.now, self._last_tick + self._tick_interval)
            self._at(self._tick_at, self._tick)

    def _tick(self) -> None:
        self._tick_at = None
        self._last_tick = self.now
        orders, cancels = self._limiter.orders_allowed(self.now), self._limiter.cancels_allowed(self.now)
        tick = Tick(self.now, orders, cancels)
        assert self._runner is not None
        actions = self._runner.step(tick)
        self.events, self.actions = self.events + 1, self.actions + len(actions)
        self._digest.add(tick, actions)

    def _beat(self) -> None:
        if self._tick_at is None:
            self._tick()
        self._at(self.now + HEARTBEAT, self._beat)

    def _carry_out(self, action: AnyAction) -> None:
        if isinstance(action, RequestAction):
            self._converse(action)
        elif isinstance(action, Resubscribe):
            self._session.resubscribe(self.now, action.ticker)
            self._send_commands()
        elif isinstance(action, Stop):
            self.stop = action

    # -- requests ------------------------------------------------------------------------------------------
    def _converse(self, action: RequestAction) -> None:
        conversation = call(action, self.now)
        self._ask(conversation, next(conversation))

    def _ask(self, conversation: Conversation[AnyEvent], request: HttpRequest) -> None:
        """One request on its way. Where it is lost, before the venue or after, only the venue knows."""
        self._limiter.spend(request.cost, self.now)
        network, weather = self._network, self._network.weather
        if network.happens(weather.request_lost):
            self._lose(conversation)
            return

        def arrive() -> None:
            response = self._answer(request)
            if network.happens(weather.answer_lost):
                self._lose(conversation)
            else:
                self._at(self.now + network.answer_delay(), lambda: self._hear(conversation, response))

        self._at(self.now + network.delay(), arrive)

    def _lose(self, conversation: Conversation[AnyEvent]) -> None:
        nothing = HttpResponse(0, 0, error="no answer in time", was_sent=True)
        self._at(self.now + self._network.weather.timeout, lambda: self._hear(conversation, nothing))

    def _answer(self, request: HttpRequest) -> HttpResponse:
        return answer(self._exchange, self._user_id, self.now, request)

    def _hear(self, conversation: Conversation[AnyEvent], response: HttpResponse) -> None:
        response = HttpResponse(
            self.now, response.status, response.body, error=response.error, was_sent=response.was_sent
        )
        try:
            request = conversation.send(response)
        except StopIteration as done:
            event: AnyEvent = done.value
            self._step((event,))
            if self._network.happens(self._network.weather.answer_repeated):
                self._at(self.now + self._network.answer_delay(), lambda: self._step((event,)))
            return
        self._ask(conversation, request)

    # -- the feed ------------------------------------------------------------------------------------------
    def _connect(self) -> None:
        self._epoch += 1
        epoch = self._epoch
        self._link_free_at = self.now
        self._connection = self._exchange.connect(
            self.now, self._user_id, lambda frame: self._carry_frame(epoch, frame)
        )
        self._command(self._session.connected(self.now))
        life = self._network.next_break()
        if life is not None:
            self._at(self.now + life, lambda: self._break(epoch, "connection reset"))

    def _carry_frame(self, epoch: int, frame: str) -> None:
        """Frames of one connection arrive in the order in which they were sent."""
        arrival = max(self._exchange.venue.now + self._network.delay(), self._link_free_at)
        self._link_free_at = arrival
        self._at(arrival, lambda: self._take_frame(epoch, frame))

    def _take_frame(self, epoch: int, frame: str) -> None:
        if epoch != self._epoch or self._connection is None:
            return
        self._step(self._session.receive(self.now, frame))
        self._send_commands()

    def _send_commands(self) -> None:
        self._command(self._session.outgoing())

    def _command(self, texts: Sequence[str]) -> None:
        connection = self._connection
        for text in texts:
            self._at(self.now + self._network.delay(), partial(self._speak, connection, text))

    def _speak(self, connection: Connection | None, text: str) -> None:
        if connection is not None and connection is self._connection:
            connection.command(self.now, text)

    def _break(self, epoch: int, reason: str) -> None:
        if epoch != self._epoch or self._connection is None:
            return
        self._connection.close()
        self._connection = None
        self._step(self._session.disconnected(self.now, reason))
        self._at(self.now + RECONNECT_AFTER, self._connect)

    def _session_beat(self) -> None:
        self._session.on_time(self.now)
        if self._session.wants_reconnect:
            self._break(self._epoch, self._session.wants_reconnect)
        self._send_commands()
        self._at(self.now + SESSION_BEAT, self._session_beat)

    # -- everybody else ------------------------------------------------------------------------------------
    def _turn_venue(self) -> None:
        """The venue's own time: expiry, closing, and whoever else wants to trade now."""
        self._exchange.advance(self.now)
        wake = self._exchange.next_wake()
        if wake is not None:
            self._at(max(wake, self.now + 1), self._turn_venue)
