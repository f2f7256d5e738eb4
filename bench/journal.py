"""What the journal adds to a step: putting an event into words, and handing it to the operating system."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import msgspec

from bench.market import TICKER
from bench.measure import Case, Row, Spent, compare
from mm.core.actions import PlaceOrder
from mm.core.events import BookDelta, Tick
from mm.core.units import CENT, CONTRACT, Side
from mm.observe.journal import Journal

STEPS = 2_000
CHANGE = BookDelta(1_790_000_000_000_000_000, TICKER, Side.BID, 47 * CENT, CONTRACT)
TICK = Tick(1_790_000_000_000_000_000, 10, 10)
ORDER = PlaceOrder(1, "bot-run-1", TICKER, Side.BID, 47 * CENT, 10 * CONTRACT, reason="quote")


def _plain(spent: Spent) -> None:
    """The standard library, of the same content."""
    content = msgspec.to_builtins(CHANGE)
    with spent.on(STEPS):
        for _ in range(STEPS):
            json.dumps({"e": content})


def _in_bulk(home: Path) -> Case:
    """As market data goes: many events, one write."""

    def case(spent: Spent) -> None:
        journal = Journal(home, {})
        with spent.on(STEPS):
            for _ in range(STEPS):
                journal.event(CHANGE)
            journal.flush()
        journal.close()

    return case


def _each_written(home: Path) -> Case:
    """As decisions go: written before the request leaves."""

    def case(spent: Spent) -> None:
        journal = Journal(home, {})
        with spent.on(STEPS):
            for _ in range(STEPS):
                journal.event(TICK)
                journal.actions((ORDER,))
                journal.flush()
        journal.close()

    return case


def measure() -> list[Row]:
    """The base is `json.dumps` of an event, without a file."""
    with tempfile.TemporaryDirectory() as home:
        cases: dict[str, Case] = {
            "json.dumps, no file": _plain,
            "event, written in bulk": _in_bulk(Path(home) / "bulk"),
            "decision, written at once": _each_written(Path(home) / "each"),
        }
        return compare("journal", cases, "json.dumps, no file")
