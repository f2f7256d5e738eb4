"""One run, from connecting to the last look: everything is joined here, and taken apart in reverse."""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from mm.app.alerting import alert_rules
from mm.app.allowance import AllowanceWatch
from mm.app.attestation import AttestationWatch
from mm.app.audience import Audience
from mm.app.audit import Audit, OpeningNotes
from mm.app.clock import SteadyClock
from mm.app.connect import Line
from mm.app.crash import tell_crash
from mm.app.discovery import Discovery
from mm.app.errors import CannotRun
from mm.app.exchange_hours import ExchangeHours
from mm.app.exposure_watch import ExposureWatch
from mm.app.feed_notes import FeedNotes
from mm.app.helm import Helm
from mm.app.last_look import cancel_everything, last_look
from mm.app.looking import Looking
from mm.app.outward import DryRun, Outward
from mm.app.rate_use import RateUse
from mm.app.rounds import go_round
from mm.app.service import Health, Service
from mm.app.signals import heeded, too_early
from mm.app.waiting import Waiting
from mm.config.credentials import Credentials
from mm.config.exchange import Endpoints
from mm.config.model import Config
from mm.config.strategies import strategy_of
from mm.core.actions import Stop
from mm.core.desk import StrategyFactory
from mm.core.engine import Engine, Mode
from mm.core.events import AnyEvent, Command, CommandKind
from mm.core.settings import EngineSettings
from mm.core.units import SECOND, Nanos
from mm.drivers.live import Live
from mm.drivers.runner import Runner
from mm.drivers.timing import timed
from mm.kalshi.endpoint import endpoint
from mm.kalshi.feed import Feed
from mm.kalshi.listing import MarketListing
from mm.kalshi.session import Session
from mm.observe.heartbeat import READ_LIMIT_USED, WRITE_LIMIT_USED
from mm.observe.house import RunFiles
from mm.observe.journal import Journal
from mm.observe.observer import Shown
from mm.sources.lines import LineSource

LOOK_FOR_MARKETS_EVERY: Final[Nanos] = 5 * SECOND
ONCE_PATIENCE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Wish:
    """What the operator asked for on the command line."""

    seconds: float | None = None
    once: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Ending:
    """``audit`` is ``None`` if the exchange could not be read any more."""

    stop: Stop
    audit: Audit | None
    engine: Engine


def factories(config: Config) -> Mapping[str, StrategyFactory]:
    """How each desk makes its strategy."""

    def factory(name: str) -> StrategyFactory:
        strategy, params = strategy_of(config.desks[name])
        return lambda: strategy(params)  # type: ignore[call-arg]

    return {name: factory(name) for name in config.desks}


class Watch:
    """Gives the audience its time, and ends a run that was asked for one cycle only."""

    def __init__(self, audience: Audience, engine: Engine, finish: Callable[[], None] | None) -> None:
        self._audience = audience
        self._engine = engine
        self._finish = finish

    def on_time(self, now: Nanos) -> None:
        self._audience.on_time(now, Shown(self._engine))
        if self._finish is not None and self._has_cycled():
            self._finish()
            self._finish = None

    def _has_cycled(self) -> bool:
        """Quoting, and every order that was decided was answered; or halted, and the account was read."""
        orders = list(self._engine.know.orders)
        if self._engine.mode is Mode.HALTED:
            return not orders and self._engine.know.ledger.opening_cash is not None
        return self._engine.mode is Mode.QUOTING and bool(orders) and all(order.is_idle for order in orders)


