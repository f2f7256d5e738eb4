"""How much of what the exchange allows is used: the tokens spent in the last minute against all those that it
gave in it. An operator who sees this grow asks for a higher tier before quotes have to wait.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, MutableMapping
from typing import Final

from mm.core.units import SECOND, Nanos
from mm.kalshi.limiter import Bucket

WINDOW: Final[Nanos] = 60 * SECOND
SAMPLE_EVERY: Final[Nanos] = SECOND


class RateUse:
    """``buckets`` by the name under which ``told`` is to have the use of each, in percent. A bucket may be
    made anew while nothing has been spent yet, so each is asked for when it is looked at."""

    def __init__(
        self, buckets: Mapping[str, Callable[[], Bucket | None]], told: MutableMapping[str, float | None]
    ) -> None:
        self._buckets = buckets
        self._told = told
        self._samples: dict[str, deque[tuple[Nanos, int]]] = {name: deque() for name in buckets}
        self._due: Nanos = 0

    def on_time(self, now: Nanos) -> None:
        if now < self._due:
            return
        self._due = now + SAMPLE_EVERY
        for name, found in self._buckets.items():
            bucket = found()
            if bucket is not None:
                self._told[name] = self._used(self._samples[name], bucket, now)

    def _used(self, samples: deque[tuple[Nanos, int]], bucket: Bucket, now: Nanos) -> float:
        """Of a whole minute, also in the first one: what is spent at once at a start is no pace."""
        samples.append((now, bucket.taken))
        while len(samples) > 1 and samples[1][0] <= now - WINDOW:
            samples.popleft()
        return 100 * (bucket.taken - samples[0][1]) / (bucket.refill_rate * (WINDOW // SECOND))
