"""One trading process a run directory: a lock that the operating system drops with the process.

The text in the file is for people; who holds the lock is decided by `flock` alone, because a process number
can be reused.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from mm.app.errors import LOCK_HELD, CannotRun

NAME = "kmm.lock"


@contextmanager
def hold_lock(run_dir: Path) -> Iterator[None]:
    """Hold the lock of ``run_dir`` for the time of the block.

    :raises CannotRun: (11) if another process holds it, with who and since when; (1) if it cannot be made.
    """
    path = run_dir / NAME
    try:
        run_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CannotRun(f"Failed to acquire lock: {path}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(file, 200).decode("ascii", "replace").strip() or "unknown"
            text = f"Failed to acquire lock: another instance runs in {run_dir} ({holder}); stop it first"
            raise CannotRun(text, LOCK_HELD) from None
        os.ftruncate(file, 0)
        since = datetime.now(UTC).isoformat(timespec="seconds")
        os.write(file, f"process {os.getpid()}, since {since}".encode("ascii"))
        try:
            yield
        finally:
            os.ftruncate(file, 0)
    finally:
        os.close(file)
