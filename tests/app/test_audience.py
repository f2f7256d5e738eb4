"""No observer can change a decision: one that raises is told of and left out, all else goes on.
The bug was that a line that could not be rendered ended the run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog

from bench.desk import STEP, QuotingDesk
from bench.market import TICKER, deltas, ladder
from mm.alerts.delivery import Delivery
from mm.alerts.file import AlertFile
from mm.app.alerting import Alarms, AlarmWatch
from mm.app.audience import NEEDED, Audience
from mm.app.service import Service, service_of
from mm.app.trade import Watch
from mm.core.actions import AmendOrder, AnyAction, PlaceOrder, Stop
from mm.core.events import AnyEvent
from mm.core.picture import Observed
from mm.core.units import Nanos
from mm.drivers.live import Live
from mm.drivers.runner import Runner
from mm.kalshi.calls import RequestAction
from mm.observe.alerting import AlertObserver
from mm.observe.files import as_is
from mm.observe.heartbeat import Process
from mm.observe.house import RunFiles, RunSettings, open_run_files
from mm.observe.journal import Journal
from mm.observe.observer import Observer, Watcher
from mm.observe.redact import HIDDEN, Redactor
from mm.observe.status import BreakerStatusFiles
from mm.observe.tables import ActionTable

LEVELS, CHANGES, PATIENCE_SECONDS = 20, 60, 60.0
SECRET = "canary-key-id-7f3e"
FAULT = f"cannot use {SECRET}"


class Broken(Watcher):
    """Raises whenever one of its methods, ``where``, is called; counts the calls."""

    def __init__(self, where: str) -> None:
        super().__init__({}, {})
        self.calls: list[str] = []
        self._where = where

    def on_step(self, event: AnyEvent, actions: Sequence[AnyAction], engine: Observed) -> None:
        self._called("on_step")

    def on_time(self, now: Nanos, engine: Observed) -> None:
        self._called("on_time")

    def close(self) -> None:
        self._called("close")

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if name == self._where:
            raise ZeroDivisionError(FAULT)


class Last(Watcher):
    """Sees what the driver shows to whoever comes after the broken one."""

    def __init__(self) -> None:
        super().__init__({}, {})
        self.steps: list[AnyEvent] = []
        self.beats = 0
        self.is_closed = False

    def on_step(self, event: AnyEvent, actions: Sequence[AnyAction], engine: Observed) -> None:
        self.steps.append(event)

    def on_time(self, now: Nanos, engine: Observed) -> None:
        self.beats += 1

    def close(self) -> None:
        self.is_closed = True


class Exchange:
    """Agrees to everything at once. Time passes, and the next change of the book arrives, with each Tick, so
    that how fast the machine is tells in nothing."""

    def __init__(self, desk: QuotingDesk) -> None:
        self.desk = desk
        self.live: Live | None = None
        self.sent: list[AnyAction] = []
        self._changes = deltas(ladder(LEVELS), CHANGES)[::-1]

    def clock(self) -> Nanos:
        return self.desk.now

    def submit(self, action: RequestAction) -> None:
        assert self.live is not None
        self.sent.append(action)
        self.live.inbox.put((self.desk.answer_of(action),))

    def resubscribe(self, ticker: str) -> None:
        raise AssertionError(ticker)

    def reconnect(self, reason: str) -> None:
        raise AssertionError(reason)

    def withhold(self) -> None:
        raise AssertionError("nothing is to be withheld here")

    def orders_allowed(self, now: Nanos) -> int:
        """Called at each Tick."""
        assert self.live is not None
        self.desk.now += STEP
        if self._changes:
            change = self._changes.pop()
            self.live.inbox.put((msgspec.structs.replace(change, ts=now),))
        else:
            self.live.carry_out(self, Stop(0, "the story is over"))
        return 1_000

    def cancels_allowed(self, now: Nanos) -> int:
        return 1_000


class Story:
    """A real engine on a real loop, with the files of a real run; ``extra`` join their observers."""

    def __init__(self, home: Path, *extra: Observer) -> None:
        self.home = home
        settings = RunSettings(
            home, {"DEFAULT": "glft"}, 1, Process(1, "test"), AlertFile, redactor=Redactor((SECRET,))
        )
        self.files: RunFiles = open_run_files(settings)
        self.desk = QuotingDesk([TICKER], ladder(LEVELS))
        self.exchange = Exchange(self.desk)
        self.audience = Audience(self.files, self.exchange.clock)
        self.last = Last()
        self.audience.join(*extra, self.last)

    def run(self) -> None:
        """To its end, with two beats for everybody at least, and everything closed."""
        try:
            asyncio.run(asyncio.wait_for(self._run(), PATIENCE_SECONDS))
        finally:
            self.audience.close()
            self.files.close()

    async def _run(self) -> None:
        exchange, engine = self.exchange, self.desk.engine
        journal = Journal(self.home / "journal", {})
        watch = Watch(self.audience, engine, None)
        live = exchange.live = Live(exchange.clock, exchange, 0, (watch,), self.audience.write)
        runner = Runner(engine, lambda action: live.carry_out(exchange, action), journal, [self.audience])
        try:
            watch.on_time(exchange.clock())
            await live.run(runner)
            watch.on_time(exchange.clock())
        finally:
            journal.close()

    def orders_sent(self) -> int:
        return len([each for each in self.exchange.sent if isinstance(each, PlaceOrder | AmendOrder)])

    def log(self, word: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in (self.home / "DEFAULT.log").read_text().splitlines()]
        return [line for line in lines if line["event"] == word]

    def alerts(self) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in (self.home / "alerts.jsonl").read_text().splitlines()]
        return [line for line in lines if line["category"] == "observer_fault"]

    def is_told_once(self, name: str, doing: str) -> None:
        """In the log with its traceback and in an alert, and nowhere with its secret."""
        (line,), (alert,) = self.log("observer_left_out"), self.alerts()
        assert (line["level"], line["observer"], line["doing"]) == ("error", name, doing)
        assert line["exception"].startswith("Traceback") and "ZeroDivisionError" in line["exception"]
        assert alert["level"] == "critical" and name in alert["message"]
        assert alert["details"] == {"subject": name, "doing": doing}
        assert f"ZeroDivisionError: cannot use {HIDDEN}" in alert["message"]
        for path in self.home.rglob("*.*"):
            assert not path.is_file() or SECRET not in path.read_text(), path.name


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """The same run, without a fault."""
    story = Story(tmp_path_factory.mktemp("undisturbed"))
    story.run()
    assert story.orders_sent() > 5 and not story.alerts()
    return story


def assert_all_went_on(story: Story, undisturbed: Story) -> None:
    """The others saw everything, and what was decided is what it would have been."""
    assert story.exchange.sent == undisturbed.exchange.sent
    assert story.last.steps == undisturbed.last.steps
    assert story.last.beats >= 2 and story.last.is_closed


@pytest.mark.parametrize(
    ("where", "calls"),
    [("on_step", ["on_time", "on_step", "close"]), ("on_time", ["on_time", "close"])],
)
def test_one_that_raises_is_left_out_and_the_others_go_on(
    tmp_path: Path, undisturbed: Story, where: str, calls: list[str]
) -> None:
    broken = Broken(where)
    story = Story(tmp_path, broken)
    story.run()
    assert broken.calls == calls, "closed once, when it was left out; not at the end again"
    assert broken not in story.files.observers and story.last in story.files.observers
    story.is_told_once("Broken", where)
    assert_all_went_on(story, undisturbed)


def test_one_that_raises_at_the_end_is_told_and_the_others_are_closed(
    tmp_path: Path, undisturbed: Story
) -> None:
    story = Story(tmp_path, Broken("close"))
    story.run()
    story.is_told_once("Broken", "close")
    assert_all_went_on(story, undisturbed)


def test_what_breaks_once_more_while_it_is_closed_is_told_once(tmp_path: Path, undisturbed: Story) -> None:
    class Worse(Broken):
        def close(self) -> None:
            super().close()
            raise KeyError("close")

    story = Story(tmp_path, Worse("on_step"))
    story.run()
    story.is_told_once("Worse", "on_step")
    assert_all_went_on(story, undisturbed)


def test_a_line_that_cannot_be_rendered_costs_its_file_and_not_the_run(
    tmp_path: Path, undisturbed: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was said before is written, and the trading log beside it is whole."""
    say, said = ActionTable.say, 0

    def say_once_wrong(self: ActionTable, desk: str, render: Callable[[], bytes]) -> None:
        nonlocal said
        said += 1
        say(self, desk, broken_line if said == 4 else render)

    def broken_line() -> bytes:
        raise ZeroDivisionError(FAULT)

    monkeypatch.setattr(ActionTable, "say", say_once_wrong)
    story = Story(tmp_path)
    story.run()
    story.is_told_once("ActionTable", "write")
    assert_all_went_on(story, undisturbed)
    rows = (tmp_path / "Strategy_DEFAULT_actions.csv").read_text().splitlines()
    whole = (undisturbed.home / "Strategy_DEFAULT_actions.csv").read_text().splitlines()
    assert rows[:4] == whole[:4] and len(rows) < len(whole)
    trading = "Strategy_DEFAULT_trading.jsonl"
    assert (tmp_path / trading).read_text() == (undisturbed.home / trading).read_text()


