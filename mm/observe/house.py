"""All files of a run, opened at once with valid content before anything else happens, and who writes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TextIO

import msgspec
from structlog.typing import FilteringBoundLogger

from mm.core.actions import Alert, AlertLevel
from mm.core.events import RequestKind
from mm.core.units import Nanos
from mm.observe.alert_log import AlertLog
from mm.observe.alert_watch import AlertRules
from mm.observe.alerting import AlertObserver, Record, Sink
from mm.observe.append import StorageError
from mm.observe.desk_files import DeskFiles
from mm.observe.files import Bounds, LineFile
from mm.observe.first_files import first_metrics, first_status, last_status, make_directory
from mm.observe.former_log import FormerLog, read_former_log
from mm.observe.heartbeat import Heartbeat, Process
from mm.observe.history import history_before
from mm.observe.journal_reader import JournalError
from mm.observe.left_behind import append_left_behind
from mm.observe.log import Form, RunLog
from mm.observe.log_observer import LogObserver
from mm.observe.metrics import MetricsFiles
from mm.observe.names import check_name, inside
from mm.observe.observer import Observer
from mm.observe.redact import Redactor
from mm.observe.replace import Replacer
from mm.observe.status import BreakerStatus, BreakerStatusFiles
from mm.observe.stopwatch import Stopwatch
from mm.observe.tables import ACTIONS, LATENCIES, LOOPS, ActionTable, LatencyTable, LoopTable
from mm.observe.trading import TradingLog

MakeRecord = Callable[[LineFile], Record]


class LeftBehind(msgspec.Struct, frozen=True):
    """What former runs did not tell. ``fills_since``: fills of this account from then on that no file has are
    told by this run; None if none can have been missed. ``journal``: theirs. ``was_killed``: the last was,
    so that its last lines may be there alone."""

    fills_since: Nanos | None = None
    journal: Path | None = None
    was_killed: bool = False


class RunSettings(msgspec.Struct, frozen=True):
    """``desks``: strategy by desk name. ``stream``: where log lines go besides the files, None for nowhere.
    ``alert_file`` makes the record of ``alerts.jsonl``; ``more_sinks`` are ways to deliver;
    ``alert_rules`` say what is worth an alert, and how often. ``endpoints``: the path of each kind of
    request, for the log."""

    run_dir: Path
    desks: Mapping[str, str]
    started: Nanos
    process: Process
    alert_file: MakeRecord
    more_sinks: Sequence[Sink] = ()
    alert_rules: AlertRules = AlertRules()
    redactor: Redactor = Redactor()
    log_level: str = "info"
    log_form: Form = "json"
    stream: TextIO | None = None
    bounds: Bounds = Bounds()
    endpoints: Mapping[RequestKind, str] = {}
    left_behind: LeftBehind = LeftBehind()


class RunFiles(msgspec.Struct, frozen=True):
    """``observers`` in the order in which to call them; whoever drives them closes each, then calls `close`.
    One that is taken out of the list hears no measures of the shell any more.
    ``statuses`` are the breaker files as the last run left them (None at the very first start of a desk):
    tripped stays tripped. ``stopwatch`` takes the measures of the shell;
    ``urls`` the address of each link, as soon as it is known, for the log; ``shell`` what the heartbeat tells
    of the shell. ``each_tick``: of the observers, those whose `write` is to be called after each Tick's
    requests have left."""

    observers: list[Observer]
    logger: FilteringBoundLogger
    statuses: dict[str, BreakerStatus | None]
    announce: Callable[[Alert, Nanos], None]
    stopwatch: Stopwatch
    urls: dict[str, str]
    shell: dict[str, float | None]
    each_tick: tuple[DeskFiles, ...]
    close: Callable[[], None]


def open_run_files(settings: RunSettings) -> RunFiles:
    """Make the run directory and every file of it. Raises `StorageError` or `UnsafeName`: then nothing may
    start."""
    home = make_directory(settings.run_dir)
    names = [check_name(name) for name in settings.desks]
    statuses = {name: last_status(home, name) for name in names}
    lines = _Lines(home, settings.bounds, settings.redactor)
    replacer = Replacer(settings.redactor.line)
    alert_file = settings.alert_file(lines.open("alerts.jsonl"))
    trading_files = lines.for_desks(names, "Strategy_{}_trading.jsonl")
    action_files = lines.for_desks(names, "Strategy_{}_actions.csv", ACTIONS)
    log = _run_log(lines.for_desks(names, "{}.log"), settings)
    former, recovers = _former_log(trading_files, settings)
    _complete((TradingLog(trading_files), ActionTable(action_files)), former, settings, log.logger)
    trading = TradingLog(trading_files, former, recovers=recovers)
    loops = LoopTable(lines.for_desks(names, "Strategy_{}_loops.csv", LOOPS), settings.started)
    actions = ActionTable(action_files)
    latencies = LatencyTable(lines.for_desks(names, "Strategy_{}_latencies.csv", LATENCIES))
    metrics_paths = first_metrics(home, settings.desks, settings.started)
    status_paths = first_status(home, statuses, settings.started)
    heartbeat = Heartbeat(inside(home, "heartbeat.json"), settings.process, settings.started)
    log_observer = LogObserver(log.logger, log.sink, settings.endpoints)

    def faults() -> Iterator[StorageError]:
        found = [*(file.fault for file in lines.opened), replacer.fault, heartbeat.fault]
        yield from (fault for fault in found if fault is not None)

    def latency(name: str, ms: float, ts: Nanos, desk: str) -> None:
        for observer in (latencies, log_observer):
            if observer in observers:
                observer.latency(name, ms, ts, desk)

    stopwatch = Stopwatch(latency)
    alerts = AlertObserver(
        [alert_file, AlertLog(log.logger)], faults, settings.alert_rules, settings.more_sinks
    )
    alerts.announce(_started(settings), settings.started)
    observers: list[Observer] = [
        stopwatch,
        trading,
        loops,
        actions,
        latencies,
        MetricsFiles(metrics_paths, replacer, settings.started),
        BreakerStatusFiles(status_paths, replacer),
        heartbeat,
        log_observer,
        alerts,
    ]
    return RunFiles(
        observers=observers,
        logger=log.logger,
        statuses=statuses,
        announce=alerts.announce,
        stopwatch=stopwatch,
        urls=log_observer.urls,
        shell=heartbeat.shell,
        each_tick=(trading, actions),
        close=partial(_close, replacer, log),
    )


def _close(replacer: Replacer, log: RunLog) -> None:
    replacer.close()
    log.close()


def _run_log(files: Mapping[str, LineFile], settings: RunSettings) -> RunLog:
    return RunLog(
        files,
        redactor=settings.redactor,
        level=settings.log_level,
        form=settings.log_form,
        stream=settings.stream,
    )


def _former_log(files: Mapping[str, LineFile], settings: RunSettings) -> tuple[FormerLog, bool]:
    """What these files say, now that torn tails are cut off, and what is history to them; whether fills that
    neither has were missed, and are to be told."""
    paths = {name: file.path for name, file in files.items()}
    left = settings.left_behind
    since = settings.started if left.fills_since is None else left.fills_since
    history = history_before(left.journal, since) if left.journal is not None else frozenset()
    try:
        former = read_former_log(paths, since)
    except OSError as error:
        raise StorageError(settings.run_dir, "read the trading logs in", error) from error
    told = former.fills | (history or frozenset())
    return msgspec.structs.replace(former, fills=told), left.fills_since is not None and history is not None


def _complete(
    tables: Sequence[DeskFiles], former: FormerLog, settings: RunSettings, logger: FilteringBoundLogger
) -> None:
    """The last lines of a run that was killed. A journal that cannot be read stops no start."""
    journal = settings.left_behind.journal
    if journal is None or not settings.left_behind.was_killed:
        return
    try:
        append_left_behind(journal, tables, former.desks, settings.redactor.line)
    except (JournalError, OSError) as error:
        text = f"the last lines of the former run may be in its journal alone: {error}"
        logger.warning("lines_left_behind", logger="mm.observe", message=text)


class _Lines:
    """Opens line files and knows all of them."""

    def __init__(self, home: Path, bounds: Bounds, redactor: Redactor) -> None:
        self.opened: list[LineFile] = []
        self._home = home
        self._bounds = bounds
        self._redactor = redactor

    def open(self, name: str, head: bytes = b"") -> LineFile:
        path = inside(self._home, name)
        file = LineFile(path, head=head, bounds=self._bounds, scrub=self._redactor.line)
        self.opened.append(file)
        return file

    def for_desks(self, names: Iterable[str], form: str, head: bytes = b"") -> dict[str, LineFile]:
        return {name: self.open(form.format(name), head) for name in names}


def _started(settings: RunSettings) -> Alert:
    details = (("version", settings.process.version), ("pid", settings.process.pid))
    desks = ", ".join(f"{name} ({strategy})" for name, strategy in settings.desks.items())
    return Alert(AlertLevel.INFO, "bot_startup", f"started: {desks}", details=details)
