"""The outbox: in order, bounded, whole after a crash, and patient with a disk that refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from mm.alerts.outbox import Outbox
from mm.core.actions import AlertLevel
from mm.observe.append import StorageError
from mm.observe.files import as_is
from mm.observe.redact import HIDDEN, Redactor
from tests.alerts.words import letter


def messages(box: Outbox) -> list[str]:
    return [entry.letter.message for entry in box.waiting(1_000)]


def test_what_was_put_is_there_after_a_crash_in_its_order(tmp_path: Path) -> None:
    crashed = Outbox(tmp_path / "mail", as_is)
    for number in range(12):
        crashed.put(letter(f"no. {number}"))
    crashed.remove(crashed.waiting(1)[0])
    found = Outbox(tmp_path / "mail", as_is)
    assert messages(found) == [f"no. {number}" for number in range(1, 12)]
    assert found.waiting(1)[0].letter == crashed.waiting(1)[0].letter
    found.put(letter("later"))
    assert messages(Outbox(tmp_path / "mail", as_is))[-1] == "later"


def test_the_oldest_that_is_not_critical_gives_way(tmp_path: Path) -> None:
    box = Outbox(tmp_path, as_is, most=3)
    for message, level in (("a", AlertLevel.CRITICAL), ("b", AlertLevel.INFO), ("c", AlertLevel.WARNING)):
        box.put(letter(message, level))
    box.put(letter("d", AlertLevel.CRITICAL))
    assert (messages(box), box.dropped) == (["a", "c", "d"], 1)
    box.put(letter("e", AlertLevel.CRITICAL))
    box.put(letter("f", AlertLevel.CRITICAL))
    assert (messages(box), box.dropped) == (["d", "e", "f"], 3)
    assert messages(Outbox(tmp_path, as_is)) == ["d", "e", "f"]


def test_a_file_that_is_no_letter_is_set_aside_and_counted(tmp_path: Path) -> None:
    Outbox(tmp_path, as_is).put(letter("good"))
    for number, content in ((2, b""), (3, b'{"id": "x"'), (4, b"\xff\x00"), (5, b"[1, 2]")):
        (tmp_path / f"{number:012d}.json").write_bytes(content)
    (tmp_path / "notes.txt").write_text("of a person")
    box = Outbox(tmp_path, as_is)
    assert (messages(box), box.unreadable) == (["good"], 4)
    assert len(list(tmp_path.glob("*.unreadable"))) == 4
    assert Outbox(tmp_path, as_is).unreadable == 0


def test_while_the_disk_refuses_letters_wait_in_memory(tmp_path: Path) -> None:
    home = tmp_path / "mail"
    box = Outbox(home, as_is)
    home.rmdir()
    box.put(letter("first"))
    box.put(letter("second"))
    assert box.fault is not None and messages(box) == ["first", "second"]
    home.mkdir()
    assert messages(box) == ["first", "second"] and box.fault is None
    assert messages(Outbox(home, as_is)) == ["first", "second"]


def test_a_place_where_no_directory_can_be_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("a file")
    with pytest.raises(StorageError):
        Outbox(tmp_path / "mail", as_is)


def test_no_secret_reaches_the_disk_or_the_letter(tmp_path: Path) -> None:
    box = Outbox(tmp_path, Redactor(['canary"42\\x']).line)
    box.put(letter('the key is canary"42\\x'))
    assert messages(box) == [f"the key is {HIDDEN}"]
    assert "canary" not in "".join(path.read_text() for path in tmp_path.iterdir())


def test_only_the_bots_user_can_read_it(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "out" / "mail", as_is)
    box.put(letter("private"))
    assert (tmp_path / "out" / "mail").stat().st_mode & 0o777 == 0o700
