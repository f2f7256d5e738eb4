"""systemd's part in the stories, as sd_notify(3) describes it: a datagram socket that hears every word."""

from __future__ import annotations

import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE_SECONDS = 90.0
LONGEST_DATAGRAM = 4096  # systemd reads no more


class FakeManager:
    """``heard``: every datagram so far, as its assignments."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.heard: list[dict[str, str]] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)

    def environment(self, watchdog_seconds: float | None = None, pid: int | None = None) -> dict[str, str]:
        asked = {"NOTIFY_SOCKET": self.address}
        if watchdog_seconds is not None:
            asked["WATCHDOG_USEC"] = str(int(watchdog_seconds * 1_000_000))
        if pid is not None:
            asked["WATCHDOG_PID"] = str(pid)
        return asked

    def hears(self, seconds: float = PATIENCE_SECONDS) -> dict[str, str] | None:
        """The next datagram, or ``None`` if there is silence for so long."""
        self._socket.settimeout(seconds)
        try:
            text = self._socket.recv(LONGEST_DATAGRAM + 1).decode()
        except (TimeoutError, BlockingIOError):
            return None
        assert len(text.encode()) <= LONGEST_DATAGRAM
        said = dict(line.split("=", 1) for line in text.split("\n"))
        self.heard.append(said)
        return said

    def waits_for(self, name: str, value: str = "") -> dict[str, str]:
        """The next datagram with this assignment (any value, if none is given)."""
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            said = self.hears()
            if said is not None and name in said and value in said[name]:
                return said
        raise AssertionError(f"waited in vain for {name}={value}; heard {self.heard[-20:]}")

    def clear(self) -> None:
        """Forget what has already arrived."""
        while self.hears(0) is not None:
            pass

    def names(self) -> list[str]:
        """The order in which things were said first."""
        return list(dict.fromkeys(name for said in self.heard for name in said))

    def close(self) -> None:
        self._socket.close()


@contextmanager
def fake_manager(abstract: bool = False) -> Iterator[FakeManager]:
    """In a short directory, because a socket's path may not be long."""
    with tempfile.TemporaryDirectory(prefix="kmm") as directory:
        manager = FakeManager(("@" if abstract else "") + str(Path(directory) / "notify"))
        try:
            yield manager
        finally:
            manager.close()