def test_one_that_can_never_write_is_asked_no_more(
    tmp_path: Path, undisturbed: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: ActionTable) -> None:
        raise ZeroDivisionError(FAULT)

    monkeypatch.setattr(ActionTable, "write", broken)
    story = Story(tmp_path)
    story.run()
    story.is_told_once("ActionTable", "write")
    assert_all_went_on(story, undisturbed)


def test_a_fault_of_the_log_leaves_the_alerts_in_it(
    tmp_path: Path, undisturbed: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several of its lines cannot be rendered: it is told once, by alerts that write their own lines."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError(FAULT)

    monkeypatch.setattr("mm.observe.log_observer.LogObserver._log_sent", broken)
    story = Story(tmp_path)
    story.run()
    story.is_told_once("LogObserver", "on_time")
    assert len(story.log("observer_fault")) == 1
    assert_all_went_on(story, undisturbed)


def alarm_watch(home: Path) -> AlarmWatch:
    delivery = Delivery([], home / "alerts_outbox", as_is)
    return AlarmWatch(Alarms(delivery, None, [], {}), structlog.get_logger(), lambda alert, ts: None)


# Those that a run adds to the observers of its files.
ADDED: dict[type, Callable[[Path], Observer]] = {
    AlarmWatch: alarm_watch,
    Service: lambda home: service_of({}),
}


@pytest.mark.parametrize("needed", NEEDED)
@pytest.mark.parametrize("where", ["on_step", "on_time", "close"])
def test_a_needed_one_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, needed: type, where: str
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError(FAULT)

    monkeypatch.setattr(needed, where, broken)
    story = Story(tmp_path, *(make(tmp_path) for kind, make in ADDED.items() if kind is needed))
    with pytest.raises(ZeroDivisionError):
        story.run()
    assert not story.log("observer_left_out") and not story.alerts()
    assert story.last.is_closed, "whatever happens, the others are closed"


def test_who_must_not_be_missing(tmp_path: Path) -> None:
    """Whoever is added to a run's files can be left out, unless trading without it is not safe."""
    story = Story(tmp_path)
    kinds = {type(each) for each in story.files.observers if isinstance(each, NEEDED)}
    assert kinds == {BreakerStatusFiles, AlertObserver}
    assert set(NEEDED) == {BreakerStatusFiles, AlertObserver, *ADDED}
    story.audience.close()
    story.files.close()
