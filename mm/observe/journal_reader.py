"""Reading a journal back: for replay, for reports, and for whoever asks why an order was sent."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable, Iterator
from io import BufferedReader
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from mm.core.actions import AnyAction
from mm.core.events import AnyEvent, Event

Entry: TypeAlias = AnyEvent | tuple[AnyAction, ...]
PART = re.compile(r"run(\d{6})-part(\d{4})\.jsonl(\.gz)?")


class JournalError(Exception):
    """A journal that cannot be read as the whole truth; the message names file and line."""


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    e: AnyEvent | None = None
    a: tuple[AnyAction, ...] | None = None


_decode = msgspec.json.Decoder(_Line).decode


def runs(directory: Path) -> list[int]:
    """The numbers of the runs that a journal directory holds, oldest first."""
    return sorted({int(found[1]) for path in directory.iterdir() if (found := PART.fullmatch(path.name))})


def read_journal(path: Path, *, run: int | None = None) -> tuple[dict[str, Any], Iterator[Entry]]:
    """The header, and all events and tuples of actions in order.

    ``path`` is one part, plain or ``.gz``, or a directory: then all parts of ``run``, the latest if None.
    Only a last line without its newline, of the last part, is passed over: the writer was killed there.
    Anything else that is not whole raises `JournalError`, here or while iterating.
    """
    parts = _parts_of(path, run) if path.is_dir() else [path]
    header = _header(parts[0])
    return header, _entries(parts)


def read_last_parts(
    directory: Path, parts: int = 2, without: Iterable[type[Event]] = ()
) -> tuple[dict[str, Any], Iterator[Entry]]:
    """The end of the latest run, as `read_journal` reads the whole of it, but for the events ``without``,
    which are not even looked into; nothing if no run got so far as to begin a journal."""
    last = _parts_of(directory, None)[-parts:] if directory.is_dir() and runs(directory) else []
    if not last or not _is_begun(last[0]):
        return {}, iter(())
    skipped = tuple(f'{{"e":{{"type":"{kind.__name__}"'.encode() for kind in without)
    return _header(last[0]), _entries(last, skipped)


def _parts_of(directory: Path, run: int | None) -> list[Path]:
    known = runs(directory)
    if not known or (run is not None and run not in known):
        raise JournalError(
            f"{directory}: no journal {'here' if run is None else f'of run {run}; there are {known}'}"
        )
    wanted = known[-1] if run is None else run
    parts: dict[int, Path] = {}
    for path in sorted(directory.iterdir(), reverse=True):
        found = PART.fullmatch(path.name)
        if found and int(found[1]) == wanted:
            parts[int(found[2])] = path  # the plain part, sorted last, wins over its packed copy
    missing = set(range(1, max(parts) + 1)) - set(parts)
    if missing:
        raise JournalError(f"{directory}: run {wanted} lacks its part {min(missing)}")
    ordered = [parts[number] for number in sorted(parts)]
    return ordered if len(ordered) == 1 or _is_begun(ordered[-1]) else ordered[:-1]


def _is_begun(path: Path) -> bool:
    """False if the writer was killed before the first line of this part was whole."""
    with _open(path) as file:
        return file.readline().endswith(b"\n")


def _open(path: Path) -> gzip.GzipFile | BufferedReader:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def _header(path: Path) -> dict[str, Any]:
    try:
        with _open(path) as file:
            line = file.readline()
        header = msgspec.json.decode(line, type=dict[str, Any]) if line.endswith(b"\n") else {}
    except (OSError, EOFError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise JournalError(f"{path}:1: {error}") from error
    if header.get("type") != "Header":
        raise JournalError(f"{path}:1: not the header of a journal")
    return header


def _entries(parts: list[Path], skipped: tuple[bytes, ...] = ()) -> Iterator[Entry]:
    for path in parts:
        lost = _header(path).get("lost", 0)
        if lost:
            raise JournalError(f"{path}:1: {lost} lines before this part were lost to a full disk")
        yield from _entries_of(path, skipped, is_last=path is parts[-1])


def _entries_of(path: Path, skipped: tuple[bytes, ...], *, is_last: bool) -> Iterator[Entry]:
    number = 1
    try:
        with _open(path) as file:
            file.readline()
            for line in file:
                number += 1
                if not line.endswith(b"\n"):
                    if is_last:
                        return
                    raise JournalError(f"{path}:{number}: torn, and more parts follow")
                if not line.startswith(skipped):
                    yield _entry(path, number, line)
    except (OSError, EOFError) as error:
        raise JournalError(f"{path}:{number + 1}: {error}") from error


def _entry(path: Path, number: int, line: bytes) -> Entry:
    try:
        parsed = _decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise JournalError(f"{path}:{number}: {error}") from error
    if parsed.e is not None and parsed.a is None:
        return parsed.e
    if parsed.a is not None and parsed.e is None:
        return parsed.a
    raise JournalError(f"{path}:{number}: neither an event nor actions")
