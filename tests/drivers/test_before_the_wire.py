"""Nothing touches the disk before a request has left, except the one line that says so in the journal."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench.desk import QuotingDesk
from bench.market import TICKER, deltas, ladder
from mm.alerts.file import AlertFile
from mm.core.actions import AmendOrder, AnyAction, PlaceOrder
from mm.core.events import AnyEvent, Fill
from mm.core.units import CONTRACT
from mm.drivers.runner import Runner
from mm.observe.heartbeat import Process
from mm.observe.house import RunFiles, RunSettings, open_run_files
from mm.observe.journal import Journal

TOUCHES = ("open", "write", "pwrite", "fsync", "fdatasync", "ftruncate", "replace", "rename", "unlink")
CHANGES = 60
SENT = "sent"


class Disk:
    """Notes, on the driver's own thread, each call that touches a file, and each request that leaves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[str] = []
        self._thread = threading.get_ident()
        for name in TOUCHES:
            monkeypatch.setattr(os, name, self._noting(f"os.{name}", getattr(os, name)))
        monkeypatch.setattr(io, "open", self._noting("open", io.open))

    def _noting(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*arguments: Any, **named: Any) -> Any:
            if threading.get_ident() == self._thread:
                self.seen.append(name)
            return call(*arguments, **named)

        return noted

    def taken(self) -> list[str]:
        found = list(self.seen)
        self.seen.clear()
        return found


@pytest.fixture
def files(tmp_path: Path) -> Iterator[RunFiles]:
    files = open_run_files(RunSettings(tmp_path, {"DEFAULT": "glft"}, 1, Process(1, "test"), AlertFile))
    yield files
    for observer in files.observers:
        observer.close()
    files.close()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "journal", {})
    yield journal
    journal.close()


def test_a_decision_writes_its_journal_line_then_leaves_and_nothing_else_happens(
    files: RunFiles, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = ladder(20)
    desk = QuotingDesk([TICKER], start)
    disk = Disk(monkeypatch)
    left: list[AnyAction] = []

    def carry_out(action: AnyAction) -> None:
        disk.seen.append(SENT)
        left.append(action)

    runner = Runner(desk.engine, carry_out, journal, files.observers)

    def step(event: AnyEvent) -> list[AnyAction]:
        """An event that decides nothing touches no file; it is written with the next line."""
        actions = list(runner.step(event))
        assert disk.taken() == (["os.write", *(SENT for _ in actions)] if actions else []), event
        return actions

    for change in deltas(start, CHANGES, ts=desk.now):
        assert step(msgspec.structs.replace(change, ts=desk.now)) == []
        for action in step(desk.next_tick()):
            step(desk.answer_of(action))
    assert len([action for action in left if isinstance(action, PlaceOrder | AmendOrder)]) > 5
    order = next(iter(desk.engine.know.orders))
    ids = ("t1", order.order_id, order.client_order_id, TICKER)
    step(Fill(desk.now, *ids, order.side, order.price, CONTRACT, 0, False))

    for observer in files.observers:
        observer.on_time(desk.now, desk.engine)
    assert disk.taken().count("os.write") >= 4, "it is written afterwards: this recorder sees it"
