"""The truth: every event and every action, in order, handed to the operating system before it takes effect.

One run is a series of parts ``run000001-part0001.jsonl``; the first line of each is the header. A line is
``{"e":event}`` or ``{"a":[actions]}``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from mm.core.actions import Alert, AnyAction
from mm.core.events import AnyEvent, Reference
from mm.observe.append import AppendFile, StorageError
from mm.observe.files import Scrub, as_is
from mm.observe.journal_keeper import JournalKeeper
from mm.observe.journal_reader import PART, Entry, JournalError, read_journal, runs

__all__ = ["Entry", "Journal", "JournalError", "StorageError", "read_journal", "runs"]

VERSION = 1
NOT_ASCII = re.compile(r"[^\x00-\x7f]")


class Journal:
    """``directory`` is made if missing; ``header`` (JSON values) is repeated at the top of every part.

    `event` and `actions` only fill a buffer; `flush` writes it by one ``write(2)``, starts a new part above
    ``part_bytes``, and raises `StorageError` while the disk refuses. The lines are kept, up to
    ``waiting_bytes``, and the next `flush` tries again; lines lost beyond that are counted in the header of
    the part that follows the gap. A side thread syncs about once a second (``sync_faults`` counts parts
    that were left because it failed) and compresses finished parts, of which ``keep_parts`` are kept.
    """

    def __init__(
        self,
        directory: Path,
        header: Mapping[str, object],
        *,
        part_bytes: int = 64 << 20,
        keep_parts: int = 64,
        waiting_bytes: int = 64 << 20,
        scrub: Scrub = as_is,
    ) -> None:
        _make(directory)
        self.run = 1 + max(runs(directory), default=0)
        self.lost = 0
        self.sync_faults = 0
        self._directory = directory
        self._header = dict(header)
        self._part_bytes = part_bytes
        self._waiting_bytes = waiting_bytes
        self._scrub = scrub
        self._encode_into = msgspec.json.Encoder().encode_into
        self._buffer = bytearray()
        left_plain = [
            path for path in sorted(directory.iterdir()) if PART.fullmatch(path.name) and not _is_packed(path)
        ]
        self._keeper = JournalKeeper(directory, keep_parts, left_plain)
        self._part = 0
        self._file: AppendFile | None = None
        self._written = 0
        try:
            self._start_part()
        except StorageError:
            self._keeper.close()
            raise

    def event(self, event: AnyEvent) -> None:
        """Raises ValueError for a `Reference` that is no number: no source may emit it."""
        if type(event) is Reference and not math.isfinite(event.value):
            raise ValueError(f"{event.name} is {event.value}, which is no number")
        buffer = self._buffer
        buffer += b'{"e":'
        self._encode_into(event, buffer, -1)
        buffer += b"}\n"

    def actions(self, actions: Sequence[AnyAction]) -> None:
        """An empty answer leaves no line."""
        if not actions:
            return
        buffer = self._buffer
        buffer += b'{"a":'
        self._encode_into([_printable(action) for action in actions], buffer, -1)
        buffer += b"}\n"

    def flush(self) -> None:
        """Hand all lines to the operating system. Raises `StorageError`; nothing is forgotten then."""
        if self._keeper.fault is not None or self._file is None:
            self._replace_part()
        if not self._buffer:
            return
        data = self._scrub(_ascii(self._buffer))
        assert self._file is not None
        try:
            self._file.write(data)
        except StorageError:
            self._close_part()
            self._bound_buffer()
            raise
        self._buffer.clear()
        self._written += len(data)
        if self._written > self._part_bytes:
            self._start_part()

    def close(self) -> None:
        """Write, sync, end the side thread. Raises `StorageError` if lines could not be written."""
        try:
            self.flush()
        finally:
            self._close_part()
            self._keeper.close()

    def _start_part(self) -> None:
        """Only the new part's header is written here; the old part is synced and packed by the keeper."""
        number = self._part + 1
        header = {**self._header, "type": "Header", "version": VERSION, "run": self.run, "part": number}
        line = json.dumps({**header, "lost": self.lost}, allow_nan=False).encode("ascii") + b"\n"
        file = AppendFile(self._directory / f"run{self.run:06d}-part{number:04d}.jsonl")
        if file.size() == 0:
            try:
                file.write(self._scrub(line))
            except StorageError:
                file.close()
                raise
        self._close_part()
        self._part, self._file, self._written, self.lost = number, file, 0, 0
        self._keeper.watch(file)

    def _replace_part(self) -> None:
        """After a fault the descriptor is suspect (a failed fsync may have dropped pages): go on in a new
        part."""
        try:
            self._start_part()
        except StorageError:
            self._bound_buffer()
            raise
        if self._keeper.fault is not None:
            self._keeper.fault = None
            self.sync_faults += 1

    def _close_part(self) -> None:
        if self._file is not None:
            self._keeper.retire(self._file)
            self._file = None

    def _bound_buffer(self) -> None:
        """Give up the oldest lines above ``waiting_bytes``, and say how many."""
        excess = len(self._buffer) - self._waiting_bytes
        if excess > 0:
            cut = self._buffer.find(b"\n", excess - 1) + 1
            self.lost += self._buffer.count(b"\n", 0, cut)
            del self._buffer[:cut]


def _make(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o750, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(directory, "make", error) from error


def _is_packed(path: Path) -> bool:
    return path.suffix == ".gz"


def _ascii(data: bytearray) -> bytes:
    """Escape what is not ASCII; it can only stand inside JSON strings."""
    if data.isascii():
        return bytes(data)
    return NOT_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], data.decode()).encode("ascii")


def _printable(action: AnyAction) -> AnyAction:
    """JSON has no NaN: a detail of an alert that is no number is kept as its text."""
    if type(action) is not Alert:
        return action
    details = tuple(
        (name, str(value) if isinstance(value, float) and not math.isfinite(value) else value)
        for name, value in action.details
    )
    return msgspec.structs.replace(action, details=details)
