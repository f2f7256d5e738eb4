"""`kmm run`: from a configuration to a finished run. Opens files first, then the exchange, then trades."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import msgspec

from mm import __version__
from mm.alerts.file import AlertFile
from mm.app.alerting import Alarms, AlarmWatch, alert_rules, open_alarms
from mm.app.audience import Audience
from mm.app.audit import Audit
from mm.app.child import simulated_exchange
from mm.app.clock import steady_clock
from mm.app.crash import tell_crash
from mm.app.errors import REFUSED, WRONG_CONFIGURATION, CannotRun
from mm.app.helm import Helm
from mm.app.last_run import Ended, crash_of, fills_since, read_former, written_down
from mm.app.lock import hold_lock
from mm.app.memory import recall
from mm.app.notify import NotifyError
from mm.app.service import Service, service_of
from mm.app.signals import heeded_while_starting
from mm.app.summary import exit_code
from mm.app.trade import Ending, Trade, Wish
from mm.app.waiting import Waiting
from mm.config.credentials import KEY_ID, KEY_PATH, Credentials, read_credentials
from mm.config.errors import ConfigErrors
from mm.config.exchange import Endpoints
from mm.config.model import Config
from mm.config.settings import engine_settings
from mm.config.show import config_hash
from mm.core.actions import Alert, AlertLevel
from mm.core.settings import EngineSettings
from mm.core.units import Nanos
from mm.kalshi.paths import ENDPOINTS
from mm.observe.append import StorageError
from mm.observe.heartbeat import Process
from mm.observe.house import LeftBehind, RunFiles, RunSettings, open_run_files
from mm.observe.journal import Journal
from mm.observe.names import UnsafeName
from mm.observe.observer import Observer
from mm.observe.redact import Redactor

JOURNAL = "journal"
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Options:
    """The command line. ``reset_breaker``: a person's reason for trading again after a trip. ``log_stream``:
    where log lines go besides the files; standard output if not said, unless a person watches that.
    ``reread`` reads the same configuration again, as it is then; without it a reload finds no change.
    ``config_file`` is where it stands, for those who look at the files of the run later."""

    wish: Wish
    run_dir: Path
    live: bool = False
    reset_breaker: str = ""
    log_stream: TextIO | None = None
    reread: Callable[[], Config] | None = None
    config_file: Path | None = None


def run_name() -> str:
    """Unique to this start for ever: milliseconds since the epoch, in few letters. No two starts of one
    instance share it, because the lock keeps them apart by more than that."""
    number, name = time.time_ns() // 1_000_000, ""
    while number:
        number, digit = divmod(number, 36)
        name = DIGITS[digit] + name
    return name


def run(config: Config, options: Options, environment: Mapping[str, str]) -> Ending:
    """Trade until told to stop.

    :raises CannotRun: in words for the operator, with the exit code.
    """
    if config.exchange.environment == "production" and not options.live and not options.wish.dry_run:
        raise CannotRun("production is real money: say so with --live (or try --dry-run)", REFUSED)
    with ExitStack() as last, ExitStack() as stack:
        stack.enter_context(hold_lock(options.run_dir))
        stack.enter_context(heeded_while_starting())
        redactor, former = Redactor(), read_former(options.run_dir)
        alarms = open_alarms(config, environment, options.run_dir, redactor)
        untold_since = fills_since(former, _exchange(config), time.time_ns())
        crash = crash_of(former)
        left = LeftBehind(untold_since, options.run_dir / JOURNAL, was_killed=crash is not None)
        files, audience = _open_files(config, options, redactor, alarms, left, stack)
        ended = _written_down(config, options, untold_since, stack)
        if crash is not None:
            files.announce(crash, time.time_ns())
        with _told_in(files, ended):
            settings = msgspec.structs.replace(
                _settings(config, files, options), fills_since=untold_since or 0
            )
            endpoints, credentials = _way_to_exchange(config, environment, stack)
            redactor.register(credentials.key_id)
            journal = _journal(config, settings, options, redactor, stack)
            log = files.logger.bind(logger="mm.app")
            waiting = Waiting(log, files.announce, steady_clock(), alert_rules(config.alerts))
            audience.join(*_screen(options, waiting, last))
            service = _service(config, environment, redactor)
            audience.join(service)
            helm = _helm(config, options, environment, service)
            trade = Trade(config, options.wish, settings, files, journal, audience, service, helm, waiting)
            ending = asyncio.run(trade.run(endpoints, credentials))
            _tell_comparison(files, ending.audit)
            ended.exit_code, ended.reason = exit_code(ending), ending.stop.reason
            return ending


@contextmanager
def _told_in(files: RunFiles, ended: Ended) -> Iterator[None]:
    """Whoever only watches the files must see there, too, why a run did not start, or what ended it."""
    try:
        yield
    except (CannotRun, ConfigErrors) as problem:
        code = problem.exit_code if isinstance(problem, CannotRun) else WRONG_CONFIGURATION
        text = f"could not start: {'; '.join(str(problem).splitlines())}"
        details = (("exit_code", code),)
        ended.exit_code, ended.reason = code, text
        files.logger.error("start_failed", logger="mm.app", message=text)
        files.announce(Alert(AlertLevel.CRITICAL, "bot_shutdown", text, details=details), time.time_ns())
        raise
    except Exception as fault:
        tell_crash(files, fault, time.time_ns())
        raise


def _tell_comparison(files: RunFiles, audit: Audit | None) -> None:
    """The last look, where those see it who see no standard output; a difference is worth an alert."""
    agrees = audit.is_clean if audit else None
    resting = len(audit.resting) if audit else None
    different = [line.name for line in audit.lines if line.difference] if audit else None
    facts = {"agrees": agrees, "resting_orders": resting, "different": different}
    files.logger.info("books_compared", logger="mm.app", **facts)
    if not agrees:
        text = "ours and the exchange's books differ" if audit else "the books could not be compared"
        details = tuple((name, str(value)) for name, value in facts.items())
        alert = Alert(AlertLevel.CRITICAL, "order_anomaly", f"at the end, {text}", details=details)
        files.announce(alert, time.time_ns())


def _exchange(config: Config) -> str:
    """Empty for one that a run starts itself: it is a new one each time."""
    return "" if config.exchange.endpoints is None else config.exchange.endpoints.rest_url


def _open_files(
    config: Config,
    options: Options,
    redactor: Redactor,
    alarms: Alarms,
    left: LeftBehind,
    stack: ExitStack,
) -> tuple[RunFiles, Audience]:
    is_terminal = sys.stdout.isatty()
    if not is_terminal:
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    try:
        files = open_run_files(
            RunSettings(
                run_dir=options.run_dir,
                desks={name: desk.strategy for name, desk in config.desks.items()},
                started=time.time_ns(),
                process=Process(os.getpid(), __version__),
                alert_file=AlertFile,
                endpoints=ENDPOINTS,
                more_sinks=alarms.sinks,
                alert_rules=alert_rules(config.alerts),
                redactor=redactor,
                log_level=config.log.level,
                log_form=config.log.format,
                stream=options.log_stream or (None if is_terminal else sys.stdout),
                left_behind=left,
            )
        )
    except (StorageError, UnsafeName) as error:
        raise CannotRun(f"cannot write in {options.run_dir}: {error}") from error
    stack.callback(files.close)
    audience = Audience(files)
    stack.callback(audience.close)
    audience.join(AlarmWatch(alarms, files.logger, files.announce))
    return files, audience


def _settings(config: Config, files: RunFiles, options: Options) -> EngineSettings:
    """A breaker that was tripped stays tripped, whatever ended the process, until a person says why not."""
    settings = engine_settings(config, run_name(), {})
    simulated = config.exchange.simulated
    if config.exchange.endpoints is None and simulated.tape is not None:
        settings = msgspec.structs.replace(settings, market_speed_permille=int(simulated.speed * 1_000))
    recalled = recall(files.statuses, options.reset_breaker)
    for alert in recalled.alerts:
        is_reset = alert.level is AlertLevel.INFO
        word = "circuit_breaker_reset" if is_reset else "circuit_breaker_still_tripped"
        reason = {"reason": options.reset_breaker} if is_reset and options.reset_breaker else {}
        files.logger.warning(word, logger="mm.app", message=alert.message, **reason)
        files.announce(alert, time.time_ns())
    return msgspec.structs.replace(
        settings, memory=recalled.memory, account=_exchange(config) or settings.run
    )


def _way_to_exchange(
    config: Config, environment: Mapping[str, str], stack: ExitStack
) -> tuple[Endpoints, Credentials]:
    endpoints = config.exchange.endpoints
    if endpoints is None:
        started = stack.enter_context(simulated_exchange(config.exchange.simulated))
        return Endpoints(started.rest_url, started.ws_url), Credentials(
            started.key_id, Path(started.private_key_path)
        )
    credentials = read_credentials(environment)
    if credentials is None:
        raise CannotRun(f"{KEY_ID} and {KEY_PATH} are not set: who are we at {endpoints.rest_url}?", REFUSED)
    return endpoints, credentials


def _written_down(config: Config, options: Options, untold_since: Nanos | None, stack: ExitStack) -> Ended:
    process, now = Process(os.getpid(), __version__), time.time_ns()
    config_file = str(options.config_file.absolute()) if options.config_file else ""
    try:
        return stack.enter_context(
            written_down(options.run_dir, process, now, _exchange(config), untold_since, config_file)
        )
    except StorageError as error:
        raise CannotRun(f"cannot write in {options.run_dir}: {error}") from error


def _helm(config: Config, options: Options, environment: Mapping[str, str], service: Service) -> Helm:
    facts = {
        "pid": os.getpid(),
        "version": __version__,
        "environment": config.exchange.environment,
        "dry_run": options.wish.dry_run,
        "started": time.time(),
        "config_hash": config_hash(config),
    }
    return Helm(options.run_dir, environment, config, options.reread or (lambda: config), facts, service)


def _service(config: Config, environment: Mapping[str, str], redactor: Redactor) -> Service:
    """Whoever started us, if that is a manager which wants to hear of us."""
    try:
        return service_of(environment, redactor.text, 2 * config.quoting.min_tick_interval_ms.nanos)
    except NotifyError as problem:
        raise CannotRun(str(problem), WRONG_CONFIGURATION) from None


def _journal(
    config: Config, settings: EngineSettings, options: Options, redactor: Redactor, stack: ExitStack
) -> Journal:
    """Its header holds all that a replay needs."""
    header: dict[str, object] = {
        "program": __version__,
        "started": time.time_ns(),
        "config_hash": config_hash(config),
        "settings": msgspec.to_builtins(settings),
        "params": {name: msgspec.to_builtins(_floats(desk.params)) for name, desk in config.desks.items()},
    }
    try:
        journal = Journal(options.run_dir / JOURNAL, header, scrub=redactor.line)
    except StorageError as error:
        raise CannotRun(f"no journal, no trading: {error}") from error
    stack.callback(journal.close)
    return journal


def _floats(params: Mapping[str, object]) -> dict[str, object]:
    return {
        name: value if isinstance(value, bool | int | str) else float(str(value))
        for name, value in params.items()
    }


def _screen(options: Options, waiting: Waiting, last: ExitStack) -> list[Observer]:
    """A live table, if a person is looking. His terminal may hang: it is left last."""
    if options.log_stream is not None or not sys.stdout.isatty():
        return []
    from mm.observe.screen import Screen, own_terminal

    screen = Screen(own_terminal(), lambda: waiting.text)
    last.callback(screen.leave)
    return [screen]
