"""Files that other programs follow while we write them: lines that survive a full disk, and their form.

A `LineFile` never fails its owner: what cannot be written waits in memory and is tried again.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from threading import Event, Thread

import msgspec

from mm.core.units import SECOND, Nanos
from mm.observe.append import AppendFile, StorageError
from mm.observe.rotate import rotate

Scrub = Callable[[bytes], bytes]
STRICT = json.JSONEncoder(allow_nan=False, separators=(",", ":"))


class Bounds(msgspec.Struct, frozen=True):
    """``file_bytes``: rotate above; ``keep``: compressed copies; ``waiting_bytes``: memory for a full disk;
    ``settle_seconds``: how long readers get to reach the end of a file before it is truncated."""

    file_bytes: int = 64 << 20
    keep: int = 8
    waiting_bytes: int = 8 << 20
    settle_seconds: float = 1.0


def json_line(record: Mapping[str, object]) -> bytes:
    """One line of strict ASCII JSON. Raises ValueError on NaN: print `None` for what is not known."""
    return STRICT.encode(record).encode("ascii") + b"\n"


def iso(ts: Nanos) -> str:
    """2026-11-21T03:15:05.123456Z"""
    whole, rest = divmod(ts, SECOND)
    return f"{_second(whole)}.{rest // 1000:06d}Z"


@lru_cache(maxsize=4)  # many lines fall into one second
def _second(whole: int) -> str:
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}"


def seconds(ts: Nanos) -> float:
    """Epoch seconds to the microsecond, the form of every ``timestamp`` in a JSON file."""
    return ts // 1000 / 1_000_000


def stamp(ts: Nanos) -> dict[str, object]:
    """The first two keys of every record."""
    return {"timestamp": seconds(ts), "timestamp_iso": iso(ts)}


def as_is(data: bytes) -> bytes:
    return data


class LineFile:
    """Lines wait in memory until `flush`, which writes them in one piece or keeps them.

    ``fault`` is the last refusal of the disk while it lasts; ``dropped`` counts lines that memory could not
    hold. Above ``bounds.file_bytes`` a side thread copies and truncates, while new lines wait.
    ``settle`` replaces the pause before truncating. The constructor raises `StorageError`.
    """

    def __init__(
        self,
        path: Path,
        *,
        head: bytes = b"",
        bounds: Bounds = Bounds(),  # noqa: B008 (frozen)
        scrub: Scrub = as_is,
        settle: Callable[[], object] | None = None,
    ) -> None:
        self.path = path
        self.fault: StorageError | None = None
        self.dropped = 0
        self._head = head
        self._bounds = bounds
        self._scrub = scrub
        self._closing = Event()
        self._settle = settle or (lambda: self._closing.wait(bounds.settle_seconds))
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._rotate_above = bounds.file_bytes
        self._rotation: Thread | None = None
        self._file: AppendFile | None = AppendFile(path, head=head)
        self.torn = self._file.torn

    def add(self, line: bytes) -> None:
        """Keep one whole line, newline included, for the next `flush`; the oldest give way if too many."""
        self._waiting.append(line)
        self._waiting_bytes += len(line)
        while self._waiting_bytes > self._bounds.waiting_bytes and len(self._waiting) > 1:
            self._waiting_bytes -= len(self._waiting.popleft())
            self.dropped += 1

    def flush(self) -> None:
        """Write all that waits, unless a rotation is under way. Never raises for the disk."""
        if self._is_rotating():
            return
        if self._waiting:
            self._write(self._scrub(b"".join(self._waiting)))

    def sync(self) -> None:
        """`flush`, and wait for the disk itself."""
        self.flush()
        if self._file is not None and not self._waiting:
            try:
                self._file.sync()
            except StorageError as error:
                self._give_up(error)

    def close(self) -> None:
        self._closing.set()
        if self._rotation is not None:
            self._rotation.join()
            self._rotation = None
        self._rotate_above = 1 << 62
        self.flush()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, batch: bytes) -> None:
        try:
            # A file that failed is suspect: open it anew, which also repairs its tail.
            self._file = file = self._file or AppendFile(self.path, head=self._head)
            file.write(batch)
            self._waiting.clear()
            self._waiting_bytes = 0
            self.fault = None
            if file.size() > self._rotate_above:
                self._rotation = Thread(target=self._rotate, args=(file,), name=f"rotate {self.path.name}")
                self._rotation.start()
        except StorageError as error:
            self._give_up(error)

    def _give_up(self, error: StorageError) -> None:
        self.fault = error
        if self._file is not None:
            self._file.close()
            self._file = None

    def _is_rotating(self) -> bool:
        if self._rotation is not None and not self._rotation.is_alive():
            self._rotation.join()
            self._rotation = None
        return self._rotation is not None

    def _rotate(self, file: AppendFile) -> None:
        """On the side thread. A refused copy is tried again when the file has grown by an eighth."""
        try:
            rotate(file, self._bounds.keep, self._settle)
            self._rotate_above = self._bounds.file_bytes
        except StorageError as error:
            self.fault = error
            self._rotate_above += self._bounds.file_bytes // 8
