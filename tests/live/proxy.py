"""A wire between the bot and the exchange that can be cut and mended: TCP in, TCP out, nothing understood."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

CHUNK = 65_536


class Wire:
    """Listens on a free ``port`` and carries every connection to the exchange's ``target`` port. One that
    ``is_laid`` later refuses connections until `lay`; the port is its own from the beginning."""

    def __init__(self, target: int, is_laid: bool = True) -> None:
        self._target = target
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self._is_cut = False
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        if is_laid:
            self.lay()

    def lay(self) -> None:
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Every connection ends now, and no new one gets through."""
        with self._guard:
            self._is_cut = True
            ends = list(self._open)
        for end in ends:
            self._end(end)

    def mend(self) -> None:
        with self._guard:
            self._is_cut = False

    def close(self) -> None:
        self.cut()
        self._end(self._listener)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self._join(near)

    def _join(self, near: socket.socket) -> None:
        with self._guard:
            if self._is_cut:
                near.close()
                return
            far = socket.create_connection(("127.0.0.1", self._target))
            for end in (near, far):  # a cut may close them at any time from here on
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open |= {near, far}
            self.connections += 1
        for one, other in ((near, far), (far, near)):
            threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(CHUNK):
                other.sendall(data)
        for end in (one, other):
            self._end(end)

    def _end(self, end: socket.socket) -> None:
        with self._guard:
            self._open.discard(end)
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


@contextmanager
def wire_to(target: int, is_laid: bool = True) -> Iterator[Wire]:
    wire = Wire(target, is_laid)
    try:
        yield wire
    finally:
        wire.close()
