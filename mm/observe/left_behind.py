"""Lines that a killed run had journalled and not yet written: its last Tick's, rendered once more from its
journal by the same observers, and appended where they belong."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from os import SEEK_END
from pathlib import Path
from typing import Final
from zlib import error as ZlibError

from mm.core.actions import AnyAction
from mm.core.events import (
    AccountReport,
    AnyEvent,
    BookDelta,
    BookSnapshot,
    Fill,
    MarketAssigned,
    Ticker,
    Trade,
)
from mm.core.picture import BreakerPicture, EnginePicture, MarketDecision
from mm.core.units import Count
from mm.observe.desk_files import DeskFiles
from mm.observe.files import LineFile, Scrub, seconds
from mm.observe.journal_reader import read_last_parts

# A line of JSON or CSV begins with its time in seconds.
DATED: Final = re.compile(rb'(?:\{"timestamp":)?(\d+(?:\.\d+)?),')
# A cancel's row repeats what the order was, which the end of a journal may not tell any more: it is the same
# row by its time, ids and market.
CANCEL: Final = re.compile(rb"[\d.]+,cancel,[^,]*,[^,]*,[^,]*,")
TAIL_BYTES: Final = 4 << 20
OVERLAP_SECONDS: Final = 1.0
# Most of a journal, and no line of these tables.
MARKET_DATA: Final = (BookDelta, BookSnapshot, Ticker, Trade)
# What these tell is told anew by the first read of the account.
OF_THE_ACCOUNT: Final = (Fill, AccountReport)
NO_LINE: Final = (*MARKET_DATA, *OF_THE_ACCOUNT)
UNKNOWN: Final = EnginePicture(
    0, "", False, (), (), BreakerPicture(True, "", "", 0, 0, {}, {}, ()), None, last_reconcile=0
)


class _FormerEngine:
    """What observers may ask of an engine that is no more: who had which market. ``only`` is the desk's name
    if there is but one."""

    def __init__(self, desks: Mapping[str, str], only: str) -> None:
        self._desks = dict(desks)
        self._only = only

    @property
    def decisions(self) -> Sequence[MarketDecision]:
        return ()

    def picture(self) -> EnginePicture:
        return UNKNOWN

    def desk_of(self, ticker: str) -> str:
        return self._desks.get(ticker, self._only)

    def position(self, ticker: str) -> Count:
        return 0

    def hear(self, event: AnyEvent) -> None:
        if isinstance(event, MarketAssigned):
            self._desks[event.ticker] = event.desk


class _Tail:
    """The last second of a file, and of its newest copy if that is so young."""

    def __init__(self, path: Path) -> None:
        dated = [(when, line) for line in _last_lines(path) if (when := _time_of(line)) is not None]
        self.begins = dated[-1][0] - OVERLAP_SECONDS if dated else 0.0
        self._names = {_name_of(line) for when, line in dated if when >= self.begins}

    def has(self, line: bytes) -> bool:
        return _name_of(line) in self._names


def append_left_behind(
    journal: Path, tables: Sequence[DeskFiles], desks: Mapping[str, str], scrub: Scrub
) -> int:
    """Bring the files of these fresh ``tables`` up to the latest run of ``journal``; how many lines those
    were. Fills and inventories are not among them. ``desks`` is who had which market, as far as known.

    :raises JournalError: if the journal cannot be read; what was read until then is appended.
    :raises OSError: if a file cannot be read.
    """
    files = [file for table in tables for file in table.files.values()]
    tails = {file.path: _Tail(file.path) for file in files}
    earliest = min((tail.begins for tail in tails.values()), default=0.0)
    _, entries = read_last_parts(journal, without=NO_LINE)
    names = {desk for table in tables for desk in table.files}
    engine = _FormerEngine(desks, only=names.pop() if len(names) == 1 else "")
    appended = 0
    try:
        for event, actions in _steps(entries):
            engine.hear(event)
            is_old = seconds(event.ts) < earliest
            for table in tables:
                table.on_step(event, actions, engine)
                if is_old:
                    table.forget()
                for desk, line in table.spoken():
                    file = table.files[desk]
                    appended += _append(file, tails[file.path], scrub(line))
    finally:
        for file in files:
            file.flush()
    return appended


def _append(file: LineFile, tail: _Tail, line: bytes) -> bool:
    when = _time_of(line)
    if when is None or when < tail.begins or tail.has(line):
        return False
    file.add(line)
    return True


def _steps(
    entries: Iterable[AnyEvent | tuple[AnyAction, ...]],
) -> Iterator[tuple[AnyEvent, tuple[AnyAction, ...]]]:
    """Each event with what it led to. A part may begin with the actions of an event before it."""
    event: AnyEvent | None = None
    for entry in entries:
        if isinstance(entry, tuple):
            if event is not None:
                yield event, entry
            event = None
        else:
            if event is not None:
                yield event, ()
            event = entry
    if event is not None:
        yield event, ()


def _time_of(line: bytes) -> float | None:
    found = DATED.match(line)
    return float(found[1]) if found else None


def _name_of(line: bytes) -> bytes:
    """What of a line makes it this one."""
    found = CANCEL.match(line)
    return found[0] if found else line


def _last_lines(path: Path) -> list[bytes]:
    """Whole lines, each with its newline."""
    plain = _plain_tail(path)
    if len(plain) < TAIL_BYTES:
        plain = _packed_tail(path.with_name(path.name + ".1.gz")) + plain
    return plain.splitlines(keepends=True)


def _plain_tail(path: Path) -> bytes:
    with path.open("rb") as file:
        start = file.seek(0, SEEK_END) - TAIL_BYTES
        file.seek(max(start, 0))
        return file.read().partition(b"\n")[2] if start > 0 else file.read()


def _packed_tail(path: Path) -> bytes:
    """Empty if there is none. Of one that is not whole, what it has."""
    tail = b""
    if path.exists():
        with suppress(EOFError, gzip.BadGzipFile, ZlibError), gzip.open(path, "rb") as packed:
            while chunk := packed.read(TAIL_BYTES):
                tail = (tail + chunk)[-TAIL_BYTES:]
    return tail
