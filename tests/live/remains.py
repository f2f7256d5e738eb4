"""What a killed bot leaves on disk, read by somebody who did not write it: strict, line by line."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mm.core.actions import PlaceOrder
from mm.core.events import AccountReport, Event, Fill, Tick
from mm.observe.journal_reader import read_journal, runs

LINES = ("*.jsonl", "*.log")
TRADING = "Strategy_DEFAULT_trading.jsonl"


def _no_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


def strictly(text: str) -> Any:
    return json.loads(text, parse_constant=_no_constant)


def torn_tails(run_dir: Path) -> list[str]:
    """Parses every file of a run directory; the names of those whose last line is not whole.

    :raises ValueError, AssertionError: for anything else that is not as it should be.
    """
    torn = []
    for path in [found for pattern in LINES for found in sorted(run_dir.glob(pattern))]:
        whole, _, rest = path.read_text("ascii").rpartition("\n")
        for line in whole.splitlines():
            assert isinstance(strictly(line), dict), path.name
        torn += [path.name] if rest else []
    for path in sorted(run_dir.glob("*.json")):
        assert isinstance(strictly(path.read_text("ascii")), dict), path.name
    for path in sorted(run_dir.glob("*.csv")):
        whole, _, rest = path.read_text("ascii").rpartition("\n")
        rows = list(csv.reader(whole.splitlines(keepends=True), strict=True))
        assert all(len(row) == len(rows[0]) for row in rows), path.name
        torn += [path.name] if rest else []
    return torn


@dataclass
class Run:
    """One start of a bot, as its journal has it: ``placed`` is in which turn each client order id was
    decided, ``filled`` in which each fill (trade and order id) was learned; what the first account report
    tells was before its time. A turn is what arrives, then a Tick and what it decides; ``turn`` is that of
    the last Tick. Before that Tick fell, the lines of all earlier turns were in the files."""

    prefix: str
    placed: dict[str, int] = field(default_factory=dict)
    filled: dict[tuple[str, str], int] = field(default_factory=dict)
    turn: int = 0


def last_run(run_dir: Path, known: int) -> Run | None:
    """Of the run after number ``known``, if there was one that began its journal.

    :raises JournalError: if it cannot be read as the whole truth.
    """
    journal = run_dir / "journal"
    numbers = runs(journal) if journal.exists() else []
    if not numbers or numbers[-1] == known:
        return None
    part = journal / f"run{numbers[-1]:06d}-part0001.jsonl"
    if part.exists() and not _is_begun(part):
        return None
    header, entries = read_journal(journal, run=numbers[-1])
    run = Run(f"{header['settings']['instance']}-{header['settings']['run']}")
    former: set[tuple[str, str]] | None = None
    turn = 1
    for entry in entries:
        if not isinstance(entry, Event):
            placed = [action.client_order_id for action in entry if isinstance(action, PlaceOrder)]
            run.placed.update(dict.fromkeys(placed, turn))
            continue
        turn = run.turn + 1
        if isinstance(entry, Tick):
            run.turn = turn
        told = {(fill.trade_id, fill.order_id) for fill in _fills_in(entry)} - (former or set())
        if isinstance(entry, AccountReport) and former is None:
            former = told
        else:
            run.filled.update(dict.fromkeys(told - run.filled.keys(), turn))
    return run


def _is_begun(part: Path) -> bool:
    """False if the first line was cut off, or is being written."""
    with part.open("rb") as file:
        return file.readline().endswith(b"\n")


def _fills_in(event: Event) -> Iterable[Fill]:
    if isinstance(event, Fill):
        return (event,)
    return event.fills if isinstance(event, AccountReport) else ()


def trading_lines(run_dir: Path, event_type: str) -> list[dict[str, Any]]:
    """Of the trading log, torn tail left out."""
    whole = (run_dir / TRADING).read_text("ascii").rpartition("\n")[0]
    lines: list[dict[str, Any]] = [json.loads(line) for line in whole.splitlines()]
    return [line for line in lines if line["event_type"] == event_type]


def placed_in_file(run_dir: Path, run: Run) -> Counter[str]:
    """Client order ids of this run that the trading log says were sent, and how often."""
    return Counter(
        line["client_order_id"]
        for line in trading_lines(run_dir, "order_sent")
        if line["action"] == "place" and line["client_order_id"].rpartition("-")[0] == run.prefix
    )
