"""What the crowd trades on: a hidden index whose level at the close decides the markets of an event."""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Iterator
from math import erfc, sqrt

from mm.sim.lifecycle import settles_yes
from mm.sim.words import Market

SECOND = 1_000_000_000
_HISTORY = 512
_ROOT_HALF = math.sqrt(0.5)
_NEGLIGIBLE = 1e-9  # chance of so many jumps that they need not be thought of
_THIRD_TURN = 2.0 * math.pi / 3.0
_MANY = 5.0  # jumps expected, from which three numbers of jumps stand for all


def normal_cdf(x: float) -> float:
    return 0.5 * math.erfc(-x * _ROOT_HALF)


def poisson(dice: random.Random, expected: float) -> int:
    """A Poisson number from one uniform one, by inversion; for an ``expected`` of up to some hundreds."""
    chance = math.exp(-expected)
    left, number = dice.random() - chance, 0
    while left > 0.0 and chance > 0.0:
        number += 1
        chance *= expected / number
        left -= chance
    return number


def poisson_chances(expected: float) -> Iterator[tuple[float, float]]:
    """Each number and its chance, up to where the rest does not matter; the last one has that too."""
    number, chance, left = 0, math.exp(-expected), 1.0
    while left - chance > _NEGLIGIBLE:
        yield number, chance
        left -= chance
        number += 1
        chance *= expected / number
    yield number, left


def poisson_nodes(expected: float) -> Iterator[tuple[float, float]]:
    """Three numbers and their weights, by which a smooth function of a Poisson number has its mean: Gauss'
    rule for the polynomials of Charlier (Golub and Welsch 1969), exact up to the fifth power. The nodes are
    ``expected + 1 + y`` with y a root of ``y^3 - (3 expected + 1) y - expected``, by Viete's formula."""
    third = expected + 1.0 / 3.0
    radius = 2.0 * sqrt(third)
    angle = math.acos(expected / (radius * third)) / 3.0
    for turn in (0.0, _THIRD_TURN, 2.0 * _THIRD_TURN):
        first = 1.0 + radius * math.cos(angle - turn)
        second = first * (first - 1.0) - expected
        yield expected + first, 1.0 / (1.0 + first**2 / expected + second**2 / (2.0 * expected**2))


class Index:
    """A Brownian level with optional jumps, moved forward in order of time and remembered for laggards.

    ``sigma`` is in index points a square root of a second. Jumps arrive as a Poisson process,
    ``jumps_per_hour`` times an hour; each has the variance of ``jump_seconds`` of ordinary movement
    (Merton 1976, with jumps of mean zero)."""

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
        self._jump_seconds = jump_seconds
        self._widths_after = math.nan
        self._widths: list[tuple[float, float]] = []
        self._history: deque[tuple[int, float]] = deque([(now, level)], maxlen=_HISTORY)

    def move(self, now: int) -> None:
        """Forward to ``now``; earlier times change nothing."""
        if now <= self.now:
            return
        seconds = (now - self.now) / SECOND
        self.level += self._random.gauss(0.0, self.sigma * math.sqrt(seconds))
        jumps = poisson(self._random, self._jump_rate * seconds) if self._jump_rate else 0
        if jumps:
            self.level += self._random.gauss(0.0, self.sigma * math.sqrt(jumps * self._jump_seconds))
        self.now = now
        self._history.append((now, self.level))

    def chance_above(self, distance: float, seconds: float) -> float:
        """The chance that after ``seconds`` a level that is ``distance`` over a strike is still over it: a
        normal law for each number of jumps, weighted by its Poisson chance (Merton 1976, equation 16)."""
        if not self._jump_rate:
            return normal_cdf(distance / (self.sigma * math.sqrt(seconds)))
        if seconds != self._widths_after:
            self._widths_after, self._widths = seconds, self._widths_of(seconds)
        chance, scaled = 0.0, -distance * _ROOT_HALF
        for width, weight in self._widths:
            chance += weight * (0.5 * erfc(scaled / width))
        return chance

    def _widths_of(self, seconds: float) -> list[tuple[float, float]]:
        """The standard deviation after ``seconds`` for each number of jumps, and that number's weight. Bins
        ask twice for one moment, and all bins of an event for the same one."""
        expected = self._jump_rate * seconds
        nodes = poisson_nodes(expected) if expected >= _MANY else poisson_chances(expected)
        return [(self.sigma * sqrt(seconds + jumps * self._jump_seconds), weight) for jumps, weight in nodes]

    def level_at(self, when: int) -> float:
        """The last level known at ``when``; the oldest remembered one for anything before it."""
        for moment, level in reversed(self._history):
            if moment <= when:
                return level
        return self._history[0][1]


class Belief:
    """The probability of YES in one market, given a level of its index.

    For a strike K, without jumps, it is V = Phi((S - K) / (sigma * sqrt(T - t))); for a bin the difference
    of two of these (quoting notes, "a fair comparison of strategies"). At the close it is exactly 0 or 1."""

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
        above_floor = self._above(level, self._floor, left / SECOND)
        above_cap = self._above(level, self._cap, left / SECOND)
        return above_floor - above_cap

    def _above(self, level: float, strike: float, seconds: float) -> float:
        if math.isinf(strike):
            return float(strike < 0)
        return self.index.chance_above(level - strike, seconds)

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
