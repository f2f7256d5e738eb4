"""What a killed run had journalled and not yet written stands in its files after the next start, as if it had
not been killed. The bug was that these lines were in the journal alone."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from mm.alerts.file import AlertFile
from mm.core.actions import AnyAction, CancelOrder, PlaceOrder
from mm.core.events import AnyEvent, ApiError, MarketAssigned, OrderAck, OrderCanceled, RequestKind, Tick
from mm.core.units import Side
from mm.observe.heartbeat import Process
from mm.observe.house import LeftBehind, RunSettings, open_run_files
from mm.observe.journal import Journal
from tests.observe.engine import START, TICKER, Bench, at

TRADING, ACTIONS = "Strategy_DEFAULT_trading.jsonl", "Strategy_DEFAULT_actions.csv"
BOTH = (TRADING, ACTIONS)
Step = tuple[AnyEvent, tuple[AnyAction, ...]]


def place(number: int) -> PlaceOrder:
    return PlaceOrder(number, f"mm-{number}", TICKER, Side.BID, 4_600, 1_000, reason="new quote")


STORY: list[Step] = [
    (MarketAssigned(at(0), TICKER, "DEFAULT"), ()),
    (Tick(at(1), 10, 10), (place(1),)),
    (OrderAck(at(1.05), 1, "mm-1", "order-1", 0, 1_000), ()),
    (Tick(at(20), 10, 10), (place(2), place(3))),
    (OrderAck(at(20.01), 2, "mm-2", "order-2", 0, 1_000), ()),
    (ApiError(at(20.02), 9, RequestKind.QUERY_ACCOUNT, 503, "unavailable", "try later"), ()),
    (Tick(at(20.03), 10, 10), (CancelOrder(4, "mm-1", "order-1", TICKER, 'say "no",\nthen go'),)),
    (OrderCanceled(at(20.04), 4, "mm-1", "order-1", 700), ()),
]


def live(home: Path, written: int = len(STORY)) -> None:
    """The story, of which the lines of the first ``written`` steps were handed to the operating system."""
    files = open_run_files(RunSettings(home, {"DEFAULT": "glft"}, START, Process(1, "test"), AlertFile))
    journal = Journal(home / "journal", {"settings": {"desks": []}})
    bench = Bench(files.observers)
    for number, (event, actions) in enumerate(STORY, 1):
        journal.event(event)
        journal.actions(actions)
        bench.step(event, *actions)
        if number == written:
            for table in files.each_tick:
                table.write()
    journal.close()
    files.close()


def start_again(home: Path) -> None:
    left = LeftBehind(None, home / "journal", was_killed=True)
    desks = {"DEFAULT": "glft"}
    files = open_run_files(RunSettings(home, desks, START, Process(2, "test"), AlertFile, left_behind=left))
    Bench(files.observers).close()
    files.close()


def contents(home: Path) -> list[bytes]:
    return [(home / name).read_bytes() for name in BOTH]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """The files of a run that was not killed."""
    home = tmp_path_factory.mktemp("whole")
    live(home)
    return contents(home)


@pytest.mark.parametrize("written", range(len(STORY) + 1))
def test_a_start_adds_what_the_killed_run_had_not_written(
    tmp_path: Path, whole: list[bytes], written: int
) -> None:
    live(tmp_path, written)
    assert (contents(tmp_path) == whole) == (written == len(STORY))
    start_again(tmp_path)
    assert contents(tmp_path) == whole


def test_it_adds_nothing_twice(tmp_path: Path, whole: list[bytes]) -> None:
    live(tmp_path, 4)
    for _ in range(3):
        start_again(tmp_path)
    assert contents(tmp_path) == whole


def test_a_line_that_was_torn_is_written_anew(tmp_path: Path, whole: list[bytes]) -> None:
    live(tmp_path)
    for name, text in zip(BOTH, whole, strict=True):
        (tmp_path / name).write_bytes(text[:-5])
    start_again(tmp_path)
    assert contents(tmp_path) == whole


def test_lines_that_were_just_rotated_away_are_not_missing(tmp_path: Path, whole: list[bytes]) -> None:
    live(tmp_path)
    (tmp_path / f"{TRADING}.1.gz").write_bytes(gzip.compress(whole[0]))
    (tmp_path / TRADING).write_bytes(b"")
    start_again(tmp_path)
    assert contents(tmp_path) == [b"", whole[1]]


def test_a_journal_that_cannot_be_read_stops_no_start_and_is_told(tmp_path: Path) -> None:
    live(tmp_path, 4)
    (part,) = (tmp_path / "journal").glob("*.jsonl*")
    part.unlink()
    (tmp_path / "journal" / "run000001-part0001.jsonl").write_text("not a journal\n")
    start_again(tmp_path)
    log = [json.loads(line) for line in (tmp_path / "DEFAULT.log").read_text("ascii").splitlines()]
    (line,) = (line for line in log if line["event"] == "lines_left_behind")
    assert "in its journal alone" in line["message"] and "run000001-part0001" in line["message"]


def test_a_run_that_was_killed_before_its_journal_began_left_nothing(
    tmp_path: Path, whole: list[bytes]
) -> None:
    live(tmp_path)
    (tmp_path / "journal" / "run000002-part0001.jsonl").write_bytes(b'{"half":')
    start_again(tmp_path)
    assert contents(tmp_path) == whole
    assert "lines_left_behind" not in (tmp_path / "DEFAULT.log").read_text("ascii")
