"""The journal: what went in comes out, in order; what is torn is passed over only at the very end."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm.core.actions import Alert, AlertLevel, AnyAction, CancelAll, PlaceOrder, QueryAccount, Stop
from mm.core.events import (
    AccountReport,
    AnyEvent,
    BookDelta,
    BookSnapshot,
    FeeSchedule,
    MarketState,
    MarketStatus,
    OrderReport,
    OrderStatus,
    PositionReport,
    Reference,
    Tick,
    Trade,
)
from mm.core.grid import CENT_GRID
from mm.core.units import Side
from mm.observe.append import StorageError
from mm.observe.journal import Entry, Journal, JournalError, read_journal, runs
from tests.observe.engine import fill
from tests.observe.test_files import wait_until

REPORT = OrderReport(5, 0, "mm-1", "o-1", "T", Side.ASK, OrderStatus.RESTING, 5_600, 0, 100, 4, "x")
EVENTS: list[AnyEvent] = [
    BookSnapshot(1, "T", ((4_700, 100), (4_600, 5)), ()),
    BookDelta(2, "T", Side.BID, 4_700, -100, True),
    Trade(3, "T", "t", 4_700, 100, Side.ASK),
    MarketStatus(4, "T", MarketState.ACTIVE, grid=CENT_GRID, fees=FeeSchedule(70_000, 0)),
    REPORT,
    AccountReport(6, 1, 5, -7, (PositionReport("T", -5, 6, 7, 8),), (REPORT,), (fill(6),)),
    Reference(7, "BRTI", 60_000.125),
    Reference(8, "quoted \u2028 \x1b[2J é 😀", -0.5),
    Tick(9, 3, 4),
]
ACTIONS: list[AnyAction] = [
    PlaceOrder(1, "mm-1", "T", Side.BID, 4_600, 100, reason="é"),
    CancelAll(2, "trip"),
    QueryAccount(3, 0),
    Alert(AlertLevel.CRITICAL, "x", "y", details=(("a", 1), ("b", 0.5), ("c", "d"))),
    Stop(0, "asked"),
]


def write(directory: Path, events: Iterable[AnyEvent]) -> Journal:
    journal = Journal(directory, {"config": {"seed": 7}})
    for event in events:
        journal.event(event)
        journal.flush()
    journal.close()
    return journal


def entries(path: Path, run: int | None = None) -> list[Entry]:
    return list(read_journal(path, run=run)[1])


def part(directory: Path, run: int = 1, number: int = 1) -> Path:
    return directory / f"run{run:06d}-part{number:04d}.jsonl"


def test_what_goes_in_comes_out_in_order(tmp_path: Path) -> None:
    journal = Journal(tmp_path, {"config": {"seed": 7}, "started": "2026-11-21"})
    for event in EVENTS:
        journal.event(event)
        journal.actions(ACTIONS if event is EVENTS[-1] else ())
    journal.flush()
    assert entries(part(tmp_path)) == entries(tmp_path) == [*EVENTS, tuple(ACTIONS)]
    journal.close()
    header, _ = read_journal(tmp_path)
    assert header["type"] == "Header" and header["config"] == {"seed": 7} and header["lost"] == 0
    assert part(tmp_path).read_bytes().isascii()
    assert part(tmp_path).read_bytes().count(b"\n") == 1 + len(EVENTS) + 1


@given(st.text(), st.floats(allow_nan=False, allow_infinity=False))
def test_any_text_is_one_ascii_line(
    tmp_path_factory: pytest.TempPathFactory, name: str, value: float
) -> None:
    if any("\ud800" <= letter <= "\udfff" for letter in name):
        return
    directory = tmp_path_factory.mktemp("journal")
    write(directory, [Reference(1, name, value)])
    assert entries(directory) == [Reference(1, name, value)]
    assert part(directory).read_bytes().isascii() and part(directory).read_bytes().count(b"\n") == 2


def test_a_reference_that_is_no_number_is_refused_and_an_alert_keeps_its_text(tmp_path: Path) -> None:
    journal = Journal(tmp_path, {})
    with pytest.raises(ValueError, match="BRTI"):
        journal.event(Reference(1, "BRTI", float("nan")))
    journal.actions([Alert(AlertLevel.INFO, "x", "y", details=(("a", float("inf")),))])
    journal.close()
    assert entries(tmp_path) == [(Alert(AlertLevel.INFO, "x", "y", details=(("a", "inf"),)),)]


def test_a_torn_last_line_is_passed_over_at_every_byte(tmp_path: Path) -> None:
    write(tmp_path / "j", EVENTS)
    whole = part(tmp_path / "j").read_bytes()
    start_of_last = whole.rstrip(b"\n").rfind(b"\n") + 1
    for end in range(start_of_last, len(whole)):
        (tmp_path / "cut.jsonl").write_bytes(whole[:end])
        assert entries(tmp_path / "cut.jsonl") == EVENTS[:-1]


@pytest.mark.parametrize("damage", ["garbled", "missing type", "unknown key", "empty", "nul"])
def test_a_damaged_line_in_the_middle_is_an_error_with_its_place(tmp_path: Path, damage: str) -> None:
    write(tmp_path, EVENTS)
    lines = part(tmp_path).read_bytes().splitlines(keepends=True)
    lines[3] = {
        "garbled": lines[3][:20] + b"\n",
        "missing type": b'{"e":{"ts":1}}\n',
        "unknown key": b'{"x":1}\n',
        "empty": b"{}\n",
        "nul": b"\0\0\0\n",
    }[damage]
    part(tmp_path).write_bytes(b"".join(lines))
    _, rest = read_journal(tmp_path)
    found = [next(rest), next(rest)]
    assert found == EVENTS[:2]
    with pytest.raises(JournalError, match=r"part0001\.jsonl:4: "):
        next(rest)


@pytest.mark.parametrize("content", [b"", b"{}\n", b'{"type":"Header"', b"\xff\n", b"[]\n"])
def test_a_file_without_its_header_is_no_journal(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.jsonl").write_bytes(content)
    with pytest.raises(JournalError, match=r"x\.jsonl:1: "):
        read_journal(tmp_path / "x.jsonl")


def test_parts_are_numbered_packed_and_read_as_one(tmp_path: Path) -> None:
    ticks: list[AnyEvent] = [Tick(n, 1, 1) for n in range(300)]
    journal = Journal(tmp_path, {}, part_bytes=2_000)
    for tick in ticks:
        journal.event(tick)
        journal.flush()
    wait_until(lambda: len(list(tmp_path.glob("*.jsonl"))) == 1)
    journal.close()
    assert len(list(tmp_path.glob("*.gz"))) > 3
    assert entries(tmp_path) == ticks
    assert (
        entries(part(tmp_path).with_name(part(tmp_path).name + ".gz"))
        == ticks[: len(entries_of_first(tmp_path))]
    )


def entries_of_first(directory: Path) -> list[bytes]:
    packed = part(directory).with_name(part(directory).name + ".gz")
    return gzip.decompress(packed.read_bytes()).splitlines()[1:]


def test_old_parts_give_way_and_the_reader_says_so(tmp_path: Path) -> None:
    journal = Journal(tmp_path, {}, part_bytes=500, keep_parts=2)
    for n in range(200):
        journal.event(Tick(n, 1, 1))
        journal.flush()
    wait_until(lambda: len(list(tmp_path.glob("*.jsonl"))) == 1)
    journal.close()
    assert len(list(tmp_path.glob("*.gz"))) == 2
    with pytest.raises(JournalError, match="lacks its part 1"):
        read_journal(tmp_path)


@pytest.mark.parametrize("beginning", [b"", b'{"type":"Hea'])
def test_a_kill_while_a_part_is_begun_loses_nothing(tmp_path: Path, beginning: bytes) -> None:
    write(tmp_path, EVENTS)
    part(tmp_path, number=2).write_bytes(beginning)
    assert entries(tmp_path) == EVENTS


def test_a_part_cut_short_before_another_is_an_error(tmp_path: Path) -> None:
    journal = Journal(tmp_path, {}, part_bytes=500)
    for n in range(40):
        journal.event(Tick(n, 1, 1))
        journal.flush()
    wait_until(lambda: len(list(tmp_path.glob("*.jsonl"))) == 1)
    journal.close()
    packed = part(tmp_path).with_name(part(tmp_path).name + ".gz")
    packed.write_bytes(packed.read_bytes()[:-12])
    with pytest.raises(JournalError, match=r"part0001\.jsonl\.gz:\d+: "):
        entries(tmp_path)


def test_the_next_run_packs_whole_lines_alone_and_keeps_the_torn_one_beside_them(tmp_path: Path) -> None:
    """It was packed as it was, so that `zcat | jq` stopped there (operations/files-and-commands row 6)."""
    write(tmp_path, EVENTS)
    left = part(tmp_path)
    whole = left.read_bytes()
    left.write_bytes(whole + b'{"e":{"type":"Ti')
    write(tmp_path, EVENTS[:1])
    packed = left.with_name(left.name + ".gz")
    assert gzip.decompress(packed.read_bytes()) == whole
    assert left.with_name(left.name + ".torn").read_bytes() == b'{"e":{"type":"Ti\n'
    assert entries(tmp_path, run=1) == EVENTS


def test_a_torn_line_goes_when_its_part_goes(tmp_path: Path) -> None:
    for run in range(1, 4):
        journal = Journal(tmp_path, {}, keep_parts=1)
        journal.event(EVENTS[0])
        journal.close()
        with part(tmp_path, run).open("ab") as file:
            file.write(b"half")
    Journal(tmp_path, {}, keep_parts=1).close()
    assert [path.name for path in tmp_path.glob("*.torn")] == ["run000003-part0001.jsonl.torn"]


def test_each_run_has_its_own_parts_and_the_latest_is_read(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    write(tmp_path, EVENTS[:3])
    assert write(tmp_path, EVENTS[3:]).run == 2
    assert runs(tmp_path) == [1, 2]
    assert entries(tmp_path) == EVENTS[3:]
    assert entries(tmp_path, run=1) == EVENTS[:3]
    with pytest.raises(JournalError, match="run 3"):
        read_journal(tmp_path, run=3)
    with pytest.raises(JournalError, match="no journal here"):
        read_journal(empty)


FULL_DISK = """
import resource, sys
from pathlib import Path
from mm.core.events import Tick
from mm.observe.append import StorageError
from mm.observe.journal import Journal

