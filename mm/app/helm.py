"""All by which a person steers a running bot, joined: the socket, the kill switch, the configuration that is
read again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final

from mm.app.cancel_all import Sweep, plain
from mm.app.connect import Line
from mm.app.control import serving
from mm.app.control_words import Answer, refusal
from mm.app.errors import REFUSED
from mm.app.kill_switch import KillSwitch, KillSwitchWatch
from mm.app.operator import Echo, Operator, Reach
from mm.app.reload import Place, Reload
from mm.app.service import Service
from mm.config.model import Config
from mm.core.actions import Alert
from mm.core.engine import Engine
from mm.core.events import AnyEvent, Command, Reconfigure
from mm.core.settings import EngineSettings
from mm.core.units import Nanos
from mm.kalshi.guard import HardCaps
from mm.observe.house import RunFiles

PROOF_SECONDS: Final = 30.0


class Helm:
    """``reread`` reads the configuration of this run again; ``facts`` are what `kmm status` says of the
    process. `take` joins it to an engine, once; `on_time` wants to be called at every beat."""

    def __init__(
        self,
        run_dir: Path,
        environment: Mapping[str, str],
        config: Config,
        reread: Callable[[], Config],
        facts: Mapping[str, object],
        service: Service,
    ) -> None:
        self.switch = KillSwitch(run_dir, environment)
        self.echo = Echo()
        self._reloads: set[asyncio.Task[Answer]] = set()
        self._run_dir = run_dir
        self._config = config
        self._reread = reread
        self._service = service
        self._facts = facts

    def take(
        self,
        engine: Engine,
        files: RunFiles,
        put: Callable[[Iterable[AnyEvent]], None],
        clock: Callable[[], Nanos],
        line: Line,
        remark: Callable[[], str],
    ) -> None:
        """``put`` hands events to the engine, and a kill switch that is on is the first of them. ``remark``:
        what the start waits for."""
        log = files.logger.bind(logger="mm.app")

        def say(command: Command) -> None:
            put((command,))

        async def apply(settings: EngineSettings) -> None:
            event = Reconfigure(clock(), settings)
            put((event,))
            await self.echo.after(event)
            line.guard.caps = HardCaps(settings.hard_cap_count, settings.hard_cap_value)

        def announce(alert: Alert) -> None:
            files.announce(alert, time.time_ns())

        async def prove() -> Answer:
            if self._facts["dry_run"]:
                return refusal(REFUSED, "a dry run has nothing to prove: it sends nothing")
            sweep = Sweep(line.carry_out, f"{engine.settings.instance}-")
            return dict(plain(await asyncio.to_thread(sweep.run, PROOF_SECONDS)))

        self._watch = KillSwitchWatch(self.switch, say, clock)
        place = Place(self._reread, lambda: engine.settings, apply, announce, log)
        self._reload = Reload(self._config, place)
        self._operator = Operator(
            Reach(
                engine=engine,
                say=say,
                clock=clock,
                echo=self.echo,
                switch=self.switch,
                watch=self._watch,
                reload=self.reload,
                prove=prove,
                log=log,
                facts=self._facts,
                remark=remark,
            )
        )
        self._watch.look()

    def on_time(self, now: Nanos) -> None:
        self._watch.on_time(now)

    async def reload(self, reason: str) -> Answer:
        """Whoever started us is told that it goes on."""
        self._service.reloading()
        try:
            return await self._reload(reason)
        finally:
            self._service.ready()

    def serving(self) -> AbstractAsyncContextManager[None]:
        """The socket, for the time of the block.

        :raises CannotRun: if it cannot be made.
        """
        return serving(self._run_dir, self._operator.carry_out)

    def reload_soon(self, reason: str) -> None:
        """For a signal, which waits for no answer."""
        task = asyncio.ensure_future(self.reload(reason))
        self._reloads.add(task)
        task.add_done_callback(self._reloads.discard)
