"""One way's own thread: takes letters out of the outbox, oldest first, and carries them until they arrive.

Nobody waits for it but `close`, and that with bounded patience.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Condition, Thread
from typing import Final, TypeAlias

import msgspec

from mm.alerts.letter import Letter
from mm.alerts.outbox import Entry, Outbox
from mm.alerts.way import NotDelivered, Undeliverable, Way

# So many letters go one by one; if more wait, up to MOST_IN_ONE share a message.
SINGLY: Final = 3
MOST_IN_ONE: Final = 20
# How often a content may be refused before it gives way to those behind it.
REFUSALS: Final = 3


class Pace(msgspec.Struct, frozen=True):
    """Seconds between attempts: the first pause, doubled up to the longest; ``refused`` the same after a
    clear no."""

    first: float = 1.0
    longest: float = 60.0
    first_refused: float = 60.0
    longest_refused: float = 900.0


class Report(msgspec.Struct, frozen=True):
    """One attempt. ``failures`` in a row, this one counted, 0 if it succeeded; ``letters`` in the message;
    ``waiting`` after it; ``dropped`` for want of room, in all. ``text``: why not, or a remark."""

    way: str
    failures: int
    text: str
    letters: int
    waiting: int
    dropped: int


Tell: TypeAlias = Callable[[Report], None]


class Courier:
    """``tell`` hears of every attempt, on the courier's thread. ``is_alive`` false: it ended, by `close` or
    by a fault of ours; then letters only gather."""

    def __init__(self, way: Way, outbox: Outbox, tell: Tell, pace: Pace = Pace()) -> None:  # noqa: B008
        self.name = way.name
        self._way = way
        self._outbox = outbox
        self._tell = tell
        self._pace = pace
        self._bell = Condition()
        self._is_closing = False
        self._failures = 0
        self._refusals = 0
        self._thread = Thread(target=self._work, name=f"alerts by {way.name}", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def waiting(self) -> int:
        return len(self._outbox)

    def put(self, letter: Letter) -> None:
        """On disk, and on its way soon. Never waits for the way."""
        self._outbox.put(letter)
        with self._bell:
            self._bell.notify()

    def begin_to_close(self) -> None:
        """One more attempt at what waits, without a pause."""
        with self._bell:
            self._is_closing = True
            self._bell.notify()

    def join(self, seconds: float) -> None:
        """What is not delivered then stays in the outbox for the next start."""
        self._thread.join(max(0.0, seconds))

    # -- on its own thread -----------------------------------------------------------------------------
    def _work(self) -> None:
        while True:
            with self._bell:
                self._bell.wait_for(lambda: len(self._outbox) > 0 or self._is_closing)
            if not len(self._outbox):
                return
            was_closing = self._is_closing
            if not self._carry_some() and not self._rest(was_closing):
                return

    def _rest(self, was_closing: bool) -> bool:
        """False if there is no time to try again."""
        if was_closing:
            return False
        with self._bell:
            self._bell.wait_for(lambda: self._is_closing, self._pause())
        return True

    def _pause(self) -> float:
        pace, times = self._pace, 2.0 ** min(self._failures - 1, 20)
        if self._refusals:
            return min(pace.first_refused * times, pace.longest_refused)
        return min(pace.first * times, pace.longest)

    def _carry_some(self) -> bool:
        batch = self._outbox.waiting(MOST_IN_ONE)
        batch = batch if len(self._outbox) > SINGLY and self._refusals == 0 else batch[:1]
        if not batch:
            return True
        try:
            remark = self._way.deliver([entry.letter for entry in batch])
        except NotDelivered as problem:
            self._failed(problem, batch)
            return False
        self._forget(batch)
        self._failures = self._refusals = 0
        self._report(remark, len(batch))
        return True

    def _failed(self, problem: NotDelivered, batch: list[Entry]) -> None:
        self._failures += 1
        self._refusals = self._refusals + 1 if problem.is_refusal else 0
        for entry in batch:
            self._outbox.make_durable(entry)
        if isinstance(problem, Undeliverable) and self._refusals >= REFUSALS and len(batch) == 1:
            self._forget(batch)
            self._refusals = 0
            self._report(f"given up after {REFUSALS} refusals: {problem}", len(batch))
            return
        self._report(str(problem), len(batch))

    def _forget(self, batch: list[Entry]) -> None:
        for entry in batch:
            self._outbox.remove(entry)

    def _report(self, text: str, letters: int) -> None:
        box = self._outbox
        self._tell(Report(self.name, self._failures, text, letters, len(box), box.dropped))
