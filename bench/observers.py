"""What all observers of a run together add to a step, and the writing that they put off until later."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from bench.desk import QuotingDesk
from bench.market import TICKER, deltas, ladder
from bench.measure import Case, Row, Spent, compare
from mm.alerts.file import AlertFile
from mm.app.audience import Audience
from mm.core.actions import AnyAction, PlaceOrder
from mm.core.events import AnyEvent, BookDelta, OrderAck, Tick
from mm.core.units import SECOND, Nanos, Side
from mm.observe.heartbeat import Process
from mm.observe.house import RunFiles, RunSettings, open_run_files
from tests.observe.engine import START, BookingEngine, decision, fill
from tests.observe.engine import TICKER as BOOKED

STEPS = 1_000
CHANGES = 300
LEVELS = 20
ROUNDS = 5
Make = Callable[[int, Nanos], tuple[AnyEvent, list[AnyAction]]]


def _delta(n: int, ts: Nanos) -> tuple[AnyEvent, list[AnyAction]]:
    return BookDelta(ts, BOOKED, Side.BID, 4_700, 100), []


def _tick(n: int, ts: Nanos) -> tuple[AnyEvent, list[AnyAction]]:
    return Tick(ts, 10, 10), []


def _place(n: int, ts: Nanos) -> tuple[AnyEvent, list[AnyAction]]:
    return Tick(ts, 10, 10), [PlaceOrder(n, f"mm-{n}", BOOKED, Side.BID, 4_700, 100)]


def _ack(n: int, ts: Nanos) -> tuple[AnyEvent, list[AnyAction]]:
    return OrderAck(ts, n, f"mm-{n}", f"o-{n}", 0, 100), []


def _fill(n: int, ts: Nanos) -> tuple[AnyEvent, list[AnyAction]]:
    return fill(ts, trade_id=f"t-{n}-{ts}"), []


KINDS: dict[str, Make] = {
    "book delta": _delta,
    "Tick, one decision": _tick,
    "Tick and one order": _place,
    "acknowledgement": _ack,
    "fill": _fill,
}


class _Steps:
    """Makes each round's steps later than those of the one before, as time does."""

    def __init__(self, audience: Audience) -> None:
        self._audience = audience
        self._engine = BookingEngine()
        self._engine._decisions = (decision(),)
        self._now = START

    def seen(self, make: Make) -> Case:
        """The moment of the step itself: before the next event is looked at."""

        def case(spent: Spent) -> None:
            self._step(make, spent, Spent())

        return case

    def written(self, make: Make) -> Case:
        """Afterwards, four times a second: rendering and writing, for each step that was seen."""

        def case(spent: Spent) -> None:
            self._step(make, Spent(), spent)

        return case

    def _step(self, make: Make, seen: Spent, written: Spent) -> None:
        self._now += SECOND
        steps = [make(n, self._now + n) for n in range(STEPS)]
        with seen.on(STEPS):
            for event, actions in steps:
                self._audience.on_step(event, actions, self._engine)
        with written.on(STEPS):
            self._audience.on_time(self._now + STEPS, self._engine)


def _open(home: Path) -> RunFiles:
    return open_run_files(RunSettings(home, {"DEFAULT": "glft"}, START, Process(1, "bench"), AlertFile))


class _Quoting:
    """The real engine at work: a change of its book, the Tick, what it sends and what is answered. Each step
    is shown, and its lines are written, as the driver does it; the three are timed apart."""

    def __init__(self, audience: Audience) -> None:
        self._audience = audience

    def case(self, part: str) -> Case:
        def case(spent: Spent) -> None:
            self._spent = {name: Spent() for name in ("engine", "seen", "written")} | {part: spent}
            self._run()
            self._audience.on_time(self._desk.now, self._desk.engine)

        return case

    def _run(self) -> None:
        start = ladder(LEVELS)
        self._desk = desk = QuotingDesk([TICKER], start)
        for change in deltas(start, CHANGES, ts=desk.now):
            self._step(msgspec.structs.replace(change, ts=desk.now))
            actions = self._step(desk.next_tick())
            with self._spent["written"].on(2 + len(actions)):
                self._audience.write()
            for action in actions:
                self._step(desk.answer_of(action))

    def _step(self, event: AnyEvent) -> Sequence[AnyAction]:
        engine = self._desk.engine
        with self._spent["engine"].on(1):
            actions = engine.on_event(event)
        with self._spent["seen"].on(1):
            self._audience.on_step(event, actions, engine)
        return actions


def measure() -> list[Row]:
    """What each kind of step costs (the base is a book delta, which none of them keeps), and what a step of
    a quoting engine costs against that step itself."""
    with tempfile.TemporaryDirectory() as home:
        files = _open(Path(home))
        audience = Audience(files)
        steps = _Steps(audience)
        cases = {f"{name}, seen": steps.seen(make) for name, make in KINDS.items()}
        cases |= {f"{name}, written": steps.written(make) for name, make in KINDS.items()}
        rows = compare("observers", cases, "book delta, seen", ROUNDS)
        quoting = _Quoting(audience)
        parts = {
            "a step of the engine": quoting.case("engine"),
            "the same step, seen": quoting.case("seen"),
            "its lines, after the Tick": quoting.case("written"),
        }
        rows += compare("observers", parts, "a step of the engine", ROUNDS)
        audience.close()
        files.close()
        return rows
