"""One append-only file of whole lines. A write either adds all of its lines or leaves the file as it was.

The rules: operations/files-and-commands rows 6 and 8, reliability "storage" 3 and 4.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
MODE = 0o640
LOOK_BACK = 65_536


class StorageError(Exception):
    """The disk refused. ``errno`` says why (ENOSPC, EIO, EROFS, EFBIG, ELOOP, ...)."""

    def __init__(self, path: Path, doing: str, cause: OSError) -> None:
        super().__init__(f"{path}: cannot {doing}: {cause.strerror or cause}")
        self.path = path
        self.errno = cause.errno


class AppendFile:
    """The sole writer of ``path``. ``head`` is written whenever the file is empty (a CSV's header row).

    Opening cuts a torn last line off into ``<path>.torn``; ``torn`` is how many bytes that were.
    Every method raises `StorageError` and no other error of the disk.
    """

    def __init__(self, path: Path, *, head: bytes = b"") -> None:
        self.path = path
        self._head = head
        self._fd = _open(path)
        try:
            self.torn = _cut_torn_tail(self._fd, path)
            if head and self.size() == 0:
                self.write(head)
        except StorageError:
            os.close(self._fd)
            raise

    def fileno(self) -> int:
        return self._fd

    def size(self) -> int:
        """In bytes, as it is on disk now."""
        try:
            return os.fstat(self._fd).st_size
        except OSError as error:
            raise StorageError(self.path, "look at", error) from error

    def write(self, data: bytes | bytearray) -> None:
        """Append whole lines by one ``write(2)``; a short one is taken back and raised as ENOSPC."""
        try:
            written = os.write(self._fd, data)
            if written == len(data):
                return
            os.ftruncate(self._fd, os.fstat(self._fd).st_size - written)
        except OSError as error:
            raise StorageError(self.path, "write", error) from error
        raise StorageError(self.path, "write", OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))

    def sync(self) -> None:
        """Wait until the data is on the disk itself."""
        try:
            os.fdatasync(self._fd)
        except OSError as error:
            raise StorageError(self.path, "sync", error) from error

    def empty(self) -> None:
        """Truncate in place, so that every ``tail -f`` goes on, and write the head again."""
        try:
            os.ftruncate(self._fd, 0)
        except OSError as error:
            raise StorageError(self.path, "truncate", error) from error
        if self._head:
            self.write(self._head)

    def close(self) -> None:
        os.close(self._fd)


def _open(path: Path) -> int:
    try:
        descriptor = os.open(path, FLAGS, MODE)
    except OSError as error:
        raise StorageError(path, "open", error) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise StorageError(path, "open", OSError(errno.EINVAL, "not a regular file"))
    return descriptor


def _cut_torn_tail(descriptor: int, path: Path) -> int:
    """Move what follows the last newline to ``<path>.torn``. The copy is made before the cut."""
    try:
        size = os.fstat(descriptor).st_size
        whole = _end_of_last_line(descriptor, size)
        if whole == size:
            return 0
        torn = _open(path.with_name(path.name + ".torn"))
        try:
            os.write(torn, os.pread(descriptor, size - whole, whole) + b"\n")
        finally:
            os.close(torn)
        os.ftruncate(descriptor, whole)
    except OSError as error:
        raise StorageError(path, "repair the torn tail of", error) from error
    return size - whole


def _end_of_last_line(descriptor: int, size: int) -> int:
    """The offset behind the last newline; 0 if there is none."""
    end = size
    while end > 0:
        start = max(0, end - LOOK_BACK)
        newline = os.pread(descriptor, end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0
