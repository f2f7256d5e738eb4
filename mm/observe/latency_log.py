"""Latencies as words of the log: what was slow, at once; and how long things take, once a minute."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

from mm.core.units import SECOND, Nanos
from mm.observe.latency import Latencies
from mm.observe.observer import Every

SLOW_MS: Final = 250.0
SLOW_AGAIN_AFTER: Final[Nanos] = 10 * SECOND
SUMMARY_EVERY: Final[Nanos] = 60 * SECOND
EXTREMES: Final = re.compile("_(max|min)$")
Say = Callable[..., None]


class _Measured(msgspec.Struct):
    """Of one component and desk, since the last summary. ``slow_at``: when a slow one was last told."""

    recent: Latencies
    count: int = 0
    worst: float = 0.0
    slow_at: Nanos | None = None
    slow_untold: int = 0


class LatencyLog:
    """``say(ts, level, word, desk, logger, **fields)`` takes each line. A slow operation is told once in
    `SLOW_AGAIN_AFTER` for each component, with how many went untold before it."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._measured: dict[tuple[str, str], _Measured] = {}
        self._summary = Every(SUMMARY_EVERY)
        self._has_begun = False

    def tell(self, name: str, ms: float, ts: Nanos, desk: str) -> None:
        """One measure; a name that ends in ``_max`` or ``_min`` is an extreme of many and counts as nothing
        else."""
        component = EXTREMES.sub("", name)
        found = self._measured.get((component, desk))
        if found is None:
            found = self._measured[component, desk] = _Measured(Latencies())
        if name == component:
            found.recent.add(ms)
            found.count += 1
        found.worst = max(found.worst, ms)
        if ms > SLOW_MS:
            self._slow(component, desk, ms, ts, found)

    def _slow(self, component: str, desk: str, ms: float, ts: Nanos, found: _Measured) -> None:
        if found.slow_at is not None and ts - found.slow_at < SLOW_AGAIN_AFTER:
            found.slow_untold += 1
            return
        fields: dict[str, Any] = {"component": component, "latency_ms": round(ms, 3)}
        if found.slow_untold:
            fields["untold"] = found.slow_untold
        self._say(ts, "warning", "slow_operation", desk, "latency", **fields)
        found.slow_at, found.slow_untold = ts, 0

    def on_time(self, now: Nanos) -> None:
        if self._summary.is_due(now):
            if self._has_begun:
                self.summarize(now)
            self._has_begun = True

    def summarize(self, now: Nanos) -> None:
        """A line for each component that was measured; then it begins anew."""
        for (component, desk), found in self._measured.items():
            if found.count:
                median, p99 = found.recent.quantiles(50, 99)
                fields = {"latency_ms": median, "p99_ms": p99, "max_ms": found.worst, "count": found.count}
                self._say(now, "info", "latency_measured", desk, "latency", component=component, **fields)
            found.recent, found.count, found.worst = Latencies(), 0, 0.0
