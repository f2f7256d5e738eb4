"""Who may read what a run writes: its user and the group, so that whoever is in it can use the manual. The
bug was that copies were open to everybody, and that the shipped service files kept all from the group."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mm.core.events import Tick
from mm.observe.files import Bounds, LineFile
from mm.observe.journal import Journal
from tests.observe.day import finished_day

ROOT = Path(__file__).resolve().parents[2]
UMASK = re.compile(r"^umask=(\d+)$", re.IGNORECASE | re.MULTILINE)


def shipped(name: str) -> int:
    found = UMASK.findall((ROOT / name).read_text())
    assert len(found) == 1
    return int(found[0], 8)


MASKS: dict[str, Callable[[], int]] = {
    "a terminal's": lambda: 0o022,
    "systemd's": lambda: shipped("kalshi-market-maker.service"),
    "supervisord's": lambda: shipped("supervisor-kalshi-mm.conf"),
}


@contextmanager
def masked(umask: int) -> Iterator[None]:
    before = os.umask(umask)
    try:
        yield
    finally:
        os.umask(before)


def modes(directory: Path) -> dict[str, str]:
    found = [directory, *directory.rglob("*")]
    return {str(path.relative_to(directory)): oct(path.stat().st_mode & 0o777) for path in found}


def write_much(home: Path) -> None:
    """A day, a line file and a journal that were packed, and a tail that was cut off."""
    finished_day(home)
    with (home / "lines.jsonl").open("wb") as torn:
        torn.write(b"1\n2")
    lines = LineFile(home / "lines.jsonl", bounds=Bounds(file_bytes=1, settle_seconds=0))
    lines.add(b"3\n")
    lines.flush()
    lines.close()
    for _ in range(2):
        journal = Journal(home / "journal", {}, part_bytes=1)
        for number in range(3):
            journal.event(Tick(number, 1, 1))
            journal.flush()
        journal.close()


@pytest.mark.parametrize("whose", MASKS)
def test_the_group_reads_everything_and_others_nothing(tmp_path: Path, whose: str) -> None:
    home = tmp_path / "run"
    with masked(MASKS[whose]()):
        write_much(home)
    found = modes(home)
    torn = found.pop("lines.jsonl")
    assert int(torn, 8) & 0o040, "made by the test itself"
    directories = {found.pop("."), found.pop("journal")}
    assert directories == {"0o750"}
    assert {name: mode for name, mode in found.items() if mode != "0o640"} == {}
    copies = [name for name in found if name.endswith((".gz", ".torn"))]
    assert {Path(name).name for name in copies} >= {"lines.jsonl.1.gz", "lines.jsonl.torn"}
    assert any(name.startswith("journal/") for name in copies)
