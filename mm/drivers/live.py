"""The crank in real time: whatever has arrived is taken in, then a Tick falls, then we sleep.

The feed and the gateway's threads put events in; nothing in here decides, retries or skips.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

from mm.core.actions import AnyAction, Resubscribe, Stop
from mm.core.events import AnyEvent, Command, CommandKind, Tick
from mm.core.units import MILLISECOND, SECOND, Nanos
from mm.drivers.runner import Runner
from mm.kalshi.calls import RequestAction

HEARTBEAT: Nanos = 250 * MILLISECOND


class Allowance(Protocol):
    """How many requests the rate limits allow now."""

    def orders_allowed(self, now: Nanos) -> int: ...

    def cancels_allowed(self, now: Nanos) -> int: ...


class Outward(Protocol):
    """Where actions go: the gateway for requests, the feed for snapshots."""

    def submit(self, action: RequestAction) -> None: ...

    def resubscribe(self, ticker: str) -> None: ...


class Timed(Protocol):
    """Periodic work of those who only watch."""

    def on_time(self, now: Nanos) -> None: ...


class Inbox:
    """Where everything that happens waits its turn; the loop is woken once for any number of events."""

    def __init__(self, loop: asyncio.AbstractEventLoop, wake: Callable[[], None]) -> None:
        self.events: deque[AnyEvent] = deque()
        self._loop = loop
        self._wake = wake
        self._is_awake = False

    def put(self, events: Iterable[AnyEvent]) -> None:
        """From the loop's own thread only."""
        self.events.extend(events)
        if not self._is_awake:
            self._is_awake = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._is_awake = False
        self._wake()


class Live:
    """``tick_interval``: the least time between two Ticks; one falls at least every `HEARTBEAT`.

    ``clock`` gives nanoseconds since the epoch and never goes back. `run` returns the engine's `Stop`.
    """

    def __init__(
        self,
        clock: Callable[[], Nanos],
        allowance: Allowance,
        tick_interval: Nanos,
        timed: Iterable[Timed] = (),
    ) -> None:
        self._clock = clock
        self._allowance = allowance
        self._tick_interval = tick_interval
        self._timed = tuple(timed)
        self._loop = asyncio.get_running_loop()
        self.inbox = Inbox(self._loop, self._pump)
        self._runner: Runner | None = None
        self._stopped: asyncio.Future[Stop] = self._loop.create_future()
        self._last_tick: Nanos = 0
        self._tick_timer: asyncio.TimerHandle | None = None
        self._beat_timer: asyncio.TimerHandle | None = None
        self._is_without_journal = False
        self.loop_lag: Nanos = 0
        self.ticks = 0

    async def run(self, runner: Runner) -> Stop:
        """Turn the crank until the engine says Stop. A fault in a step ends the run with its exception."""
        self._runner = runner
        self._beat(self._clock())
        try:
            return await self._stopped
        finally:
            for timer in (self._tick_timer, self._beat_timer):
                if timer is not None:
                    timer.cancel()

    def command(self, kind: CommandKind, reason: str) -> None:
        """An operator's word, from a signal or a screen."""
        self.inbox.put((Command(self._clock(), kind, reason),))

    def carry_out(self, outward: Outward, action: AnyAction) -> None:
        """Send one action on its way. An `Alert` is for the observers, who see every action."""
        if isinstance(action, RequestAction):
            outward.submit(action)
        elif isinstance(action, Resubscribe):
            outward.resubscribe(action.ticker)
        elif isinstance(action, Stop) and not self._stopped.done():
            self._stopped.set_result(action)

    # -- one turn ------------------------------------------------------------------------------------------
    def _pump(self) -> None:
        """Everything that has arrived, then a Tick: at once, or when the interval is over."""
        if self._runner is None or self._stopped.done():
            return
        try:
            events = self.inbox.events
            while events:
                self._runner.step(events.popleft())
            wait = self._last_tick + self._tick_interval - self._clock()
            if wait <= 0:
                self._tick()
            elif self._tick_timer is None:
                self._tick_timer = self._loop.call_later(wait / SECOND, self._tick_later)
        except BaseException as fault:
            self.fail(fault)
            raise

    def _tick_later(self) -> None:
        self._tick_timer = None
        self._pump()

    def _tick(self) -> None:
        assert self._runner is not None
        now = self._last_tick = self._clock()
        self.ticks += 1
        orders, cancels = self._allowance.orders_allowed(now), self._allowance.cancels_allowed(now)
        self._runner.step(Tick(now, orders, cancels))
        self._runner.flush()
        self._watch_storage(self._runner, now)

    def _watch_storage(self, runner: Runner, now: Nanos) -> None:
        """The disk's refusal is a fact for the engine: quotes are pulled while nothing can be written down,
        and come back when it can."""
        is_without = runner.storage_fault is not None
        if is_without and not self._is_without_journal:
            self._is_without_journal = True
            self.inbox.put((Command(now, CommandKind.STORAGE_LOST, f"journal: {runner.storage_fault}"),))
        elif self._is_without_journal and not is_without:
            self._is_without_journal = False
            back = Command(now, CommandKind.STORAGE_BACK, "the journal can be written again")
            self.inbox.put((back,))

    def _beat(self, due: Nanos) -> None:
        """Time passes for everybody, also when nothing arrives."""
        now = self._clock()
        self.loop_lag = max(now - due, 0)
        self._beat_timer = self._loop.call_later(HEARTBEAT / SECOND, self._beat, now + HEARTBEAT)
        self._pump()
        try:
            for timed in self._timed:
                timed.on_time(now)
        except BaseException as fault:
            self.fail(fault)
            raise

    def fail(self, fault: BaseException) -> None:
        """A fault of ours, here or elsewhere: the run ends with it, and the caller cancels everything."""
        if not self._stopped.done():
            self._stopped.set_exception(fault)
