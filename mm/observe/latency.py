"""How long requests take: when each was sent, and the distribution of the last answers."""

from __future__ import annotations

import math
from collections import deque

from mm.core.units import Nanos

REMEMBERED = 20_000
RECENT = 2_000


class SentTimes:
    """When and for which desk a request was decided, until its answer takes it out."""

    def __init__(self) -> None:
        self._sent: dict[int, tuple[Nanos, str]] = {}

    def remember(self, request_id: int, ts: Nanos, desk: str) -> None:
        self._sent[request_id] = (ts, desk)
        if len(self._sent) > REMEMBERED:
            del self._sent[next(iter(self._sent))]

    def take(self, request_id: int) -> tuple[Nanos, str] | None:
        return self._sent.pop(request_id, None)


class Latencies:
    """The last `RECENT` durations in milliseconds."""

    def __init__(self) -> None:
        self._recent: deque[float] = deque(maxlen=RECENT)

    def add(self, ms: float) -> None:
        self._recent.append(ms)

    def mean(self) -> float | None:
        return sum(self._recent) / len(self._recent) if self._recent else None

    def quantiles(self, *percents: int) -> list[float | None]:
        """The smallest value that at least so many percent do not exceed (nearest rank)."""
        ranked = sorted(self._recent)
        if not ranked:
            return [None] * len(percents)
        return [ranked[max(0, math.ceil(percent * len(ranked) / 100) - 1)] for percent in percents]
