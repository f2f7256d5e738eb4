"""When a day begins, and a week: at midnight, and on Monday, by the clock of the operator's zone.

The core has no calendar. It is told how much later than UTC that clock is, and from when on.
"""

from __future__ import annotations

from mm.core.units import SECOND, Nanos

DAY: Nanos = 86_400 * SECOND
WEEK = 7
# The epoch was a Thursday; weeks begin on Monday.
EPOCH_WEEKDAY = 3

Offsets = tuple[tuple[Nanos, Nanos], ...]


def day_of(now: Nanos, offsets: Offsets) -> tuple[int, Nanos]:
    """The number of the day (0 is 1970-01-01 in that zone), and a moment until which it certainly lasts."""
    later, until = 0, now + DAY
    for begins, offset in offsets:
        if begins > now:
            until = begins
            break
        later = offset
    day = (now + later) // DAY
    return day, min((day + 1) * DAY - later, until)


def week_of(day: int) -> int:
    return (day + EPOCH_WEEKDAY) // WEEK
