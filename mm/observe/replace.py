"""Files that are replaced as a whole: a reader sees the old content or the new, never a mixture.

The rule: operations/files-and-commands row 8 (temporary file in the same directory, fsync, rename).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from threading import Condition, Thread

from mm.observe.append import MODE, StorageError
from mm.observe.files import Scrub, as_is

RETRY_SECONDS = 0.25


def json_document(record: Mapping[str, object]) -> bytes:
    """Strict ASCII JSON over several lines, for people. Raises ValueError on NaN."""
    return json.dumps(record, allow_nan=False, indent=2).encode("ascii") + b"\n"


def replace_file(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Put ``data`` in the place of ``path``; ``durable``: also through a power cut. Raises `StorageError`."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        _write_all(fresh, data, durable)
        fresh.replace(path)
        if durable:
            _sync_directory(path.parent)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise StorageError(path, "replace", error) from error


class Replacer:
    """A side thread that replaces files durably, because an fsync may take 15 ms. The newest content of a
    path wins. What the disk refuses is tried again; ``fault`` is set meanwhile."""

    def __init__(self, scrub: Scrub = as_is) -> None:
        self.fault: StorageError | None = None
        self._scrub = scrub
        self._changed = Condition()
        self._wanted: dict[Path, bytes] = {}
        self._is_closing = False
        self._thread = Thread(target=self._work, name="replace files", daemon=True)
        self._thread.start()

    def put(self, path: Path, data: bytes) -> None:
        with self._changed:
            self._wanted[path] = self._scrub(data)
            self._changed.notify()

    def close(self) -> None:
        """Write what is still wanted, trying each file once more, and end the thread."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        is_last = False
        while not is_last:
            with self._changed:
                self._changed.wait_for(lambda: self._wanted or self._is_closing)
                if self.fault is not None and not self._is_closing:
                    self._changed.wait_for(lambda: self._is_closing, RETRY_SECONDS)
                is_last = self._is_closing
                batch, self._wanted = self._wanted, {}
            self._replace(batch)

    def _replace(self, batch: dict[Path, bytes]) -> None:
        fault = None
        for path, data in batch.items():
            try:
                replace_file(path, data)
            except StorageError as error:
                fault = error
                with self._changed:
                    self._wanted.setdefault(path, data)
        self.fault = fault


def _write_all(path: Path, data: bytes, durable: bool) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, MODE)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(descriptor, left) :]
        if durable:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