class Trade:
    """``audience`` is all who watch, ``service`` among them, which speaks to who started us; ``helm`` is by
    what a person steers, ``waiting`` is how long a start tries."""

    def __init__(
        self,
        config: Config,
        wish: Wish,
        settings: EngineSettings,
        files: RunFiles,
        journal: Journal,
        audience: Audience,
        service: Service,
        helm: Helm,
        waiting: Waiting,
    ) -> None:
        self._config, self._wish, self._settings = config, wish, settings
        self._files, self._journal = files, journal
        self._service, self._helm, self._waiting = service, helm, waiting
        self._live: Live | None = None
        self._stopped_by = ""
        self._is_trading = False
        self._audience = audience
        self._log = files.logger.bind(logger="mm.app")
        self._clock = SteadyClock(tell=self._complain_of_clock)
        self._notes = OpeningNotes()

    async def run(self, endpoints: Endpoints, credentials: Credentials) -> Ending:
        """Until the engine stops.

        :raises CannotRun: if the exchange cannot be used or has nothing to quote, or a signal ended it before
            it had begun.
        """
        self._task = asyncio.current_task()
        with heeded(self._shut_down, self._hang_up):
            switch, stopwatch = self._helm.switch.reason, self._files.stopwatch.request
            line = Line(self._config, endpoints, credentials, self._clock, stopwatch, switch)
            try:
                return await self._trade(line)
            except asyncio.CancelledError:
                if not self._stopped_by:
                    raise
                raise too_early(self._stopped_by) from None
            finally:
                await line.close()

    async def _trade(self, line: Line) -> Ending:
        engine = Engine(self._settings, factories(self._config))
        discovery = Discovery(self._config, line.hold, self._clock, engine.know.markets.get)
        hours = ExchangeHours(line.hold, self._clock, self._complain)
        live = self._live = self._crank(engine, line)
        feed = self._feed(line, live)
        runner = self._runner(line, live, feed, engine)
        self._service.remark = self._remark
        self._service.examine = lambda: Health(live.loop_lag, engine.now, runner.storage_fault is None)
        async with self._helm.serving():
            try:
                async with self._faults_told(line):
                    events, listings = await live.before(runner, self._first_reads(line, discovery, hours))
                self._is_trading = True
                feed.session.subaccount = line.gateway.subaccount
                feed.add_markets([each.ticker for each in listings], [each.terms for each in listings])
                live.inbox.put(events)
                stop = await self._turn(line, live, runner, feed, discovery, hours)
            finally:
                self._helm.echo.end()
            return Ending(stop, await last_look(line, engine, self._notes), engine)

    async def _first_reads(
        self, line: Line, discovery: Discovery, hours: ExchangeHours
    ) -> tuple[list[AnyEvent], list[MarketListing]]:
        """What must be known before anything is traded, waited for; whoever wants only a short run waits no
        longer than that."""

        async def read() -> tuple[list[AnyEvent], list[MarketListing]]:
            await line.read_limits()
            events, listings = await discovery.first_look()
            return [*await hours.look(), *events], listings

        limit = self._wish.seconds or (ONCE_PATIENCE_SECONDS if self._wish.once else None)
        return await self._waiting.until_done(read, limit)

    @asynccontextmanager
    async def _faults_told(self, line: Line) -> AsyncIterator[None]:
        """A fault of ours before trading, too; what the exchange or a person ended is none."""
        try:
            yield
        except (CannotRun, asyncio.CancelledError):
            raise
        except BaseException as fault:
            await self._crash(line, fault)
            raise

    def _remark(self) -> str:
        return self._waiting.text

    def _crank(self, engine: Engine, line: Line) -> Live:
        """A kill switch that is on is the first that the engine hears."""
        finish = partial(self._shut_down, "one cycle is done") if self._wish.once else None
        interval = self._config.quoting.min_tick_interval_ms.nanos
        self._audience.join(ExposureWatch(engine, self._files.announce))
        watch = Watch(self._audience, engine, finish)
        buckets = {
            WRITE_LIMIT_USED: lambda: line.limiter.bucket,
            READ_LIMIT_USED: lambda: line.gateway.reads,
        }
        beaten = (self._clock, self._helm, RateUse(buckets, self._files.shell), watch)
        live = Live(self._clock, line.limiter, interval, beaten, self._audience.write)
        line.on_fault = live.fail

        def put(events: Iterable[AnyEvent]) -> None:
            """A person's word; one that ends a run ends a start at once, too."""
            for event in events:
                if isinstance(event, Command) and event.kind is CommandKind.SHUTDOWN:
                    self._shut_down(event.reason)
                else:
                    live.inbox.put((event,))

        self._helm.take(engine, self._files, put, self._clock, line, self._remark)
        return live

    def _feed(self, line: Line, live: Live) -> Feed:
        watch = FeedNotes(self._files.stopwatch.aged, self._log)
        session = Session((), random.random, unread=watch.unread)
        where = endpoint(line.endpoints.ws_url)
        self._files.urls["feed"] = line.endpoints.ws_url
        return Feed(where, line.signer, session, live.inbox.put, self._clock, random.random, watch=watch)

    def _runner(self, line: Line, live: Live, feed: Feed, engine: Engine) -> Runner:
        """Answers come back the way requests went out: a dry run answers for the orders it did not send."""
        inbox = live.inbox
        dry = DryRun(line.gateway, lambda event: inbox.put((event,)), self._clock)
        outward = Outward(dry if self._wish.dry_run else line.gateway, feed, line.limiter, self._clock)

        def hear(event: AnyEvent) -> None:
            outward.heard(event)
            inbox.put((dry.heard(event) if self._wish.dry_run else event,))

        line.listen = hear
        carry_out = partial(live.carry_out, outward)
        return Runner(
            engine,
            carry_out,
            self._journal,
            # The last look and the answers to people rest on these two: a fault of theirs ends the run.
            [self._audience, self._notes, self._helm.echo],
            lambda action: inbox.put((outward.refuse(action),)),
            timed(engine.on_event, self._files.stopwatch.decided),
        )

    # -- turning -------------------------------------------------------------------------------------------
    async def _turn(
        self,
        line: Line,
        live: Live,
        runner: Runner,
        feed: Feed,
        discovery: Discovery,
        hours: ExchangeHours,
    ) -> Stop:
        """Run until the engine stops; a fault of ours cancels everything before it ends the process."""
        follow, say = feed.add_markets, live.inbox.put
        has_retired = runner.engine.has_retired
        told = Looking(self._log, self._files.announce, self._clock)
        looking = discovery.keep_looking(
            LOOK_FOR_MARKETS_EVERY, say, follow, told, has_retired, feed.drop_markets
        )
        works = (feed.run(), looking, hours.keep_looking(say), self._rounds(line))
        tasks = [asyncio.create_task(each) for each in works]
        if self._config.references_file is not None:
            source = LineSource(Path(self._config.references_file), self._clock, self._complain_of_source)
            tasks.append(asyncio.create_task(source.run(say)))
        for task in tasks:
            task.add_done_callback(self._check)
        self._set_timers()
        gc.collect()
        gc.freeze()
        try:
            return await live.run(runner)
        except BaseException as fault:
            await self._crash(line, fault)
            raise
        finally:
            feed.close()
            for task in tasks[1:]:
                task.cancel()
            await asyncio.wait(tasks)

    def _rounds(self, line: Line) -> Coroutine[None, None, None]:
        repeat = alert_rules(self._config.alerts).repeat_every
        announce = self._files.announce
        return go_round(
            AllowanceWatch(line, self._log, self._clock),
            AttestationWatch(line.hold, self._log, announce, self._clock, repeat),
        )

    def _set_timers(self) -> None:
        loop = asyncio.get_running_loop()
        if self._wish.seconds is not None:
            loop.call_later(self._wish.seconds, self._shut_down, "the time is over")
        if self._wish.once:
            loop.call_later(ONCE_PATIENCE_SECONDS, self._shut_down, "one cycle took too long")

    async def _crash(self, line: Line, fault: BaseException) -> None:
        tell_crash(self._files, fault, self._clock())
        accepted = self._wish.dry_run or await cancel_everything(line)
        self._log.critical("cancel_all_after_crash", accepted=accepted)

    def _check(self, task: asyncio.Task[None]) -> None:
        """Feed and discovery end only when told; anything else is a fault of ours."""
        if self._live is not None and not task.cancelled() and (fault := task.exception()) is not None:
            self._live.fail(fault)

    def _complain_of_source(self, text: str) -> None:
        self._log.warning("reference_unreadable", message=text)

    def _complain_of_clock(self, step: Nanos) -> None:
        self._log.warning("clock_stepped", seconds=step / SECOND, message="the system's time was set")

    def _complain(self, text: str) -> None:
        self._log.warning("api_error", message=f"API error: {text}")

    # -- signals -------------------------------------------------------------------------------------------
    def _shut_down(self, reason: str) -> None:
        """In order; or at once, before there is anything to put in order."""
        if self._live is not None and self._is_trading:
            self._live.command(CommandKind.SHUTDOWN, reason)
        elif self._task is not None:
            self._stopped_by = reason
            self._task.cancel()

    def _hang_up(self, reason: str) -> None:
        """Before there is an engine the configuration has just been read."""
        if self._live is not None:
            self._helm.reload_soon(reason)
