"""What is said over ``control.sock``: one JSON line asks, one JSON line answers. And how to reach a socket
whose path is too long for the operating system.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import msgspec

from mm.app.errors import CannotRun

NAME: Final = "control.sock"
LONGEST_REQUEST: Final = 16_384
LONGEST_ANSWER: Final = 4 << 20
# sockaddr_un(7): 108 bytes with the last one for a NUL.
LONGEST_PATH: Final = 107

CommandName: TypeAlias = Literal[
    "status",
    "breaker_show",
    "breaker_reset",
    "kill",
    "resume",
    "stop",
    "pause",
    "cancel_all",
    "prove",
    "flatten",
    "reload",
]
Answer: TypeAlias = dict[str, Any]


class Request(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """``reason`` is a person's, for the log; ``desk`` narrows `breaker_reset` to one."""

    command: CommandName
    reason: str = ""
    desk: str = ""


def refusal(code: int, text: str) -> Answer:
    """An answer that says no; ``code`` is the exit code of the command that asked."""
    return {"ok": False, "code": code, "error": text}


@contextmanager
def address(run_dir: Path) -> Iterator[str]:
    """The socket's path, short enough to bind or connect to for the time of the block.

    :raises CannotRun: if the run directory cannot be opened.
    """
    path = str(run_dir.absolute() / NAME)
    if len(os.fsencode(path)) <= LONGEST_PATH:
        yield path
        return
    try:
        directory = os.open(run_dir, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise CannotRun(f"{run_dir}: {error.strerror}") from error
    try:
        yield f"/proc/self/fd/{directory}/{NAME}"
    finally:
        os.close(directory)
