"""The process's one clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from mm.core.units import MILLISECOND, Nanos

# Less than this is drift, which NTP corrects in both of the system's clocks alike.
TOLERANCE: Final[Nanos] = 100 * MILLISECOND


def _untold(step: Nanos) -> None:
    """Nobody asked."""


class SteadyClock:
    """Nanoseconds since the epoch: the system's time as of the start, carried on by the monotonic clock, so
    that durations are right and no event goes back.

    `on_time`, called at every beat, follows the system's time where that was stepped (NTP after a boot, a
    machine that was suspended): forward at once, back by going at half speed until both agree. Twice in a
    row it must look so: a look may be interrupted. ``tell`` hears of each step, signed.
    """

    def __init__(
        self,
        wall: Callable[[], Nanos] = time.time_ns,
        monotonic: Callable[[], Nanos] = time.monotonic_ns,
        tell: Callable[[Nanos], None] = _untold,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._tell = tell
        self._is_suspected = False
        # At full speed, what is added to the monotonic time; a message asks several times, so this is quick.
        self._offset: Nanos | None = wall() - monotonic()
        # At half speed, the time that was shown when it began, and the monotonic time then.
        self._slow_from = (0, 0)

    def __call__(self) -> Nanos:
        offset = self._offset
        if offset is not None:
            return self._monotonic() + offset
        shown, since = self._slow_from
        return shown + (self._monotonic() - since) // 2

    def on_time(self, now: Nanos) -> None:
        """Look whether the system's time was stepped."""
        ahead = self() - self._wall()
        if abs(ahead) <= TOLERANCE:
            self._is_suspected = False
            self._go_on(0)
        elif not self._is_suspected:
            self._is_suspected = True
        elif ahead < 0:
            self._tell(-ahead)
            self._go_on(-ahead)
        elif self._offset is not None:
            self._tell(-ahead)
            self._slow_from = (self(), self._monotonic())
            self._offset = None

    def _go_on(self, forward: Nanos) -> None:
        """At full speed, and this much later."""
        if forward or self._offset is None:
            self._offset = self() + forward - self._monotonic()


def steady_clock() -> SteadyClock:
    """One by the clocks of this machine, for whoever only measures."""
    return SteadyClock()
