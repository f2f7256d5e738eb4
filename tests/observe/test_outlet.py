"""A reader that stalls: what has something to say goes on, what is missed is counted, and order is kept."""

from __future__ import annotations

import array
import fcntl
import json
import os
import select
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TextIO

import pytest

from mm.observe.files import LineFile
from mm.observe.log import RunLog
from mm.observe.outlet import Outlet
from mm.observe.redact import Redactor
from tests.observe.test_files import DEADLINE_SECONDS, wait_until

# More lines than memory may hold, which holds more than a pipe does (64 KiB).
MANY = 20_000
MOST_BYTES = 128 << 10


class Pipe(NamedTuple):
    reader: TextIO
    writer: TextIO

    def bytes_inside(self) -> int:
        found = array.array("i", [0])
        fcntl.ioctl(self.reader.fileno(), termios.FIONREAD, found)
        return found[0]

    def is_full(self) -> bool:
        """It takes no further piece."""
        return not select.select([], [self.writer], [], 0)[1]


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    ends = os.pipe()
    with os.fdopen(ends[1], "w") as writer, os.fdopen(ends[0]) as reader:
        yield Pipe(reader, writer)


def line(number: int) -> bytes:
    return f"line {number:06d}\n".encode()


def lines_until(reader: TextIO, word: str) -> list[str]:
    found: list[str] = []
    while not found or not found[-1].startswith(word):
        found.append(reader.readline().rstrip("\n"))
    return found


def test_what_a_stalled_reader_misses_is_one_gap_that_is_counted(pipe: Pipe) -> None:
    outlet = Outlet(pipe.writer, lambda dropped: outlet.put(f"gap {dropped}\n".encode()), MOST_BYTES)
    for number in range(MANY):
        outlet.put(line(number))
    *kept, gap = lines_until(pipe.reader, "gap")
    assert kept == [f"line {number:06d}" for number in range(len(kept))]
    assert gap == f"gap {MANY - len(kept)}" and MOST_BYTES - len(line(0)) <= len(kept) * len(line(0))
    assert len(kept) < MANY
    outlet.put(line(MANY))
    assert pipe.reader.readline() == f"line {MANY:06d}\n"
    assert outlet.close(DEADLINE_SECONDS) == 0


def test_a_reader_that_never_comes_back_holds_up_no_end(pipe: Pipe) -> None:
    outlet = Outlet(pipe.writer, lambda _: None, MOST_BYTES)
    for number in range(MANY):
        outlet.put(line(number))

    def is_held() -> bool:
        """The thread has noted all that the pipe took, and can give it no more."""
        taken = pipe.bytes_inside() // len(line(0))
        return pipe.is_full() and taken + len(outlet._waiting) + outlet._dropped == MANY

    wait_until(is_held)
    lost = outlet.close(patience_seconds=0.05)
    assert lost and lost + pipe.bytes_inside() // len(line(0)) == MANY
    outlet.put(b"too late\n")


def test_everything_said_before_the_end_is_there_at_the_end(pipe: Pipe) -> None:
    for _ in range(50):
        outlet = Outlet(pipe.writer, lambda _: None)
        outlet.put(line(1))
        assert outlet.close(DEADLINE_SECONDS) == 0
        assert pipe.reader.readline() == "line 000001\n"


def test_a_line_longer_than_a_pipe_takes_at_once_and_one_that_somebody_made_impatient(pipe: Pipe) -> None:
    os.set_blocking(pipe.writer.fileno(), False)
    outlet = Outlet(pipe.writer, lambda _: None)
    long = b"x" * 200_000 + b"\n"
    outlet.put(long)
    outlet.put(line(2))
    assert pipe.reader.readline() == long.decode() and pipe.reader.readline() == "line 000002\n"
    assert outlet.close(DEADLINE_SECONDS) == 0 and outlet.fault is None


def test_a_full_device_is_a_fault_and_no_gap() -> None:
    with Path("/dev/full").open("w") as full:
        outlet = Outlet(full, lambda _: None)
        outlet.put(line(1))
        assert outlet.close(DEADLINE_SECONDS) == 0
    assert isinstance(outlet.fault, OSError) and outlet.fault.strerror == "No space left on device"


def journal_of(pipe: Pipe) -> dict[str, str]:
    found = os.fstat(pipe.writer.fileno())
    return {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}


def test_the_file_has_every_line_and_at_the_end_how_many_the_journal_has_not(
    pipe: Pipe, tmp_path: Path
) -> None:
    file = LineFile(tmp_path / "x.log")
    environment = journal_of(pipe)
    log = RunLog({"DEFAULT": file}, redactor=Redactor(), stream=pipe.writer, environment=environment)
    text = "x" * 1_000
    for number in range(2_000):
        log.logger.error("boom", number=number, text=text)
    wait_until(pipe.is_full)  # else the reader may wait for a thread that had not begun
    log.close()
    *booms, last = [json.loads(each) for each in (tmp_path / "x.log").read_text().splitlines()]
    assert [each["number"] for each in booms] == list(range(2_000))
    assert (last["event"], last["level"]) == ("output_stalled", "warning")
    assert pipe.reader.readline().startswith('<3>{"timestamp"')
    assert 0 < last["dropped"] <= 2_000
