"""The crank while a start still reads: time passes and words are heard, but nothing is decided."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest

from mm.core.actions import AnyAction
from mm.core.engine import Engine, Mode
from mm.core.events import AnyEvent, CommandKind, Tick
from mm.core.picture import Observed
from mm.core.settings import EngineSettings
from mm.core.units import MILLISECOND, Nanos
from mm.drivers.live import Live
from mm.drivers.runner import NoJournal, Runner
from mm.kalshi.limiter import Bucket, Limiter

PATIENCE_SECONDS = 60.0


class Beats:
    """Counts the beats of the loop; ``fault`` is raised at the next one."""

    def __init__(self) -> None:
        self.beaten = asyncio.Event()
        self.fault: Exception | None = None

    def on_time(self, now: Nanos) -> None:
        self.beaten.set()
        if self.fault is not None:
            raise self.fault


class Story:
    """A real engine on a real loop; what goes through it is noted."""

    def __init__(self) -> None:
        self.beats = Beats()
        self.seen: list[str] = []
        self.engine = Engine(EngineSettings("kmm", "r", ()), {})
        self.live = Live(time.time_ns, Limiter(Bucket(100, 100)), 10 * MILLISECOND, (self.beats,))
        self.runner = Runner(self.engine, lambda action: None, NoJournal(), [self])
        self.ticked = asyncio.Event()

    def on_step(self, event: AnyEvent, actions: Sequence[AnyAction], engine: Observed) -> None:
        self.seen.append(type(event).__name__)
        if isinstance(event, Tick):
            self.ticked.set()

    async def beat(self) -> None:
        """Wait for one that is still to come."""
        self.beats.beaten.clear()
        await self.beats.beaten.wait()


def test_commands_go_through_and_ticks_wait_for_the_run() -> None:
    async def tell() -> None:
        story = Story()

        async def reads() -> str:
            story.live.command(CommandKind.PAUSE, "lunch")
            await story.beat()
            await story.beat()
            return "read"

        assert await story.live.before(story.runner, reads()) == "read"
        assert story.seen == ["Command"]
        assert story.engine.mode is Mode.PAUSED
        run = asyncio.create_task(story.live.run(story.runner))
        await story.ticked.wait()
        run.cancel()
        await asyncio.wait([run])
        assert set(story.seen) == {"Command", "Tick"}

    asyncio.run(asyncio.wait_for(tell(), PATIENCE_SECONDS))


def test_a_fault_of_ours_ends_the_reads_with_it() -> None:
    async def tell() -> bool:
        story = Story()
        was_ended = False

        async def reads() -> None:
            nonlocal was_ended
            story.beats.fault = ZeroDivisionError("ours")
            try:
                await asyncio.Event().wait()
            finally:
                was_ended = True

        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        with pytest.raises(ZeroDivisionError, match="ours"):
            await story.live.before(story.runner, reads())
        await asyncio.sleep(0)
        return was_ended

    assert asyncio.run(asyncio.wait_for(tell(), PATIENCE_SECONDS))


def test_reads_that_fail_stop_the_beat() -> None:
    async def tell() -> None:
        story = Story()

        async def reads() -> None:
            raise LookupError("no market fits")

        with pytest.raises(LookupError):
            await story.live.before(story.runner, reads())
        story.beats.beaten.clear()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(story.beats.beaten.wait(), 0.6)

    asyncio.run(asyncio.wait_for(tell(), PATIENCE_SECONDS))
