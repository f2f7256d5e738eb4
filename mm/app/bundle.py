"""The bundle for whoever helps: the ends of a run's files, the configuration, versions, limits and checks.

Made from a list of what may go in, never from a directory; each text passes the redactor, no symbolic link is
followed, and only the owner can read the result (controls X03, X04).
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from mm.app.vitals import last_lines
from mm.observe.redact import Redactor

ROOT = "diagnostics"
ALERT_LINES = 100
LOG_LINES = 500
TABLE_LINES = 200
LARGEST = 16 << 20


class Piece(NamedTuple):
    """One file of the bundle; ``read`` gives its bytes, and raises OSError if they cannot be had."""

    name: str
    read: Callable[[], bytes]


class Packed(NamedTuple):
    """``missing``: name and why."""

    path: Path
    names: tuple[str, ...]
    missing: tuple[tuple[str, str], ...]


def pieces_of_run(run_dir: Path, desks: Iterable[str]) -> Iterator[Piece]:
    """What the support checklist names, and the tables beside it: whole documents, ends of what grows."""
    yield _end(run_dir, "alerts.jsonl", ALERT_LINES)
    yield _whole(run_dir, "heartbeat.json")
    yield _whole(run_dir, "last_run.json")
    for desk in desks:
        yield _whole(run_dir, f"{desk}_circuit_breaker_status.json")
        yield _whole(run_dir, f"Strategy_{desk}_metrics.json")
        yield _end(run_dir, f"{desk}.log", LOG_LINES)
        yield _end(run_dir, f"Strategy_{desk}_trading.jsonl", LOG_LINES)
        for table in ("loops", "actions", "latencies"):
            yield _table(run_dir, f"Strategy_{desk}_{table}.csv")


def document(name: str, content: object) -> Piece:
    """A JSON document that we make ourselves."""
    return Piece(name, lambda: json.dumps(content, indent=2, default=str).encode() + b"\n")


def pack(
    target: Path, pieces: Iterable[Piece], redactor: Redactor, done: Callable[[str], None] = lambda name: None
) -> Packed:
    """Write ``target`` (mode 0600, replacing an older one only when it is whole). Raises OSError."""
    names: list[str] = []
    missing: list[tuple[str, str]] = []
    manifest: list[dict[str, object]] = []
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        with (
            os.fdopen(os.open(draft, flags, 0o600), "wb") as file,
            tarfile.open(fileobj=file, mode="w:gz") as tar,
        ):
            for piece in pieces:
                try:
                    data = _redacted(piece.read(), redactor)
                except OSError as error:
                    missing.append((piece.name, error.strerror or str(error)))
                else:
                    _add(tar, piece.name, data)
                    names.append(piece.name)
                    digest = hashlib.sha256(data).hexdigest()
                    manifest.append({"name": piece.name, "bytes": len(data), "sha256": digest})
                done(piece.name)
            _add(tar, "manifest.json", document("", {"files": manifest, "missing": dict(missing)}).read())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return Packed(target, tuple(names), tuple(missing))


def _redacted(data: bytes, redactor: Redactor) -> bytes:
    return redactor.text(data.decode("utf-8", "backslashreplace")).encode()


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(f"{ROOT}/{name}")
    entry.size, entry.mode = len(data), 0o600
    tar.addfile(entry, io.BytesIO(data))


def _whole(run_dir: Path, name: str) -> Piece:
    def read() -> bytes:
        number = os.open(run_dir / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(number, "rb") as file:
            return file.read(LARGEST)

    return Piece(name, read)


def _end(run_dir: Path, name: str, lines: int) -> Piece:
    return Piece(name, lambda: b"".join(line + b"\n" for line in last_lines(run_dir / name, lines)))


def _table(run_dir: Path, name: str) -> Piece:
    """With its heading, wherever the end begins."""

    def read() -> bytes:
        number = os.open(run_dir / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(number, "rb") as file:
            heading = file.readline(LARGEST)
        lines = [line + b"\n" for line in last_lines(run_dir / name, TABLE_LINES)]
        return b"".join(lines if lines[:1] == [heading] else [heading, *lines])

    return Piece(name, read)
