"""What a service manager hears and asks for: the datagrams of sd_notify(3), without a library.

No message may ever stop the trading loop: the socket does not wait, and what it refuses is told.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from typing import Final

from mm.core.units import Nanos

SOCKET: Final = "NOTIFY_SOCKET"
WATCHDOG_MICROS: Final = "WATCHDOG_USEC"
WATCHDOG_PID: Final = "WATCHDOG_PID"
SOCKET_KIND: Final = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
NANOS_A_MICRO: Final = 1_000
READY: Final = "READY=1"
STOPPING: Final = "STOPPING=1"
WATCHDOG: Final = "WATCHDOG=1"


class NotifyError(ValueError):
    """The environment names a socket or an interval that cannot be one."""


class Manager:
    """``address`` as in ``$NOTIFY_SOCKET``: a path, or ``@name`` of the abstract namespace; empty: nobody
    listens, and `send` says that all is well.

    :raises NotifyError: if it is neither.
    """

    def __init__(self, address: str) -> None:
        if address and address[0] not in "/@":
            raise NotifyError(f"{SOCKET}: neither a path nor an abstract name")
        self._address = "\0" + address[1:] if address.startswith("@") else address

    @property
    def listens(self) -> bool:
        return bool(self._address)

    def send(self, *assignments: str) -> bool:
        """One datagram of ``NAME=value`` lines; ``False`` if it was not taken (its queue is full, or the
        manager is being restarted), so that whoever must be heard says it again."""
        if not self._address:
            return True
        try:
            with socket.socket(socket.AF_UNIX, SOCKET_KIND) as speaking:
                speaking.sendto("\n".join(assignments).encode("utf-8", "replace"), self._address)
        except OSError:
            return False
        return True


def manager_of(environment: Mapping[str, str]) -> Manager:
    """Who started us, if anybody.

    :raises NotifyError: see `Manager`.
    """
    return Manager(environment.get(SOCKET, ""))


def watchdog_interval(environment: Mapping[str, str], pid: int | None = None) -> Nanos | None:
    """Within what time the manager wants to hear of us, as sd_watchdog_enabled(3) reads it; ``None``: it does
    not ask, or it asks another process than ``pid`` (default: this one).

    :raises NotifyError: if what it asks for is no positive number of microseconds.
    """
    asked, of_whom = environment.get(WATCHDOG_MICROS, ""), environment.get(WATCHDOG_PID, "")
    if not asked or (of_whom and of_whom != str(os.getpid() if pid is None else pid)):
        return None
    if not asked.isascii() or not asked.isdigit() or int(asked) == 0:
        raise NotifyError(f"{WATCHDOG_MICROS}: no positive number of microseconds")
    return int(asked) * NANOS_A_MICRO


def extend_timeout(seconds: int) -> str:
    """We are still at it: do not give up on us for so long (start and stop)."""
    return f"EXTEND_TIMEOUT_USEC={seconds * 1_000_000}"


def status(text: str) -> str:
    """One line for people; what would end the line is replaced."""
    return "STATUS=" + " ".join(text.split())


def reloading() -> tuple[str, str]:
    """A reload begins now; `READY` ends it. The time stamp is the manager's clock (CLOCK_MONOTONIC)."""
    return "RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // NANOS_A_MICRO}"
