"""What is not delivered yet, on disk: one file a letter, so that a crash loses none and order is by name.

``<directory>/000000000042.json``; put by temporary file and rename, removed by unlink. While the disk
refuses, letters wait in memory and are tried again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Final, NamedTuple, TypeAlias

import msgspec

from mm.alerts.letter import Letter
from mm.core.actions import AlertLevel
from mm.observe.append import StorageError
from mm.observe.replace import replace_file

MOST: Final = 500
LARGEST: Final = 1 << 16
UNREADABLE: Final = ".unreadable"
Scrub: TypeAlias = Callable[[bytes], bytes]


class Entry(NamedTuple):
    number: int
    letter: Letter


class Outbox:
    """At most ``most`` letters: then the oldest that is not critical gives way, and is counted in
    ``dropped``. ``unreadable``: files found at the start that were no letters; they are set aside.
    ``scrub`` sees the bytes of each letter first. Any thread may call; no call waits for anything but a
    small write. The constructor raises `StorageError`.
    """

    def __init__(self, directory: Path, scrub: Scrub, most: int = MOST) -> None:
        self.dropped = 0
        self.unreadable = 0
        self.fault: StorageError | None = None
        self._directory = directory
        self._scrub = scrub
        self._most = most
        self._guard = Lock()
        self._unsaved: set[int] = set()
        self._durable: set[int] = set()
        self._letters = self._read_all()
        self._next = max(self._letters, default=0) + 1

    def __len__(self) -> int:
        return len(self._letters)

    def put(self, letter: Letter) -> None:
        """On disk when it returns, unless the disk refuses. Never raises for the disk."""
        data = self._scrub(msgspec.json.encode(letter))
        with self._guard:
            number, self._next = self._next, self._next + 1
            self._letters[number] = msgspec.json.decode(data, type=Letter)
            self._unsaved.add(number)
            self._save()
            gone = self._make_room()
        for each in gone:
            self._unlink(each)

    def waiting(self, most: int) -> list[Entry]:
        """The oldest letters, in order; what could not be saved before is tried again."""
        with self._guard:
            self._save()
            return [Entry(*item) for item in list(self._letters.items())[:most]]

    def remove(self, entry: Entry) -> None:
        """Delivered, or given up."""
        with self._guard:
            self._letters.pop(entry.number, None)
            self._unsaved.discard(entry.number)
            self._durable.discard(entry.number)
        self._unlink(entry.number)

    def make_durable(self, entry: Entry) -> None:
        """Wait until the letter is on the disk itself, for it will be there for a while. Once is enough."""
        if entry.number in self._durable:
            return
        try:
            descriptor = os.open(self._path(entry.number), os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return  # given way meanwhile, or never saved: then ``fault`` says so
        try:
            os.fsync(descriptor)
            self._durable.add(entry.number)
        except OSError as error:
            self.fault = StorageError(self._directory, "sync", error)
        finally:
            os.close(descriptor)

    def _path(self, number: int) -> Path:
        return self._directory / f"{number:012d}.json"

    def _save(self) -> None:
        for number in sorted(self._unsaved):
            try:
                replace_file(self._path(number), msgspec.json.encode(self._letters[number]), durable=False)
            except StorageError as error:
                self.fault = error
                return
            self._unsaved.discard(number)
        self.fault = None

    def _make_room(self) -> list[int]:
        gone = []
        while len(self._letters) > self._most:
            minor = (n for n, each in self._letters.items() if each.level is not AlertLevel.CRITICAL)
            oldest = next(minor, next(iter(self._letters)))
            del self._letters[oldest]
            self._unsaved.discard(oldest)
            self._durable.discard(oldest)
            self.dropped += 1
            gone.append(oldest)
        return gone

    def _unlink(self, number: int) -> None:
        try:
            self._path(number).unlink(missing_ok=True)
        except OSError as error:
            self.fault = StorageError(self._path(number), "remove", error)

    def _read_all(self) -> dict[int, Letter]:
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            paths = sorted(path for path in self._directory.glob("*.json") if path.stem.isdecimal())
            found = {int(path.stem): self._read(path) for path in paths}
        except OSError as error:
            raise StorageError(self._directory, "read", error) from error
        return {number: letter for number, letter in found.items() if letter is not None}

    def _read(self, path: Path) -> Letter | None:
        try:
            with path.open("rb") as file:
                return msgspec.json.decode(file.read(LARGEST), type=Letter)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            path.replace(path.with_name(path.name + UNREADABLE))
            self.unreadable += 1
            return None
