"""The crank in virtual time: the bot's own session, calls and limiter against the venue in process, through a
seeded network. The same seed gives the same events and actions, on any machine.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from typing import Any, TypeAlias

from mm.core.actions import AnyAction, Reconnect, Resubscribe, Stop
from mm.core.engine import Engine
from mm.core.events import AnyEvent, Command, CommandKind, ExchangeStatus, Tick
from mm.core.units import MILLISECOND, SECOND, Nanos
from mm.drivers.journeys import Journeys
from mm.drivers.live import HEARTBEAT
from mm.drivers.network import Network
from mm.drivers.replay import Digest
from mm.drivers.runner import JournalSink, NoJournal, Runner, StepObserver
from mm.kalshi.calls import RequestAction
from mm.kalshi.limiter import Limiter
from mm.kalshi.session import Session
from mm.sim.exchange import Exchange
from mm.sim.stream_connection import Connection

RECONNECT_AFTER: Nanos = SECOND
SESSION_BEAT: Nanos = 500 * MILLISECOND
STATUS_EVERY: Nanos = 10 * SECOND
# When, a number that no other has, and what: a call on the agenda, a frame on the link.
_Planned: TypeAlias = tuple[Nanos, int, Any]


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
        self._exchange, self._venue, self._user_id = exchange, exchange.venue, user_id
        self._session, self._limiter, self._network = session, limiter, network
        self._journeys = Journeys(self, exchange, user_id, limiter, network)
        self._tick_interval = tick_interval
        self._checks = tuple(checks)
        self._agenda: list[_Planned] = []
        # What is on its way on the link arrives in the order in which it left: no need to sort it in.
        self._frames: deque[_Planned] = deque()
        self._numbers = count()
        self._digest = Digest()
        self._runner: Runner | None = None
        self._connection: Connection | None = None
        self._last_tick: Nanos = 0
        self._tick_at: Nanos | None = None
        self._link_free_at: Nanos = 0
        self._turn_at: Nanos | None = None
        self._epoch = 0
        self._status = (True, True)

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
        self._look_at_status()
        self._turn_at = self.now
        self._turn_venue()

    def run_until(self, end: Nanos) -> None:
        """Let time pass until ``end``, or until the engine says Stop."""
        agenda, frames = self._agenda, self._frames
        while self.stop is None:
            if frames and (not agenda or frames[0] < agenda[0]):  # by time, then by number: no two are equal
                if frames[0][0] > end:
                    break
                self.now, _, frame = frames.popleft()
                self._take_frame(frame)
            elif agenda and agenda[0][0] <= end:
                self.now, _, happen = heapq.heappop(agenda)
                happen()
            else:
                break
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

    def leave(self, tickers: Sequence[str]) -> None:
        """Subscribe to these markets no longer."""
        self._session.drop_markets(tickers)
        self._send_commands()

    # -- what others plan (`journeys.Agenda`) ----------------------------------------------------------------
    def at(self, when: Nanos, happen: Callable[[], None]) -> None:
        """Let something happen; equal times keep the order in which they were planned."""
        heapq.heappush(self._agenda, (when, next(self._numbers), happen))

    def hear(self, event: AnyEvent) -> None:
        """One event for the bot, now."""
        self._step((event,))

    def venue_moved(self) -> None:
        """Turn the exchange when it next has something to do, which may be sooner than it was."""
        wake = self._exchange.next_wake()
        if wake is None:
            return
        when = max(wake, self.now + 1)
        if self._turn_at is None or when < self._turn_at:
            self._turn_at = when
            self.at(when, self._turn_venue)

    # -- the bot's side ------------------------------------------------------------------------------------
    def _step(self, events: Sequence[AnyEvent]) -> None:
        """Events arrive together; a Tick follows when the interval allows."""
        for event in events:
            self._turn(event)
        if events and self._tick_at is None:
            self._tick_at = max(self.now, self._last_tick + self._tick_interval)
            self.at(self._tick_at, self._tick)

    def _tick(self) -> None:
        self._tick_at = None
        self._last_tick = self.now
        orders, cancels = self._limiter.orders_allowed(self.now), self._limiter.cancels_allowed(self.now)
        self._turn(Tick(self.now, orders, cancels))

    def _turn(self, event: AnyEvent) -> None:
        """One event into the engine, and what it decides out."""
        assert self._runner is not None
        actions = self._runner.step(event)
        self.events += 1
        self.actions += len(actions)
        self._digest.add(event, actions)

    def _beat(self) -> None:
        if self._tick_at is None:
            self._tick()
        self.at(self.now + HEARTBEAT, self._beat)

    def _look_at_status(self) -> None:
        """Whether the exchange is open, as it would answer; told when it is another answer, or waited for."""
        assert self._runner is not None
        status = (self._venue.exchange_active, self._venue.trading_active)
        if status != self._status or self._runner.engine.know.hours.closed:
            self._status = status
            self._step((ExchangeStatus(self.now, self.now, *status),))
        self.at(self.now + STATUS_EVERY, self._look_at_status)

    def _carry_out(self, action: AnyAction) -> None:
        if isinstance(action, RequestAction):
            self._journeys.begin(action)
        elif isinstance(action, Resubscribe):
            self._session.resubscribe(self.now, action.ticker)
            self._send_commands()
        elif isinstance(action, Reconnect):
            self._session.reconnect(action.reason)
        elif isinstance(action, Stop):
            self.stop = action

    # -- the feed ------------------------------------------------------------------------------------------
    def _connect(self) -> None:
        self._epoch += 1
        epoch = self._epoch
        self._link_free_at = self.now
        self._connection = self._exchange.connect(
            self.now,
            self._user_id,
            self._carry_frame,
            reset=lambda: self.at(self.now, partial(self._break, epoch, "connection reset")),
        )
        self._command(self._session.connected(self.now))
        life = self._network.next_break()
        if life is not None:
            self.at(self.now + life, lambda: self._break(epoch, "connection reset"))

    def _carry_frame(self, frame: str) -> None:
        """Frames of one connection arrive in the order in which they were sent."""
        arrival = self._venue.now + self._network.delay()
        if arrival < self._link_free_at:
            arrival = self._link_free_at
        self._link_free_at = arrival
        self._frames.append((arrival, next(self._numbers), frame))

    def _take_frame(self, frame: str) -> None:
        self._step(self._session.receive(self.now, frame))
        if self._session.has_outgoing:
            self._send_commands()

    def _send_commands(self) -> None:
        self._command(self._session.outgoing())

    def _command(self, texts: Sequence[str]) -> None:
        connection = self._connection
        for text in texts:
            self.at(self.now + self._network.delay(), partial(self._speak, connection, text))

    def _speak(self, connection: Connection | None, text: str) -> None:
        if connection is not None and connection is self._connection:
            connection.command(self.now, text)
            self.venue_moved()

    def _break(self, epoch: int, reason: str) -> None:
        if epoch != self._epoch or self._connection is None:
            return
        self._connection.close()
        self._connection = None
        self._frames.clear()
        self._step(self._session.disconnected(self.now, reason))
        self.at(self.now + RECONNECT_AFTER, self._connect)

    def _session_beat(self) -> None:
        self._session.on_time(self.now)
        if self._session.wants_reconnect:
            self._break(self._epoch, self._session.wants_reconnect)
        self._send_commands()
        self.at(self.now + SESSION_BEAT, self._session_beat)

    # -- everybody else ------------------------------------------------------------------------------------
    def _turn_venue(self) -> None:
        """The venue's own time: expiry, closing, held frames, and whoever else wants to trade now."""
        if self._turn_at == self.now:  # else another turn, planned later, has come before this one
            self._turn_at = None
            self._exchange.advance(self.now)
            self.venue_moved()
