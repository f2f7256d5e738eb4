"""How the files of a run begin: all there, none elsewhere, and what a former run left is believed."""

from __future__ import annotations

import csv
import io
import json
import tarfile
from pathlib import Path

import pytest

from mm.observe.append import StorageError
from mm.observe.names import UnsafeName
from mm.observe.status import read_status
from tests.observe.day import FILES, open_in


def test_every_file_is_there_and_valid_before_anything_happens(tmp_path: Path) -> None:
    files = open_in(tmp_path / "logs")
    try:
        for name in FILES:
            text = (tmp_path / "logs" / name).read_text("ascii")
            if name.endswith(".json"):
                json.loads(text)
            if name.endswith(".csv"):
                assert len(list(csv.reader(io.StringIO(text)))) == 1
        status = read_status(tmp_path / "logs" / FILES[1])
        assert status.is_open and status.trading_allowed and status.trip_time is None
        assert files.statuses == {"DEFAULT": None}
        with tarfile.open(tmp_path / "bundle.tar.gz", "w:gz") as bundle:
            for name in FILES[:5]:
                bundle.add(tmp_path / "logs" / name)
    finally:
        for observer in files.observers:
            observer.close()
        files.close()


def test_a_tripped_breaker_is_on_disk_and_survives_the_next_start(run_dir: Path) -> None:
    status = read_status(run_dir / FILES[1])
    assert not status.is_open and status.trip_rule == "consecutive_errors"
    files = open_in(run_dir)
    for observer in files.observers:
        observer.close()
    files.close()
    assert files.statuses["DEFAULT"] == status
    assert read_status(run_dir / FILES[1]) == status


@pytest.mark.parametrize("damage", [b"", b"{", b'{"is_open": true}', b"\xff\xfe", None])
def test_a_breaker_file_that_cannot_be_read_means_tripped(run_dir: Path, damage: bytes | None) -> None:
    path = run_dir / FILES[1]
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage)
    files = open_in(run_dir)
    for observer in files.observers:
        observer.close()
    files.close()
    found = files.statuses["DEFAULT"]
    assert found is not None and not found.trading_allowed
    assert json.loads(path.read_text())["state"] == "tripped"


@pytest.mark.parametrize(
    "name", ["..", "a/b", "", "a" * 33, "-x", "_x", "ä", "a\0", "a.b", "A\n", "ａ", "../x", " a", "."]
)
def test_a_desk_name_cannot_leave_the_directory(tmp_path: Path, name: str) -> None:
    before = set(tmp_path.rglob("*"))
    with pytest.raises(UnsafeName):
        open_in(tmp_path / "logs", {name: "glft"})
    assert set(tmp_path.rglob("*")) - before <= {tmp_path / "logs"}


def test_a_link_in_the_place_of_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "outside").write_text("precious\n")
    (tmp_path / "logs" / "alerts.jsonl").symlink_to(tmp_path / "outside")
    with pytest.raises((StorageError, UnsafeName)):
        open_in(tmp_path / "logs")
    assert (tmp_path / "outside").read_text() == "precious\n"
