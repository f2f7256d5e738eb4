"""Line files: torn tails, full disks, rotation under a reader, links in their place."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm.observe.append import AppendFile, StorageError
from mm.observe.files import Bounds, LineFile, iso, json_line, stamp
from mm.observe.replace import Replacer, replace_file

TAIL = shutil.which("tail")
DEADLINE_SECONDS = 60


def wait_until(is_so: Callable[[], bool]) -> None:
    """Waits for a fact, however long the machine needs."""
    end = time.monotonic() + DEADLINE_SECONDS
    while not is_so():
        assert time.monotonic() < end, "it never became so"
        time.sleep(0.005)


def numbered(first: int, last: int) -> list[bytes]:
    return [json_line({"n": n, "text": "x" * 20}) for n in range(first, last)]


def numbers(data: bytes) -> list[int]:
    return [json.loads(line)["n"] for line in data.splitlines()]


def all_lines(path: Path) -> bytes:
    """The packed copies, oldest first, and the live file."""
    copies = sorted(path.parent.glob(f"{path.name}.*.gz"), key=lambda copy: -int(copy.name.split(".")[-2]))
    return b"".join(gzip.decompress(copy.read_bytes()) for copy in copies) + path.read_bytes()


def test_a_torn_tail_is_cut_off_at_every_byte_of_the_last_line(tmp_path: Path) -> None:
    whole, last = b'{"n":1}\n{"n":2}\n', b'{"n":3,"text":"abc"}\n'
    for length in range(1, len(last)):
        path = tmp_path / f"{length}.jsonl"
        path.write_bytes(whole + last[:length])
        file = AppendFile(path)
        file.write(b'{"n":4}\n')
        file.close()
        assert file.torn == length
        assert path.read_bytes() == whole + b'{"n":4}\n'
        assert path.with_name(path.name + ".torn").read_bytes() == last[:length] + b"\n"


def test_a_whole_file_is_left_alone_and_a_torn_one_without_any_newline_is_emptied(tmp_path: Path) -> None:
    (tmp_path / "whole").write_bytes(b"{}\n")
    (tmp_path / "torn").write_bytes(b"y" * 200_000)
    whole, torn = AppendFile(tmp_path / "whole"), AppendFile(tmp_path / "torn", head=b"a,b\n")
    assert (whole.torn, torn.torn) == (0, 200_000)
    assert (tmp_path / "torn").read_bytes() == b"a,b\n"
    whole.close()
    torn.close()


@pytest.mark.parametrize("kind", ["link", "fifo", "directory"])
def test_only_a_regular_file_is_opened(tmp_path: Path, kind: str) -> None:
    path, target = tmp_path / "file", tmp_path / "target"
    target.write_text("precious")
    if kind == "link":
        path.symlink_to(target)
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(StorageError, match="cannot open"):
        AppendFile(path)
    assert target.read_text() == "precious"


@given(st.dictionaries(st.text(), st.one_of(st.none(), st.integers(), st.text(), st.floats(allow_nan=False))))
def test_any_record_is_one_strict_ascii_line(record: dict[str, object]) -> None:
    record = {key: None if value in (float("inf"), float("-inf")) else value for key, value in record.items()}
    line = json_line(record)
    assert line.isascii() and line.endswith(b"\n")
    assert not any(byte < 0x20 or byte == 0x7F for byte in line[:-1])
    assert json.loads(line) == record


def test_every_control_character_is_escaped() -> None:
    text = "".join(map(chr, range(0xA0))) + "\u2028\u202e\ud800"
    line = json_line({"message": text})
    assert not any(byte < 0x20 or byte > 0x7E for byte in line[:-1])
    assert json.loads(line) == {"message": text}


def test_not_a_number_is_refused_not_written() -> None:
    with pytest.raises(ValueError):
        json_line({"price": float("nan")})


def test_times_are_epoch_seconds_and_iso() -> None:
    assert stamp(1_790_000_000_123_456_789)["timestamp"] == 1790000000.123456
    assert iso(1_790_000_000_123_456_789) == "2026-09-21T14:13:20.123456Z"


FULL_DISK = """
import resource, sys
from pathlib import Path
from mm.observe.files import Bounds, LineFile, json_line

def disk(free):
    resource.setrlimit(resource.RLIMIT_FSIZE, (free, resource.RLIM_INFINITY))

path = Path(sys.argv[1])
file = LineFile(path, head=b'', bounds=Bounds(waiting_bytes=4_000))
def add(first, last):
    for n in range(first, last):
        file.add(json_line({"n": n, "text": "x" * 20}))
    file.flush()
