"""Old lines become numbered, compressed files: ``<name>.1.gz`` is the newest, ``keep`` are kept."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from mm.observe.append import MODE, AppendFile, StorageError

LEVEL = 1
FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC


def compress(source: Path, target: Path) -> None:
    """A gzip copy of ``source``, for the same readers, on the disk under its name only when it is whole.
    Raises `StorageError`."""
    half_made = target.with_name(target.name + ".tmp")
    try:
        with source.open("rb") as plain, os.fdopen(os.open(half_made, FLAGS, MODE), "wb") as raw:
            with gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=LEVEL) as packed:
                shutil.copyfileobj(plain, packed, 1 << 20)
            raw.flush()
            os.fsync(raw.fileno())
        half_made.replace(target)
    except OSError as error:
        half_made.unlink(missing_ok=True)
        raise StorageError(target, "compress to", error) from error


def rotate(file: AppendFile, keep: int, settle: Callable[[], object]) -> None:
    """Copy and truncate in place; nobody may write meanwhile. ``settle`` is called between the two, to let
    readers that follow the file reach its end. Killed in between, lines are kept twice, never lost."""
    fresh = file.path.with_name(file.path.name + ".0.gz")
    compress(file.path, fresh)
    settle()
    _shift(file.path, keep)
    file.empty()


def _shift(path: Path, keep: int) -> None:
    """n -> n+1 from the oldest down, over the last one: ``keep`` remain."""
    try:
        for number in range(keep - 1, -1, -1):
            older = path.with_name(f"{path.name}.{number}.gz")
            if older.exists():
                older.replace(path.with_name(f"{path.name}.{number + 1}.gz"))
    except OSError as error:
        raise StorageError(path, "shift the old copies of", error) from error
