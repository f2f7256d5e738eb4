"""The crank in real time: whatever has arrived is taken in, then a Tick falls, then we sleep.

The feed and the gateway's threads put events in; nothing in here decides, retries or skips.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from typing import Protocol, TypeVar

from mm.core.actions import AnyAction, Reconnect, Resubscribe, Stop, Withhold
from mm.core.events import AnyEvent, Command, CommandKind, Tick
from mm.core.units import MILLISECOND, SECOND, Nanos
from mm.drivers.runner import Runner
from mm.kalshi.calls import RequestAction

HEARTBEAT: Nanos = 250 * MILLISECOND
T = TypeVar("T")


class Allowance(Protocol):
    """How many requests the rate limits allow now."""

    def orders_allowed(self, now: Nanos) -> int: ...

    def cancels_allowed(self, now: Nanos) -> int: ...


class Outward(Protocol):
    """Where actions go: the gateway for requests, the feed for snapshots."""

    def submit(self, action: RequestAction) -> None: ...

    def resubscribe(self, ticker: str) -> None: ...

    def reconnect(self, reason: str) -> None: ...

    def withhold(self) -> None: ...


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
    ``write`` hands the lines of those who watch to the operating system: after each Tick, and before the
    next, so what a killed process did before its last Tick but one is in their files.
    """

    def __init__(
        self,
        clock: Callable[[], Nanos],
        allowance: Allowance,
        tick_interval: Nanos,
        timed: Iterable[Timed] = (),
        write: Callable[[], None] = lambda: None,
    ) -> None:
        self._clock = clock
        self._allowance = allowance
        self._tick_interval = tick_interval
        self._timed = tuple(timed)
        self._write = write
        self._is_unwritten = False
        self._loop = asyncio.get_running_loop()
        self.inbox = Inbox(self._loop, self._pump)
        self._runner: Runner | None = None
        self._stopped: asyncio.Future[Stop] = self._loop.create_future()
        self._last_tick: Nanos = 0
        self._tick_timer: asyncio.TimerHandle | None = None
        self._beat_timer: asyncio.TimerHandle | None = None
        self._is_without_journal = False
        self._may_tick = False
        self.loop_lag: Nanos = 0
        self.ticks = 0

    async def before(self, runner: Runner, work: Coroutine[None, None, T]) -> T:
        """What ``work`` finds, while time passes and events go through, but no Tick falls: nothing is decided
        before `run`. A fault in a step, or of ``work``, ends both."""
        self._start(runner)
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait((task, self._stopped), return_when=asyncio.FIRST_COMPLETED)
            if self._stopped.done():
                self._stopped.result()
            return await task
        except BaseException:
            self._rest()
            raise
        finally:
            task.cancel()

    async def run(self, runner: Runner) -> Stop:
        """Turn the crank until the engine says Stop. A fault in a step ends the run with its exception."""
        self._may_tick = True
        if self._runner is None:
            self._start(runner)
        try:
            return await self._stopped
        finally:
            self._rest()

    def _start(self, runner: Runner) -> None:
        self._runner = runner
        self._beat(self._clock())

    def _rest(self) -> None:
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
        elif isinstance(action, Reconnect):
            outward.reconnect(action.reason)
        elif isinstance(action, Withhold):
            outward.withhold()
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
            if not self._may_tick:
                self._write_down(self._runner, self._clock())
            elif wait <= 0:
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
        self._write_lines()
        now = self._last_tick = self._clock()
        self.ticks += 1
        orders, cancels = self._allowance.orders_allowed(now), self._allowance.cancels_allowed(now)
        self._runner.step(Tick(now, orders, cancels))
        self._write_soon()
        self._write_down(self._runner, now)

    def _write_down(self, runner: Runner, now: Nanos) -> None:
        """The disk's refusal is a fact for the engine: quotes are pulled while nothing can be written down,
        and come back when it can."""
        runner.flush()
        is_without = runner.storage_fault is not None
        if is_without and not self._is_without_journal:
            self._is_without_journal = True
            self.inbox.put((Command(now, CommandKind.STORAGE_LOST, f"journal: {runner.storage_fault}"),))
        elif self._is_without_journal and not is_without:
            self._is_without_journal = False
            back = Command(now, CommandKind.STORAGE_BACK, "the journal can be written again")
            self.inbox.put((back,))

    def _write_soon(self) -> None:
        """Not at once: first the loop looks for input, and the threads that send get their turn."""
        self._is_unwritten = True
        self._loop.call_soon(self._write_lines)

    def _write_lines(self) -> None:
        if not self._is_unwritten:
            return
        self._is_unwritten = False
        try:
            self._write()
        except BaseException as fault:
            self.fail(fault)
            raise

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
