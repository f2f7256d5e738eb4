"""The process's one clock."""

from __future__ import annotations

import time
from collections.abc import Callable

from mm.core.units import Nanos


def steady_clock() -> Callable[[], Nanos]:
    """Nanoseconds since the epoch as of the start, carried on by the monotonic clock: a step of the system's
    time (NTP, an operator) never makes a duration wrong or an event go back."""
    offset = time.time_ns() - time.monotonic_ns()
    return lambda: time.monotonic_ns() + offset
