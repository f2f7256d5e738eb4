"""How long to wait before trying again: longer each time, and never in step with everyone else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mm.core.units import SECOND, Nanos

SHORTEST: Final[Nanos] = SECOND
LONGEST: Final[Nanos] = 30 * SECOND


def backoff(attempt: int, random: Callable[[], float]) -> Nanos:
    """The wait before attempt ``attempt`` (the first is 0): 1 s doubling to 30 s, of which the upper half
    is random ("equal jitter"), and never under 1 s. ``random`` gives floats in [0, 1)."""
    ceiling = min(LONGEST, SHORTEST << min(max(attempt, 0), 10))
    return max(SHORTEST, ceiling // 2 + int(random() * (ceiling // 2)))
