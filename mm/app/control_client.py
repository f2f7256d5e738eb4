"""The asking side of ``control.sock``. Nobody there is an answer, too: then the files and the lock speak."""

from __future__ import annotations

import contextlib
import errno
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from mm.app.control_words import LONGEST_ANSWER, Answer, Request, address
from mm.app.errors import TIMED_OUT, CannotRun
from mm.app.lock import holder_of

ANSWER_WITHIN_SECONDS: Final = 10.0
LOOK_EVERY_SECONDS: Final = 0.1
# A bot may be busy for a moment when the patience with what it does ends; it is not silent then.
LEAST_SECONDS: Final = 3.0
# Nobody listens: no socket, no directory, or a socket that a killed run has left.
NOBODY: Final = frozenset({errno.ENOENT, errno.ECONNREFUSED, errno.ENOTDIR})


class NotRunning(Exception):
    """Nobody holds the lock of this run directory."""


def ask(run_dir: Path, request: Request, patience: float = ANSWER_WITHIN_SECONDS) -> Answer:
    """What the bot in ``run_dir`` answers. One that is just starting is waited for.

    :raises NotRunning: if there is none.
    :raises CannotRun: (5) if it does not answer within ``patience`` seconds, (1) if it may not be asked.
    """
    deadline = time.monotonic() + patience
    while (answer := _try(run_dir, request, deadline)) is None:
        holder = holder_of(run_dir)
        if not holder:
            raise NotRunning
        if time.monotonic() >= deadline:
            raise CannotRun(f"the bot ({holder}) does not answer", TIMED_OUT)
        time.sleep(LOOK_EVERY_SECONDS)
    return answer


def _try(run_dir: Path, request: Request, deadline: float) -> Answer | None:
    """``None`` if nobody listens, or whoever did ended before he had answered."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as line:
        line.settimeout(max(deadline - time.monotonic(), LOOK_EVERY_SECONDS))
        try:
            with address(run_dir) as where:
                line.connect(where)
            line.sendall(msgspec.json.encode(request) + b"\n")
            answer = _read_line(line)
        except TimeoutError:
            raise CannotRun("the bot does not answer in time", TIMED_OUT) from None
        except (BrokenPipeError, ConnectionResetError):
            return None
        except OSError as error:
            if error.errno in NOBODY:
                return None
            raise CannotRun(f"cannot ask the bot in {run_dir}: {error.strerror}") from error
    return msgspec.json.decode(answer, type=Answer) if answer.endswith(b"\n") else None


def _read_line(line: socket.socket) -> bytes:
    answer = bytearray()
    while not answer.endswith(b"\n") and len(answer) <= LONGEST_ANSWER:
        data = line.recv(65_536)
        if not data:
            break
        answer += data
    return bytes(answer)


def until(
    run_dir: Path,
    is_done: Callable[[Answer | None], bool],
    patience: float,
    show: Callable[[Answer | None], None] = lambda answer: None,
) -> bool:
    """Ask for the status again and again until ``is_done``; ``None`` stands for a bot that is gone.
    ``False`` if ``patience`` seconds were not enough.

    :raises CannotRun: as `ask`; it has `LEAST_SECONDS` for each answer.
    """
    deadline = time.monotonic() + patience
    while True:
        answer: Answer | None = None
        with contextlib.suppress(NotRunning):
            answer = ask(run_dir, Request("status"), max(deadline - time.monotonic(), LEAST_SECONDS))
        show(answer)
        if is_done(answer):
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(LOOK_EVERY_SECONDS)
