"""How fast belief moves: a volatility measured from the mid, and a gate that closes when it is too fast.

Belief volatility is in cents per square root of a second, so that over ``t`` seconds the mid is expected to
move by ``volatility * sqrt(t)`` cents.
"""

from __future__ import annotations

import math
from typing import Annotated

import msgspec

from mm.core.units import SECOND, Nanos
from strategies.shaping import QuotingParams

# Moves shorter than this are mostly the bounce between bid and ask, which reverses and would count as risk.
SAMPLE_SECONDS = 1.0


class VolatilityParams(QuotingParams, frozen=True):
    """What the strategies that measure volatility have in common."""

    volatility_half_life_seconds: Annotated[
        float, msgspec.Meta(ge=0.001, le=86_400, description="a move counts half after this long")
    ] = 60.0
    volatility_warm_up_seconds: Annotated[
        float, msgspec.Meta(gt=0, le=3_600, description="the book must have been seen this long to be quoted")
    ] = 5.0
    volatility_floor_cents: Annotated[
        float, msgspec.Meta(gt=0, le=100, description="least volatility believed in, cents per sqrt(second)")
    ] = 0.05


class BeliefVolatility:
    """EWMA of squared mid changes per second, for observations at irregular times.

    The estimate is (weighted sum of squared changes) / (weighted sum of seconds), the weight of a moment
    halving every ``half_life_seconds``; so it is unbiased from the first second on, and a gap in the
    observations is spread over its own length. It is unknown until ``warm_up_seconds`` have been seen.
    """

    __slots__ = (
        "_decay",
        "_first_at",
        "_mid",
        "_mid_at",
        "_sample_seconds",
        "_seconds",
        "_squares",
        "_warm_up",
    )

    def __init__(
        self, half_life_seconds: float, warm_up_seconds: float, sample_seconds: float = SAMPLE_SECONDS
    ) -> None:
        self._decay = math.log(2) / half_life_seconds
        self._warm_up = warm_up_seconds
        self._sample_seconds = sample_seconds
        self._mid: float | None = None
        self._mid_at: Nanos = 0
        self._first_at: Nanos = 0
        self._squares = 0.0
        self._seconds = 0.0

    def observe(self, now: Nanos, mid_cents: float) -> float | None:
        """Take in the mid at ``now``; returns the volatility in cents/sqrt(second), ``None`` while unknown.

        The move since the last whole sample is always part of the answer, so that a jump is felt at once.
        """
        if self._mid is None:
            self._mid, self._mid_at, self._first_at = mid_cents, now, now
            return None
        elapsed = (now - self._mid_at) / SECOND
        squares, seconds = self._with_move(mid_cents - self._mid, elapsed)
        if elapsed >= self._sample_seconds:
            self._squares, self._seconds = squares, seconds
            self._mid, self._mid_at = mid_cents, now
        if (now - self._first_at) / SECOND < self._warm_up or seconds <= 0:
            return None
        return math.sqrt(squares / seconds)

    def _with_move(self, change: float, elapsed: float) -> tuple[float, float]:
        """The two weighted sums, once ``change`` over ``elapsed`` seconds (none, if negative) is added."""
        if elapsed <= 0:
            return self._squares + change * change, self._seconds
        weighted_seconds = -math.expm1(-self._decay * elapsed) / self._decay
        keep = 1 - weighted_seconds * self._decay
        squares = self._squares * keep + change * change * weighted_seconds / elapsed
        return squares, self._seconds * keep + weighted_seconds


class VolatilityGate:
    """Closed once volatility exceeds ``stop_cents``, until it is back at ``resume_fraction`` of that."""

    __slots__ = ("_is_closed", "_resume", "_stop")

    def __init__(self, stop_cents: float, resume_fraction: float) -> None:
        self._stop = stop_cents
        self._resume = stop_cents * resume_fraction
        self._is_closed = False

    def is_closed(self, volatility: float) -> bool:
        """Whether to stay out at this volatility (cents/sqrt(second)), given what went before."""
        self._is_closed = volatility > (self._resume if self._is_closed else self._stop)
        return self._is_closed
