"""Fills that happened while nobody watched: between the end of one run and the first account report of the
next. The bug was that they were in no trading log, and that each start told the whole position as a change.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mm.alerts.file import AlertFile
from mm.core.events import AccountReport, Fill, PositionReport
from mm.core.picture import EnginePicture
from mm.core.units import Count, Nanos, Side
from mm.observe.files import iso
from mm.observe.former_log import read_former_log
from mm.observe.heartbeat import Process
from mm.observe.house import LeftBehind, RunFiles, RunSettings, open_run_files
from mm.observe.journal import Journal
from tests.observe.engine import START, TICKER, Bench, BookingEngine, at, fill

NAME = "Strategy_DEFAULT_trading.jsonl"
HOUR = 3_600


def opened(home: Path, since: Nanos | None) -> RunFiles:
    desks = {"DEFAULT": "glft"}
    return open_run_files(
        RunSettings(
            home, desks, START, Process(1, "test"), AlertFile, left_behind=LeftBehind(since, home / "journal")
        )
    )


def report(ts: Nanos, position: Count, *fills: Fill) -> AccountReport:
    return AccountReport(ts, 1, ts, 5, (PositionReport(TICKER, position, 1_400_000, 0, 0),), (), fills)


def run(
    home: Path,
    since: Nanos | None,
    position: Count,
    events: Iterable[Any],
    engine: BookingEngine | None = None,
) -> None:
    """One start, to its end: the account holds ``position`` before the first event."""
    files = opened(home, since)
    journal = Journal(home / "journal", {"started": START, "settings": {"fills_since": since or 0}})
    bench = Bench(files.observers, engine)
    bench.engine.positions[TICKER] = position
    for event in events:
        journal.event(event)
        bench.step(event)
    bench.close()
    journal.close()
    files.close()


def told(home: Path) -> list[dict[str, Any]]:
    lines = map(json.loads, (home / NAME).read_text("ascii").splitlines())
    return [line for line in lines if line["event_type"] in ("fill", "inventory_change")]


def fills(home: Path) -> list[tuple[str, bool]]:
    """Trade ids, and which of them were recovered."""
    return [(line["trade_id"], line.get("recovered", False)) for line in told(home) if "trade_id" in line]


def changes(home: Path) -> list[tuple[float, float]]:
    return [(line["new_inventory"], line["change"]) for line in told(home) if "change" in line]


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """A first run saw one fill of ten; then it was killed, and two more happened."""
    run(tmp_path, None, 0, [report(at(1), 0), fill(at(2), "seen")])
    return tmp_path


MISSED = fill(at(3), "missed", count=200), fill(at(4), "missed too", side=Side.ASK, count=500)


def test_a_fill_between_two_runs_is_in_the_trading_log_of_the_next(killed: Path) -> None:
    known = fill(at(2), "seen")
    run(killed, at(0), 700, [report(at(9), 700, known, *MISSED)])
    assert fills(killed) == [("seen", False), ("missed", True), ("missed too", True)]
    line = next(line for line in told(killed) if line.get("recovered"))
    assert list(line)[-2:] == ["is_taker", "recovered"], "new keys come last"
    assert (line["count"], line["timestamp_iso"]) == (2.0, iso(at(9)))


def test_it_is_told_once_however_often_the_bot_starts(killed: Path) -> None:
    for _ in range(3):
        run(killed, at(0), 700, [report(at(9), 700, *MISSED), report(at(10), 700, *MISSED)])
    assert fills(killed) == [("seen", False), ("missed", True), ("missed too", True)]


def test_a_start_changes_the_inventory_only_by_the_real_difference(killed: Path) -> None:
    run(killed, at(0), 700, [report(at(9), 700, *MISSED)])
    run(killed, at(0), 700, [report(at(19), 700)])
    assert changes(killed) == [(10.0, 10.0), (7.0, -3.0)]


def test_what_was_told_is_also_known_from_the_copy_of_a_rotated_file(killed: Path) -> None:
    whole = (killed / NAME).read_bytes()
    (killed / f"{NAME}.1.gz").write_bytes(gzip.compress(whole))
    (killed / NAME).write_bytes(b"")
    run(killed, at(0), 1_000, [report(at(9), 1_000, fill(at(2), "seen"))])
    assert told(killed) == []


def test_a_copy_that_is_not_whole_and_a_foreign_line_stop_no_start(killed: Path) -> None:
    (killed / f"{NAME}.1.gz").write_bytes(gzip.compress((killed / NAME).read_bytes())[:-9])
    with (killed / NAME).open("ab") as file:
        file.write(b'not ours\n{"timestamp": 1}\n\xff\n')
    paths = {"DEFAULT": killed / NAME}
    assert read_former_log(paths, at(0)).inventory == {TICKER: 1_000}


def test_the_first_run_of_all_tells_no_history(tmp_path: Path) -> None:
    run(tmp_path, None, 700, [report(at(9), 700, *MISSED)])
    assert fills(tmp_path) == []
    assert changes(tmp_path) == [(7.0, 7.0)]


def test_a_market_that_ended_meanwhile_still_has_its_desk(killed: Path) -> None:
    engine = BookingEngine({"DEFAULT": ["ANOTHER"]})
    empty = AccountReport(at(9), 1, at(9), 5, (), (), MISSED)
    run(killed, at(0), 0, [empty], engine)
    assert fills(killed)[1:] == [("missed", True), ("missed too", True)]
    assert changes(killed) == [(10.0, 10.0), (0.0, -10.0)]


def test_a_market_that_never_was_ours_has_no_line(killed: Path) -> None:
    engine = BookingEngine({"DEFAULT": [TICKER]})
    foreign = Fill(at(3), "theirs", "o", "", "SOMEWHERE", Side.BID, 4_600, 100, 0, False)
    run(killed, at(0), 1_000, [report(at(9), 1_000, foreign)], engine)
    assert fills(killed) == [("seen", False)]


def test_a_fill_that_the_former_run_told_is_not_told_by_a_later_read(killed: Path) -> None:
    """Reads lag: the first one may not know yet what the stream told the former run."""
    run(killed, at(0), 1_000, [report(at(3), 1_000), report(at(5), 1_000, fill(at(2), "seen"))])
    assert fills(killed) == [("seen", False)]


def test_old_fills_need_not_be_remembered(killed: Path) -> None:
    assert read_former_log({"DEFAULT": killed / NAME}, at(0)).fills == {("order-1", "seen")}
    assert read_former_log({"DEFAULT": killed / NAME}, at(2 * HOUR)).fills == frozenset()


def test_before_the_account_is_taken_over_no_position_is_told(tmp_path: Path) -> None:
    """Left-over orders keep the ledger closed: its zero is no position."""
    run(tmp_path, None, 0, [report(at(1), 0), fill(at(2), "seen")])

    class Opening(BookingEngine):
        def picture(self) -> EnginePicture:
            return msgspec.structs.replace(super().picture(), cash=None)

    engine = Opening()
    run(tmp_path, at(0), 0, [report(at(9), 1_000, *MISSED), fill(at(10), "early")], engine)
    assert changes(tmp_path) == [(10.0, 10.0)]
    assert [name for name, _ in fills(tmp_path)] == ["seen", "missed", "missed too", "early"]


OLD = fill(at(-100), "of before", count=300)


def test_what_filled_before_the_first_run_is_no_news_to_the_next(tmp_path: Path) -> None:
    """Reads look back ten minutes further than they must: the next start told it as recovered."""
    run(tmp_path, None, 300, [report(at(1), 300, OLD)])
    run(tmp_path, at(1), 300, [report(at(9), 300, OLD)])
    run(tmp_path, at(9), 1_000, [report(at(19), 1_000, OLD, *MISSED)])
    assert fills(tmp_path) == [("missed", True), ("missed too", True)]


def test_as_long_as_no_run_has_read_the_account_everything_is_history(tmp_path: Path) -> None:
    run(tmp_path, None, 0, [])
    run(tmp_path, at(0), 300, [report(at(9), 300, OLD)])
    run(tmp_path, at(9), 300, [report(at(19), 300, OLD, MISSED[0])])
    assert fills(tmp_path) == [("missed", True)]


@pytest.mark.parametrize("harm", ["gone", "unreadable"])
def test_without_the_first_journal_too_much_is_told_and_never_too_little(tmp_path: Path, harm: str) -> None:
    run(tmp_path, None, 300, [report(at(1), 300, OLD)])
    first = tmp_path / "journal" / "run000001-part0001.jsonl"
    first.unlink() if harm == "gone" else first.write_bytes(b"not ours\n")
    run(tmp_path, at(1), 500, [report(at(9), 500, OLD, MISSED[0])])
    assert fills(tmp_path) == [("of before", True), ("missed", True)]
