"""Values that another program appends to a file, one JSON object a line: ``{"name", "value", "ts"}``.

A collector of any language can feed an index level this way, and a person with ``echo``. What was there
before we came is history; a file that shrinks or is replaced is read from its beginning; a bad line is told,
never guessed.
"""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from mm.core.events import AnyEvent, Reference
from mm.core.units import SECOND, Nanos

LOOK_EVERY_SECONDS: Final = 0.1
LONGEST_LINE: Final = 4_096


class _Line(msgspec.Struct):
    """``ts``: the source's own time, epoch seconds; 0 if it does not say."""

    name: str
    value: float
    ts: float = 0.0


_decode: Final = msgspec.json.Decoder(_Line).decode


class LineSource:
    """``clock`` dates what arrives; ``complain`` hears of lines that cannot be read."""

    def __init__(self, path: Path, clock: Callable[[], Nanos], complain: Callable[[str], None]) -> None:
        self._path = path
        self._clock = clock
        self._complain = complain
        self._inode = 0
        self._offset = 0
        self._rest = b""
        self._came_before = True

    async def run(self, emit: Callable[[list[AnyEvent]], None]) -> None:
        """Until cancelled: hand over what is appended. A missing file is waited for."""
        while True:
            events = self.read()
            if events:
                emit(events)
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    def read(self) -> list[AnyEvent]:
        """What was appended since the last call."""
        now = self._clock()
        return [event for line in self._new_lines() if (event := self._event(line, now)) is not None]

    def _new_lines(self) -> Iterator[bytes]:
        data = self._rest + self._new_bytes()
        *lines, self._rest = data.split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            self._complain(f"{self._path}: a line of more than {LONGEST_LINE} bytes")
            self._rest = b""
        yield from (line for line in lines if line.strip())

    def _new_bytes(self) -> bytes:
        came_before, self._came_before = self._came_before, False
        try:
            with self._path.open("rb") as file:
                status = os.fstat(file.fileno())
                if status.st_ino != self._inode or status.st_size < self._offset:
                    self._inode, self._rest = status.st_ino, b""
                    self._offset = status.st_size if came_before else 0
                file.seek(self._offset)
                data = file.read()
        except OSError:
            return b""
        self._offset += len(data)
        return data

    def _event(self, line: bytes, now: Nanos) -> Reference | None:
        try:
            found = _decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            self._complain(f"{self._path}: {error}")
            return None
        if not found.name or not math.isfinite(found.value) or not math.isfinite(found.ts):
            self._complain(f"{self._path}: no name, or no number")
            return None
        return Reference(now, found.name, found.value, int(found.ts * SECOND))
