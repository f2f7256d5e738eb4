"""Lines for a stream that somebody else reads, or does not: standard output, the system's journal.

A reader that stalls (a pager, a supervisor that hangs, Ctrl-S) costs nothing but his own lines: a thread
writes them, and whoever has something to say never waits.
"""

from __future__ import annotations

import os
import select
from collections import deque
from collections.abc import Callable
from threading import Event, Lock, Thread
from typing import Final, TextIO

MOST_BYTES: Final = 1 << 20
# A pipe takes so much whole or not at all (PIPE_BUF of pipe(7)): a line that was not written is not begun.
PIECE: Final = 4_096
# Lines come in bursts, and a thread that woke for each of them would take turns with the one that trades.
GATHER_SECONDS: Final = 0.05
PATIENCE_SECONDS: Final = 2.0


class Outlet:
    """Whole lines (newline included) to ``stream``'s descriptor, in the order in which they were put.

    From the first line that finds more than ``most_bytes`` waiting, all are dropped until everything that
    waited is written: one gap, not many. Then ``tell`` hears how many they were, on the outlet's own thread.
    A stream that refuses them is let go; ``fault`` is what it said. Raises OSError or ValueError if
    ``stream`` has no descriptor.
    """

    def __init__(self, stream: TextIO, tell: Callable[[int], object], most_bytes: int = MOST_BYTES) -> None:
        self.fault: OSError | None = None
        self._descriptor = os.dup(stream.fileno())
        self._tell = tell
        self._most_bytes = most_bytes
        self._guard = Lock()
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._dropped = 0
        self._is_gone = False
        self._is_called = Event()
        self._is_closing = Event()
        self._thread = Thread(target=self._run, name="output", daemon=True)
        self._thread.start()

    def put(self, line: bytes) -> None:
        """Never waits for the reader; from any thread."""
        with self._guard:
            if self._is_gone:
                return
            if self._dropped or self._waiting_bytes + len(line) > self._most_bytes:
                self._dropped += 1
                return
            self._waiting.append(line)
            self._waiting_bytes += len(line)
        if not self._is_called.is_set():
            self._is_called.set()

    def close(self, patience_seconds: float = PATIENCE_SECONDS) -> int:
        """Give what waits so long to be written; how many lines were not, and nobody was told of.

        The thread may be held by the reader for ever: it is left behind, and ends with the process.
        """
        self._is_closing.set()
        self._is_called.set()
        self._thread.join(patience_seconds)
        with self._guard:
            lost = 0 if self._is_gone else self._dropped + len(self._waiting)
            self._is_gone = True
        return lost

    def _run(self) -> None:
        try:
            self._write_until_closed()
        except OSError as fault:
            self.fault = fault
            with self._guard:
                self._is_gone = True
                self._waiting.clear()
        finally:
            os.close(self._descriptor)

    def _write_until_closed(self) -> None:
        is_last = False
        while not is_last:
            self._is_called.wait()
            is_last = self._is_closing.wait(GATHER_SECONDS)
            self._is_called.clear()
            self._write_all()
            while dropped := self._end_of_gap():
                self._tell(dropped)
                self._write_all()

    def _write_all(self) -> None:
        while piece := self._next_piece():
            self._write(b"".join(piece))
            with self._guard:
                for line in piece:
                    self._waiting.popleft()
                    self._waiting_bytes -= len(line)

    def _end_of_gap(self) -> int:
        """How many lines it has cost; 0 if there was none, or whoever would hear of it has left."""
        with self._guard:
            dropped, self._dropped = self._dropped, 0
            return 0 if self._is_gone else dropped

    def _next_piece(self) -> list[bytes]:
        """Lines that still wait, until they are written; at least one, if there is one."""
        piece: list[bytes] = []
        room = PIECE
        with self._guard:
            for line in self._waiting if not self._is_gone else ():
                room -= len(line)
                if piece and room < 0:
                    break
                piece.append(line)
        return piece

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:  # somebody who shares it made it so
                _wait_until_writable(self._descriptor)


def _wait_until_writable(descriptor: int) -> None:
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    poll.poll()
