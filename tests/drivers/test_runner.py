"""The housing of the crank: nothing leaves that was not written down, except what makes us safer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mm.core.actions import AmendOrder, AnyAction, CancelOrder, PlaceOrder
from mm.core.engine import Engine
from mm.core.events import AnyEvent, Tick
from mm.core.settings import EngineSettings
from mm.core.units import Side
from mm.drivers.runner import Runner
from mm.observe.journal import StorageError

PLACE = PlaceOrder(1, "kmm-r-1", "KXA", Side.BID, 5_000, 100)
AMEND = AmendOrder(2, "kmm-r-2", "X2", "KXA", Side.BID, 5_000, 100)
CANCEL = CancelOrder(3, "kmm-r-3", "X3", "KXA")


class Script(Engine):
    """An engine that wants what it is told to want."""

    def __init__(self, actions: Sequence[AnyAction]) -> None:
        super().__init__(EngineSettings("kmm", "r", ()), {})
        self.script = actions

    def on_event(self, event: AnyEvent) -> Sequence[AnyAction]:
        self.now = event.ts
        return self.script


class Diary:
    """A journal on a disk that can be full, and a record of what happened in which order."""

    def __init__(self) -> None:
        self.is_full = False
        self.lines: list[str] = []

    def event(self, event: AnyEvent) -> None:
        self.lines.append(f"event {event.ts}")

    def actions(self, actions: Sequence[AnyAction]) -> None:
        self.lines.append(f"actions {len(actions)}")

    def flush(self) -> None:
        if self.is_full:
            raise StorageError(Path("journal"), "write", OSError(28, "No space left on device"))
        self.lines.append("flushed")

    def sent(self, action: AnyAction) -> None:
        self.lines.append(f"sent {type(action).__name__}")

    def refused(self, action: PlaceOrder | AmendOrder) -> None:
        self.lines.append(f"refused {type(action).__name__}")


def housed(*actions: AnyAction) -> tuple[Runner, Diary]:
    diary = Diary()
    return Runner(Script(actions), diary.sent, diary, refuse=diary.refused), diary


def test_what_is_decided_is_handed_to_the_disk_before_it_leaves() -> None:
    runner, diary = housed(PLACE, CANCEL)
    runner.step(Tick(7, 1, 1))
    assert diary.lines == ["event 7", "actions 2", "flushed", "sent PlaceOrder", "sent CancelOrder"]


def test_on_a_full_disk_only_cancels_leave_and_orders_are_answered() -> None:
    runner, diary = housed(PLACE, AMEND, CANCEL)
    diary.is_full = True
    runner.step(Tick(7, 1, 1))
    assert diary.lines[2:] == ["refused PlaceOrder", "refused AmendOrder", "sent CancelOrder"]
    assert runner.storage_fault is not None
    diary.is_full = False
    runner.step(Tick(8, 1, 1))
    assert runner.storage_fault is None
    assert diary.lines[-3:] == ["sent PlaceOrder", "sent AmendOrder", "sent CancelOrder"]


def test_an_event_from_the_past_is_dated_now() -> None:
    runner, diary = housed()
    runner.step(Tick(9, 1, 1))
    runner.step(Tick(4, 1, 1))
    assert diary.lines == ["event 9", "event 9"]
    assert runner.engine.now == 9