add(0, 10)
disk(path.stat().st_size + 50)     # room for one line and a half
add(10, 20)
assert file.fault is not None and file.fault.errno is not None, file.fault
held = path.read_bytes()
assert held.endswith(b"\\n") and held.count(b"\\n") == 10, held
file.flush()
assert file.fault is not None
disk(resource.RLIM_INFINITY)
add(20, 30)
assert file.fault is None and file.dropped == 0
disk(path.stat().st_size)
add(30, 1030)                      # more than memory may hold
assert file.dropped > 0
disk(resource.RLIM_INFINITY)
file.close()
print(file.dropped)
"""


def test_a_full_disk_tears_no_line_and_loses_none_that_memory_can_hold(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    dropped = int(done.stdout)
    found = numbers(path.read_bytes())
    assert found == [*range(30), *range(30 + dropped, 1030)]


def test_rotation_keeps_every_line_and_bounds_the_copies(tmp_path: Path) -> None:
    path = tmp_path / "lines.csv"
    file = LineFile(path, head=b"n\n", bounds=Bounds(file_bytes=2_000, keep=3, settle_seconds=0))
    for line in range(2_000):
        file.add(b"%d\n" % line)
        if line % 100 == 99:
            wait_until(lambda: not file._is_rotating())
            file.flush()
    file.close()
    copies = sorted(copy.name for copy in tmp_path.glob("*.gz"))
    assert copies == ["lines.csv.1.gz", "lines.csv.2.gz", "lines.csv.3.gz"]
    lines = all_lines(path).split()
    assert lines[0] == b"n" and lines[-1] == b"1999"
    kept = [int(line) for line in lines if line != b"n"]
    assert kept == list(range(kept[0], 2_000))
    assert path.read_bytes().startswith(b"n\n") and not list(tmp_path.glob("*.tmp"))


def test_lines_that_come_during_a_rotation_wait_and_follow(tmp_path: Path) -> None:
    path, may_truncate = tmp_path / "lines.jsonl", Event()
    file = LineFile(path, bounds=Bounds(file_bytes=1_000), settle=may_truncate.wait)
    for line in numbered(0, 50):
        file.add(line)
    file.flush()
    for line in numbered(50, 60):
        file.add(line)
    file.flush()
    assert numbers(path.read_bytes()) == list(range(50))
    may_truncate.set()
    file.close()
    assert numbers(path.read_bytes()) == list(range(50, 60))
    assert numbers(all_lines(path)) == list(range(60))


@pytest.mark.skipif(TAIL is None, reason="the program tail is not installed")
def test_tail_follows_through_rotations_and_misses_no_line(tmp_path: Path) -> None:
    assert TAIL is not None
    path, seen = tmp_path / "lines.jsonl", tmp_path / "seen"
    written = [0]

    def has_caught_up() -> bool:
        return seen.stat().st_size == written[0]

    file = LineFile(
        path,
        bounds=Bounds(file_bytes=3_000, keep=100),
        settle=lambda: wait_until(has_caught_up),
    )
    with seen.open("wb") as output:
        tail = subprocess.Popen([TAIL, "-n", "+1", "-f", str(path)], stdout=output, stderr=subprocess.DEVNULL)
    try:
        for batch in range(40):
            lines = numbered(batch * 10, batch * 10 + 10)
            for line in lines:
                file.add(line)
            wait_until(lambda: not file._is_rotating())
            written[0] += sum(map(len, lines))
            file.flush()
            wait_until(has_caught_up)
    finally:
        tail.kill()
        tail.wait()
        file.close()
    assert len(list(tmp_path.glob("*.gz"))) > 3
    assert numbers(seen.read_bytes()) == list(range(400))


def test_a_reader_of_a_replaced_file_sees_old_or_new_never_half(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    documents = [json.dumps({"n": n, "fill": "y" * 50_000}).encode() for n in range(60)]
    replace_file(path, documents[0])
    replacer = Replacer()
    try:
        for document in documents:
            replacer.put(path, document)
            assert path.read_bytes() in documents
    finally:
        replacer.close()
    assert path.read_bytes() == documents[-1]
    assert [left.name for left in tmp_path.iterdir()] == ["status.json"]


def test_a_refused_replacement_is_tried_again(tmp_path: Path) -> None:
    home = tmp_path / "later"
    replacer = Replacer()
    replacer.put(home / "status.json", b"{}")
    wait_until(lambda: replacer.fault is not None)
    home.mkdir()
    wait_until(lambda: replacer.fault is None)
    replacer.close()
    assert (home / "status.json").read_bytes() == b"{}"


def test_a_failed_replacement_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    path.mkdir()
    with pytest.raises(StorageError, match="cannot replace"):
        replace_file(path, b"{}")
    assert [left.name for left in tmp_path.iterdir()] == ["status.json"]
