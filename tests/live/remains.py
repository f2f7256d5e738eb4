"""What a killed bot leaves on disk, read by somebody who did not write it: strict, line by line."""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mm.core.actions import PlaceOrder
from mm.core.events import AccountReport, Event
from mm.observe.journal_reader import JournalError, read_journal, runs

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
    """One start of a bot, as its journal has it. ``placed``: client order ids and when each was decided, in
    order; times are nanoseconds since the epoch, 0 where nothing happened."""

    prefix: str
    placed: dict[str, int] = field(default_factory=dict)
    adopted: int = 0
    ended: int = 0


def last_run(run_dir: Path, known: int) -> Run | None:
    """Of the run after number ``known``, if there was one that began its journal.

    :raises JournalError: if it cannot be read as the whole truth.
    """
    journal = run_dir / "journal"
    numbers = runs(journal) if journal.exists() else []
    if not numbers or numbers[-1] == known:
        return None
    try:
        header, entries = read_journal(journal, run=numbers[-1])
    except JournalError:
        part = journal / f"run{numbers[-1]:06d}-part0001.jsonl"
        assert b"\n" not in part.read_bytes(), "more than a first line that was cut off"
        return None
    run, now = Run(f"{header['settings']['instance']}-{header['settings']['run']}"), 0
    for entry in entries:
        if isinstance(entry, Event):
            now = entry.ts
            run.adopted = run.adopted or (now if isinstance(entry, AccountReport) else 0)
        else:
            run.placed |= {action.client_order_id: now for action in entry if isinstance(action, PlaceOrder)}
    run.ended = now
    return run


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
