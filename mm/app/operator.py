"""What each command of a person does to a running bot: it becomes an event of the engine, is logged with its
reason, and is answered when its step is done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from structlog.typing import FilteringBoundLogger

from mm.app.control_words import Answer, CommandName, Request, refusal
from mm.app.errors import FAILED, NOT_PROVEN, REFUSED
from mm.app.kill_switch import KillSwitch, KillSwitchWatch
from mm.app.reason import one_line
from mm.app.state import describe
from mm.core.actions import AnyAction
from mm.core.engine import Engine, Mode
from mm.core.events import AnyEvent, Command, CommandKind, Reconfigure
from mm.core.picture import Observed
from mm.core.units import Nanos
from mm.observe.append import StorageError

NOT_TRIPPED: Final = 2
READS: Final = frozenset[CommandName]({"status", "breaker_show"})
NEEDS_REASON: Final = frozenset[CommandName]({"kill", "breaker_reset"})
OVER: Final = refusal(NOT_PROVEN, "the run is ending")


class Echo:
    """An observer that says when what a person asked for has gone through the engine."""

    def __init__(self) -> None:
        self._waiting: list[tuple[AnyEvent, asyncio.Future[None]]] = []
        self._is_over = False

    def on_step(self, event: AnyEvent, actions: Sequence[AnyAction], engine: Observed) -> None:
        if not self._waiting or not isinstance(event, Command | Reconfigure):
            return
        for waiting in self._waiting:
            # The runner may have dated it anew.
            if msgspec.structs.replace(waiting[0], ts=event.ts) == event:
                self._waiting.remove(waiting)
                self._tell(waiting[1])
                return

    def end(self) -> None:
        """No further step will be made."""
        self._is_over = True
        for _, done in self._waiting:
            self._tell(done)
        self._waiting.clear()

    async def after(self, event: AnyEvent) -> None:
        """Wait until ``event``, which has been handed in, went through, or never will."""
        if not self._is_over:
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((event, done))
            await done

    @property
    def is_over(self) -> bool:
        return self._is_over

    def _tell(self, done: asyncio.Future[None]) -> None:
        if not done.done():
            done.set_result(None)


@dataclass(frozen=True, slots=True)
class Reach:
    """What an operator's word can reach. ``say`` hands a command to the engine; ``facts`` are those of the
    process; ``reload`` reads the configuration again; ``prove`` asks the exchange itself what rests;
    ``remark`` is what the start waits for, empty if it does not."""

    engine: Engine
    say: Callable[[Command], None]
    clock: Callable[[], Nanos]
    echo: Echo
    switch: KillSwitch
    watch: KillSwitchWatch
    reload: Callable[[str], Awaitable[Answer]]
    prove: Callable[[], Awaitable[Answer]]
    log: FilteringBoundLogger
    facts: Mapping[str, object]
    remark: Callable[[], str] = str


class Operator:
    """`carry_out` one request at a time; two at once are two steps, in the order in which they came."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._table: Mapping[CommandName, Callable[[Request], Awaitable[Answer]]] = {
            "status": self._show,
            "breaker_show": self._show,
            "breaker_reset": self._reset,
            "kill": self._kill,
            "resume": self._resume,
            "stop": self._stop,
            "pause": self._pause,
            "cancel_all": self._pause,
            "prove": self._prove,
            "flatten": self._flatten,
            "reload": self._reload,
        }

    async def carry_out(self, request: Request) -> Answer:
        reach = self._reach
        request = msgspec.structs.replace(request, reason=one_line(request.reason))
        if request.command not in READS:
            said = {"command": request.command, "reason": request.reason, "for_desk": request.desk}
            reach.log.warning("operator_command", **said)
            if reach.echo.is_over:
                return OVER
        if request.command in NEEDS_REASON and not request.reason.strip():
            return refusal(NOT_TRIPPED, "a reason is needed")
        try:
            return await self._table[request.command](request)
        except StorageError as fault:
            return refusal(FAILED, str(fault))
        except OSError as error:
            return refusal(FAILED, f"{reach.switch.path}: {error.strerror}")

    def state(self) -> Answer:
        reach = self._reach
        facts = {**reach.facts, "waiting": reach.remark() or None}
        return {"ok": True, **describe(reach.engine, reach.watch.reason, facts)}

    async def _step(self, kind: CommandKind, reason: str, desk: str = "") -> Answer:
        """Through the engine, and the state after it."""
        command = Command(self._reach.clock(), kind, reason, desk)
        self._reach.say(command)
        await self._reach.echo.after(command)
        return self.state()

    async def _show(self, request: Request) -> Answer:
        return self.state()

    async def _reset(self, request: Request) -> Answer:
        reach = self._reach
        if request.desk and request.desk not in reach.engine.desks:
            return refusal(NOT_TRIPPED, f"there is no desk {request.desk}")
        if not reach.engine.know.breaker.is_resettable(request.desk or None):
            if reach.watch.reason:
                return refusal(
                    REFUSED, f"the kill switch is on: {reach.watch.reason}; kmm resume turns it off"
                )
            return refusal(NOT_TRIPPED, self._not_to_be_reset(request.desk))
        return await self._step(CommandKind.RESET, request.reason, request.desk)

    def _not_to_be_reset(self, desk: str) -> str:
        """Why there is nothing to reset; who names a desk may mean the account's trip, or another desk's."""
        trips = self._reach.engine.know.breaker.all_trips()
        if not desk or not trips:
            return "the breaker is not tripped"
        whose = f"of desk {trips[0].desk}" if trips[0].desk else "of the account"
        return f"desk {desk} has no trip of its own; there is one {whose}: {trips[0].reason}"

    async def _kill(self, request: Request) -> Answer:
        """The file first: it outlives whatever happens to us. Then the engine, without waiting for a beat;
        also if the disk takes no file."""
        reach, fault = self._reach, None
        if not reach.switch.reason():
            try:
                await asyncio.to_thread(reach.switch.turn_on, request.reason)
            except StorageError as refused:
                fault = f"{refused}: this process is killed, but a restart will not know of it"
                reach.switch.hold(request.reason)
        is_for_good = reach.switch.is_in_environment
        return {**await self._look(), "warning": fault, "disabled_by_environment": is_for_good}

    async def _resume(self, request: Request) -> Answer:
        reach = self._reach
        reach.switch.turn_off()
        await self._look()
        if reach.watch.reason:
            return refusal(REFUSED, f"still disabled: {reach.watch.reason}")
        return await self._step(CommandKind.RESUME, request.reason or "kmm resume")

    async def _look(self) -> Answer:
        command = self._reach.watch.look()
        if command is not None:
            await self._reach.echo.after(command)
        return self.state()

    async def _stop(self, request: Request) -> Answer:
        return await self._step(CommandKind.SHUTDOWN, request.reason or "kmm stop")

    async def _pause(self, request: Request) -> Answer:
        return await self._step(
            CommandKind.PAUSE, request.reason or f"kmm {request.command.replace('_', '-')}"
        )

    async def _flatten(self, request: Request) -> Answer:
        if self._reach.watch.reason:
            return refusal(REFUSED, f"the kill switch is on: {self._reach.watch.reason}")
        if remark := self._reach.remark():
            return refusal(REFUSED, f"nothing can be closed yet: {remark}")
        return await self._step(CommandKind.FLATTEN, request.reason or "kmm flatten")

    async def _prove(self, request: Request) -> Answer:
        if self._reach.engine.mode is Mode.QUOTING:
            return refusal(REFUSED, "it quotes: pause it first")
        return {**self.state(), **await self._reach.prove()}

    async def _reload(self, request: Request) -> Answer:
        return await self._reach.reload(request.reason or "kmm reload")
