"""One trading process a run directory: a lock that the operating system drops with the process.

The text in the file is for people; who holds the lock is decided by `flock` alone, because a process number
can be reused.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from mm.app.errors import LOCK_HELD, CannotRun

NAME = "kmm.lock"
# Who only looks whether the lock is held holds it for a moment himself.
TRIES, PAUSE_SECONDS = 3, 0.02


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
        if not _is_taken(file):
            holder = _text(file) or "unknown"
            text = (
                f"Failed to acquire lock: another instance runs in {run_dir} ({holder}); "
                f"kmm stop --run-dir {shlex.quote(str(run_dir))} ends it"
            )
            raise CannotRun(text, LOCK_HELD)
        os.ftruncate(file, 0)
        since = datetime.now(UTC).isoformat(timespec="seconds")
        os.write(file, f"process {os.getpid()}, since {since}".encode("ascii"))
        try:
            yield
        finally:
            os.ftruncate(file, 0)
    finally:
        os.close(file)


def holder_of(run_dir: Path) -> str:
    """Who runs in ``run_dir``, as the text of the lock has it; empty if nobody does.

    :raises CannotRun: (1) if that cannot be found out.
    """
    path = run_dir / NAME
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise CannotRun(f"cannot see who runs: {path}: {error.strerror}") from error
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _text(file) or "unknown"
    else:
        return ""
    finally:
        os.close(file)


def _is_taken(file: int) -> bool:
    for attempt in range(TRIES):
        if attempt:
            time.sleep(PAUSE_SECONDS)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        return True
    return False


def _text(file: int) -> str:
    return os.read(file, 200).decode("ascii", "replace").strip()