def disk(free):
    resource.setrlimit(resource.RLIMIT_FSIZE, (free, resource.RLIM_INFINITY))

journal = Journal(Path(sys.argv[1]), {}, waiting_bytes=int(sys.argv[2]))
refused = 0
for n in range(60):
    if n == 10:
        disk(0)
    if n == 50:
        disk(resource.RLIM_INFINITY)
    journal.event(Tick(n, 1, 1))
    try:
        journal.flush()
    except StorageError as error:
        assert error.errno is not None
        refused += 1
journal.close()
print(refused)
"""


@pytest.mark.parametrize(("waiting_bytes", "is_whole"), [(1 << 20, True), (500, False)])
def test_a_full_disk_is_a_fact_and_the_lines_follow_when_there_is_room(
    tmp_path: Path, waiting_bytes: int, is_whole: bool
) -> None:
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path), str(waiting_bytes)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "40\n"), done.stderr
    if is_whole:
        assert entries(tmp_path) == [Tick(n, 1, 1) for n in range(60)]
    else:
        with pytest.raises(JournalError, match=r"\d+ lines before this part were lost"):
            entries(tmp_path)


ENDLESS = """
import sys
from pathlib import Path
from mm.core.events import Tick
from mm.observe.journal import Journal
journal = Journal(Path(sys.argv[1]), {}, part_bytes=200_000)
n = 0
while True:
    for _ in range(20):
        journal.event(Tick(n, 1, 1))
        n += 1
    journal.flush()
    print(n, flush=True)
"""


def test_a_kill_loses_nothing_that_was_flushed(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", ENDLESS, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    told = 0
    with child, child.stdout as told_lines:
        while told < 20_000:
            told = int(told_lines.readline())
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    found = entries(tmp_path)
    assert len(found) >= told
    assert found == [Tick(n, 1, 1) for n in range(len(found))]


def test_a_directory_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot make"):
        Journal(tmp_path / "file" / "journal", {})
