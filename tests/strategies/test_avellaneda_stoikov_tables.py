"""The published tables of Avellaneda & Stoikov (2008), from the very prices that the strategy asks for.

Their market: s = 100, T = 1, sigma = 2, dt = 0.005, k = 1.5, A = 140; the mid moves by a coin flip; a quote
``d`` away is filled with probability ``A exp(-k d) dt``. The symmetric trader keeps the average spread
around the mid. 20,000 paths instead of 1,000, a fixed seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest

from strategies.avellaneda_stoikov import wished_prices
from strategies.formulas import finite_horizon_spread

Array = npt.NDArray[np.float64]
MID, END, VOLATILITY, STEP, DEPTH_DECAY, FILL_RATE = 100.0, 1.0, 2.0, 0.005, 1.5, 140.0
PATHS, SEED = 20_000, 20080401


class Outcome(NamedTuple):
    profit: float
    profit_deviation: float
    position: float
    position_deviation: float


class Row(NamedTuple):
    """A row of the journal's tables, and how far from each number a right simulation may be."""

    risk_aversion: float
    is_symmetric: bool
    profit: tuple[float, float]
    profit_deviation: tuple[float, float]
    position_deviation: tuple[float, float]


TABLES = (
    Row(0.1, False, (65.0, 0.7), (6.6, 0.5), (2.9, 0.2)),
    Row(0.1, True, (68.4, 1.2), (12.7, 1.5), (8.4, 0.6)),
    Row(0.01, False, (68.6, 0.9), (8.7, 0.75), (5.1, 0.35)),
    Row(0.01, True, (68.8, 1.2), (12.8, 1.5), (8.7, 0.65)),
    Row(1.0, False, (31.4, 0.55), (5.0, 0.4), (1.7, 0.12)),
    Row(1.0, True, (44.0, 1.1), (11.0, 0.8), (5.1, 0.4)),
)
AVERAGE_SPREADS = ((0.1, 1.49), (0.01, 1.35), (1.0, 3.02))


def linear(intensity: Array) -> Array:
    """The paper's probability of a fill within one step."""
    return intensity


def at_least_one(intensity: Array) -> Array:
    """The usual mistake: the probability that a Poisson process has at least one arrival."""
    return 1 - np.exp(-intensity)


def simulate(
    risk_aversion: float,
    is_symmetric: bool,
    *,
    fill_probability: Callable[[Array], Array] = linear,
    least_distance: float = -math.inf,
) -> Outcome:
    generator = np.random.default_rng(SEED)
    mid, position, cash = np.full(PATHS, MID), np.zeros(PATHS), np.zeros(PATHS)
    steps = round(END / STEP)
    for number in range(steps):
        wished = wished_prices(
            mid,
            np.zeros(PATHS) if is_symmetric else position,
            risk_aversion=risk_aversion,
            depth_decay=DEPTH_DECAY,
            volatility=VOLATILITY,
            horizon=END / 2 if is_symmetric else END - number * STEP,
        )
        below = np.maximum(mid - wished.bid, least_distance)
        above = np.maximum(wished.ask - mid, least_distance)
        bought = generator.random(PATHS) < fill_probability(_intensity(below))
        sold = generator.random(PATHS) < fill_probability(_intensity(above))
        cash += sold * (mid + above) - bought * (mid - below)
        position = position + bought - sold
        mid = mid + VOLATILITY * math.sqrt(STEP) * generator.choice((-1.0, 1.0), PATHS)
    profit = cash + position * mid
    return Outcome(float(profit.mean()), float(profit.std()), float(position.mean()), float(position.std()))


def _intensity(distance: Array) -> Array:
    return FILL_RATE * STEP * np.exp(-DEPTH_DECAY * distance)


@pytest.mark.parametrize("row", TABLES, ids=lambda row: f"{row.risk_aversion}-symmetric={row.is_symmetric}")
def test_the_journal_tables_come_out(row: Row) -> None:
    outcome = simulate(row.risk_aversion, row.is_symmetric)
    for measured, (published, tolerance) in (
        (outcome.profit, row.profit),
        (outcome.profit_deviation, row.profit_deviation),
        (outcome.position_deviation, row.position_deviation),
    ):
        assert measured == pytest.approx(published, abs=tolerance)
    assert abs(outcome.position) <= (0.8 if row.is_symmetric else 0.3)


@pytest.mark.parametrize(("risk_aversion", "published"), AVERAGE_SPREADS)
def test_the_average_spreads_are_the_published_ones(risk_aversion: float, published: float) -> None:
    average = finite_horizon_spread(risk_aversion, DEPTH_DECAY, VOLATILITY, END / 2)
    assert average == pytest.approx(published, abs=0.006)


@pytest.mark.parametrize("risk_aversion", [0.1, 0.01, 1.0])
def test_the_symmetric_trader_earns_the_closed_form(risk_aversion: float) -> None:
    """Expected profit A T S exp(-k S / 2) for a constant spread S; the spread of the position as binomial."""
    spread = finite_horizon_spread(risk_aversion, DEPTH_DECAY, VOLATILITY, END / 2)
    outcome = simulate(risk_aversion, True)
    chance = FILL_RATE * STEP * math.exp(-DEPTH_DECAY * spread / 2)
    standard_error = outcome.profit_deviation / math.sqrt(PATHS)
    expected = FILL_RATE * END * spread * math.exp(-DEPTH_DECAY * spread / 2)
    assert outcome.profit == pytest.approx(expected, abs=4 * standard_error)
    deviation = math.sqrt(2 * (END / STEP) * chance * (1 - chance))
    assert outcome.position_deviation == pytest.approx(deviation, rel=0.02)


def test_a_poisson_fill_probability_would_give_other_numbers() -> None:
    inventory = simulate(0.1, False, fill_probability=at_least_one)
    symmetric = simulate(0.1, True, fill_probability=at_least_one)
    assert inventory.profit == pytest.approx(57.2, abs=0.7)
    assert symmetric.profit == pytest.approx(61.0, abs=1.0)


def test_clipping_negative_distances_would_give_other_numbers() -> None:
    assert simulate(1.0, False, least_distance=0.0).profit == pytest.approx(38.2, abs=0.7)
