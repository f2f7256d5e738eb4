"""Belief volatility at irregular times, and the gate on it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mm.core.units import SECOND
from strategies.volatility import BeliefVolatility, VolatilityGate


def test_unknown_until_the_market_was_seen_long_enough() -> None:
    belief = BeliefVolatility(half_life_seconds=60, warm_up_seconds=5)
    assert [belief.observe(second * SECOND, 50.0) for second in range(7)] == [None] * 5 + [0.0, 0.0]


def test_a_cent_each_second_is_one_cent_per_root_second() -> None:
    belief = BeliefVolatility(half_life_seconds=60, warm_up_seconds=5)
    for second in range(100):
        volatility = belief.observe(second * SECOND, 50.0 + second % 2)
    assert volatility == pytest.approx(1.0, abs=1e-12)


def test_two_cents_each_four_seconds_are_the_same_risk() -> None:
    belief = BeliefVolatility(half_life_seconds=60, warm_up_seconds=5)
    for step in range(100):
        volatility = belief.observe(4 * step * SECOND, 50.0 + 2 * (step % 2))
    assert volatility == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("true_volatility", [0.2, 1.5])
def test_a_random_walk_seen_at_irregular_times_is_measured(true_volatility: float) -> None:
    generator = np.random.default_rng(17)
    belief = BeliefVolatility(half_life_seconds=2_000, warm_up_seconds=5)
    now, mid = 0.0, 50.0
    for gap in generator.exponential(3.0, 20_000):
        now += gap
        mid += true_volatility * math.sqrt(gap) * generator.normal()
        volatility = belief.observe(round(now * SECOND), mid)
    assert volatility == pytest.approx(true_volatility, rel=0.1)


def test_the_bounce_within_a_second_is_no_risk() -> None:
    belief = BeliefVolatility(half_life_seconds=60, warm_up_seconds=5)
    for tenth in range(1_000):
        volatility = belief.observe(tenth * SECOND // 10, 50.0 + tenth % 2)
    assert volatility == pytest.approx(0.0, abs=0.2)


def test_an_old_move_counts_half_after_the_half_life() -> None:
    belief = BeliefVolatility(half_life_seconds=60, warm_up_seconds=1)
    for second in range(10_000):
        belief.observe(second * SECOND, 50.0)
    before = belief.observe(10_000 * SECOND, 60.0)
    after = belief.observe(10_060 * SECOND, 60.0)
    assert before is not None and after is not None
    assert (after / before) ** 2 == pytest.approx(0.5, abs=1e-9)


def test_a_jump_is_felt_before_its_second_is_over() -> None:
    belief = BeliefVolatility(half_life_seconds=60, warm_up_seconds=1)
    for second in range(100):
        belief.observe(second * SECOND, 50.0)
    for nanos in (0, 1, SECOND // 1000):
        volatility = belief.observe(99 * SECOND + nanos, 70.0)
        assert volatility is not None and volatility > 2


def test_a_clock_that_steps_back_does_no_harm() -> None:
    belief = BeliefVolatility(half_life_seconds=60, warm_up_seconds=1)
    for second in (90_000, 90_001, 90_002, 0, 90_003):
        volatility = belief.observe(second * SECOND, 50.0)
    assert volatility == 0.0


def test_the_gate_stays_what_it_was_between_its_limits() -> None:
    gate = VolatilityGate(stop_cents=1.0, resume_fraction=0.7)
    seen = [gate.is_closed(volatility) for volatility in (0.9, 1.0, 1.01, 0.9, 0.71, 0.7, 0.9, 1.1)]
    assert seen == [False, False, True, True, True, False, False, True]
