"""What the crowd trades on: a hidden index whose level at the close decides the markets of an event."""

from __future__ import annotations

import math
import random
from collections import deque

from mm.sim.lifecycle import settles_yes
from mm.sim.words import Market

SECOND = 1_000_000_000
_HISTORY = 512
_ROOT_HALF = math.sqrt(0.5)


def normal_cdf(x: float) -> float:
    return 0.5 * math.erfc(-x * _ROOT_HALF)


class Index:
    """A Brownian level with optional jumps, moved forward in order of time and remembered for laggards.

    ``sigma`` is in index points a square root of a second. Jumps arrive ``jumps_per_hour`` times an hour;
    each has the variance of ``jump_seconds`` of ordinary movement."""

    def __init__(
        self,
        level: float,
        sigma: float,
        now: int,
        generator: random.Random,
        *,
        jumps_per_hour: float = 0.0,
        jump_seconds: float = 0.0,
    ) -> None:
        self.level = level
        self.sigma = sigma
        self.now = now
        self._random = generator
        self._jump_rate = jumps_per_hour / 3600
        self._jump_scale = sigma * math.sqrt(jump_seconds)
        self._history: deque[tuple[int, float]] = deque([(now, level)], maxlen=_HISTORY)

    def move(self, now: int) -> None:
        """Forward to ``now``; earlier times change nothing."""
        if now <= self.now:
            return
        seconds = (now - self.now) / SECOND
        self.level += self._random.gauss(0.0, self.sigma * math.sqrt(seconds))
        if self._jump_rate and self._random.random() < -math.expm1(-self._jump_rate * seconds):
            self.level += self._random.gauss(0.0, self._jump_scale)
        self.now = now
        self._history.append((now, self.level))

    def level_at(self, when: int) -> float:
        """The last level known at ``when``; the oldest remembered one for anything before it."""
        for moment, level in reversed(self._history):
            if moment <= when:
                return level
        return self._history[0][1]


class Belief:
    """The probability of YES in one market, given a level of its index.

    For a strike K it is V = Phi((S - K) / (sigma * sqrt(T - t))); for a bin the difference of two of
    these (quoting notes, "a fair comparison of strategies"). At the close it is exactly 0 or 1."""

    def __init__(self, market: Market, index: Index) -> None:
        self.market = market
        self.index = index
        self._floor = -math.inf if market.floor_strike is None else market.floor_strike
        self._cap = math.inf if market.cap_strike is None else market.cap_strike
        if market.floor_strike is None and market.cap_strike is None:
            self._floor = 0.0

    def probability(self, level: float, now: int) -> float:
        left = self.market.close_ns - now
        if left <= 0:
            return float(self.is_yes(level))
        scale = self.index.sigma * math.sqrt(left / SECOND)
        above_floor = normal_cdf((level - self._floor) / scale)
        above_cap = 0.0 if self._cap == math.inf else normal_cdf((level - self._cap) / scale)
        return above_floor - above_cap

    def is_yes(self, level: float) -> bool:
        return settles_yes(self.market, level)

    def now(self, now: int) -> float:
        """V for one who sees everything."""
        self.index.move(now)
        return self.probability(self.index.level, now)

    def lagged(self, now: int, lag_ns: int) -> float:
        """V for one who knows the index of ``lag_ns`` ago, and what time it is."""
        self.index.move(now)
        return self.probability(self.index.level_at(now - lag_ns), now)
