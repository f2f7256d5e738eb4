"""What the operating system may tell a run: stop, or read the configuration again."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, NoReturn

from mm.app.errors import NOT_PROVEN, CannotRun

STOPS: Final = (signal.SIGTERM, signal.SIGINT)
CAUGHT: Final = (*STOPS, signal.SIGHUP)


def too_early(name: str) -> CannotRun:
    """Nothing was sent, and nothing was looked at: what a former run left may still rest."""
    return CannotRun(f"stopped by {name} before trading began", NOT_PROVEN)


@contextmanager
def heeded_while_starting() -> Iterator[None]:
    """Until there is a loop, a signal ends the start in order: files are closed, the lock is released.

    :raises CannotRun: in the block, when one comes.
    """

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        raise too_early(signal.Signals(number).name)

    before = {number: signal.signal(number, stop) for number in STOPS}
    before[signal.SIGHUP] = signal.signal(signal.SIGHUP, stop if is_on_terminal() else signal.SIG_IGN)
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is not signal.SIG_IGN:  # a run that has ended wants to hear nothing
                signal.signal(number, handler)


@contextmanager
def heeded(shut_down: Callable[[str], None], reload: Callable[[str], object]) -> Iterator[None]:
    """SIGTERM and SIGINT are an orderly end; asking again changes nothing. The SIGHUP of a closed terminal is
    one, too; from a supervisor it means: read the configuration. Afterwards all are ignored for good: what is
    left is to compare, to close and to say so."""
    loop = asyncio.get_running_loop()
    for number in STOPS:
        loop.add_signal_handler(number, shut_down, number.name)
    loop.add_signal_handler(signal.SIGHUP, shut_down if is_on_terminal() else reload, "SIGHUP")
    try:
        yield
    finally:
        for number in CAUGHT:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)


def is_on_terminal() -> bool:
    """Whether a person has us on a terminal, which can be closed."""
    return sys.stdin.isatty() or sys.stdout.isatty()
