"""The tables of Avellaneda & Stoikov (2008) from the law by which the crowd's noise takers come.

Their market fills a quote ``d`` away within one step with probability ``A exp(-k d) dt`` (at most 1). On the
crowd's law that is one taker a step and side, whose tolerance is counted from ``-ln(A dt) / k`` beyond the
quote: ``P(tolerance >= d - ln(A dt) / k) = min(1, A dt exp(-k d))``, for negative distances too. Tolerances
are drawn by the takers' own function and picked from that pool at random. 20,000 paths, a fixed seed.
"""

from __future__ import annotations

import math
import random
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest

from mm.sim.traders import draw_tolerance
from strategies.avellaneda_stoikov import wished_prices
from tests.strategies.test_avellaneda_stoikov_tables import TABLES, Row

Array = npt.NDArray[np.float64]
MID, VOLATILITY, STEP, STEPS, DEPTH_DECAY, FILL_RATE = 100.0, 2.0, 0.005, 200, 1.5, 140.0
PATHS, POOL, SEED = 20_000, 2**20, 2008
REACH = math.log(FILL_RATE * STEP) / DEPTH_DECAY  # negative: at no distance not every step brings a fill


class Outcome(NamedTuple):
    profit: float
    profit_deviation: float
    position: float
    position_deviation: float


@pytest.fixture(scope="module")
def tolerances() -> Array:
    """How far takers go, as the crowd draws it."""
    dice = random.Random(SEED)
    return np.array([draw_tolerance(dice, DEPTH_DECAY) for _ in range(POOL)])


class Takers:
    """One a step and side, with a tolerance out of the pool."""

    def __init__(self, tolerances: Array) -> None:
        self._tolerances = tolerances
        self._generator = np.random.default_rng(SEED)

    def accept(self, distance: Array) -> npt.NDArray[np.bool_]:
        picked = self._generator.integers(0, POOL, distance.size)
        return self._tolerances[picked] >= distance - REACH

    def coin(self) -> Array:
        return self._generator.choice((-1.0, 1.0), PATHS)


def simulate(takers: Takers, risk_aversion: float, is_symmetric: bool) -> Outcome:
    """The symmetric maker keeps the average spread, that of half time, around the mid."""
    mid, position, cash = np.full(PATHS, MID), np.zeros(PATHS), np.zeros(PATHS)
    for number in range(STEPS):
        wished = wished_prices(
            mid,
            np.zeros(PATHS) if is_symmetric else position,
            risk_aversion=risk_aversion,
            depth_decay=DEPTH_DECAY,
            volatility=VOLATILITY,
            horizon=0.5 if is_symmetric else 1.0 - number * STEP,
        )
        bought, sold = takers.accept(mid - wished.bid), takers.accept(wished.ask - mid)
        cash += sold * wished.ask - bought * wished.bid
        position = position + bought - sold
        mid = mid + VOLATILITY * math.sqrt(STEP) * takers.coin()
    profit = cash + position * mid
    return Outcome(float(profit.mean()), float(profit.std()), float(position.mean()), float(position.std()))


@pytest.mark.parametrize("row", TABLES, ids=lambda row: f"{row.risk_aversion}-symmetric={row.is_symmetric}")
def test_the_crowds_takers_make_the_journals_tables(tolerances: Array, row: Row) -> None:
    outcome = simulate(Takers(tolerances), row.risk_aversion, row.is_symmetric)
    for measured, (published, tolerance) in (
        (outcome.profit, row.profit),
        (outcome.profit_deviation, row.profit_deviation),
        (outcome.position_deviation, row.position_deviation),
    ):
        assert measured == pytest.approx(published, abs=tolerance)
    assert abs(outcome.position) <= (0.8 if row.is_symmetric else 0.3)


@pytest.mark.parametrize("distance", [-1.0, REACH, -0.1, 0.0, 0.5, 1.0, 2.0, 3.0])
def test_a_quote_is_filled_as_often_as_the_paper_says(tolerances: Array, distance: float) -> None:
    """Within 4 standard errors over the pool; wherever A exp(-k d) dt is over 1, always."""
    chance = min(1.0, FILL_RATE * STEP * math.exp(-DEPTH_DECAY * distance))
    error = math.sqrt(chance * (1 - chance) / POOL)
    assert abs(float((tolerances >= distance - REACH).mean()) - chance) <= 4 * error


def test_a_flow_half_as_patient_would_not_make_them(tolerances: Array) -> None:
    """The tables bind: takers with twice the k leave the maker far below the published 65.0."""
    assert simulate(Takers(tolerances / 2), 0.1, False).profit < 60.0
