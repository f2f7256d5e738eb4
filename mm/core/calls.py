"""How the exchange's answers have been lately: errors in a row, and what part of them failed.

Requests that fail together fail for one reason: a second without network fails every request under way. So
what is answered within one moment is one piece of evidence, and the rules count moments.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from mm.core.units import SECOND, Nanos

MOMENT: Nanos = SECOND // 2
WHOLE = 1_000_000


@dataclass(slots=True)
class Moment:
    """Answers within half a second, and how many of them were errors."""

    number: int
    failed: int = 0
    total: int = 0

    @property
    def failed_ppm(self) -> int:
        return WHOLE * self.failed // self.total


class CallRecord:
    """``errors_in_a_row``: moments without one good answer since the last good one, a former run's too."""

    def __init__(self, errors_in_a_row: int = 0) -> None:
        self.errors_in_a_row = self._row_before = errors_in_a_row
        self._moments: deque[Moment] = deque()
        self._failed_ppm = 0

    def answered(self, now: Nanos, *, failed: bool) -> None:
        """One request was answered, well or not."""
        moment = self._moment(now // MOMENT)
        self._failed_ppm -= moment.failed_ppm if moment.total else 0
        moment.failed += failed
        moment.total += 1
        self._failed_ppm += moment.failed_ppm
        self.errors_in_a_row = self._row_before + 1 if moment.failed == moment.total else 0

    def _moment(self, number: int) -> Moment:
        if not self._moments or self._moments[-1].number != number:
            self._row_before = self.errors_in_a_row
            self._moments.append(Moment(number))
        return self._moments[-1]

    def forget(self, before: Nanos) -> None:
        """Moments that ended before this do not count any more."""
        while self._moments and (self._moments[0].number + 1) * MOMENT <= before:
            self._failed_ppm -= self._moments.popleft().failed_ppm

    def clear(self) -> None:
        self.errors_in_a_row = self._row_before = self._failed_ppm = 0
        self._moments.clear()

    @property
    def samples(self) -> int:
        """Moments in which anything was answered."""
        return len(self._moments)

    @property
    def error_fraction(self) -> float:
        """The mean, over the moments, of the part of answers that were errors."""
        return self._failed_ppm / (WHOLE * len(self._moments)) if self._moments else 0.0
