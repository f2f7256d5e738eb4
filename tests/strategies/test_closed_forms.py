"""Closed forms against published values, and against markets simulated from their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from strategies.closed_forms import (
    digital_volatility_cents,
    gaussian_crps,
    glosten_milgrom_quotes,
    kyle_equilibrium,
    lmsr_cost,
    lmsr_greatest_loss,
)

TRADES = 400_000


def within_three_standard_errors(sample: np.ndarray, expected: float) -> bool:
    return bool(abs(sample.mean() - expected) <= 3 * sample.std() / math.sqrt(sample.size))


@pytest.mark.parametrize("informed_share", [0.05, 0.3, 0.9])
def test_at_even_odds_the_zero_profit_spread_is_the_informed_share(informed_share: float) -> None:
    bid, ask = glosten_milgrom_quotes(0.5, informed_share)
    assert ask - bid == pytest.approx(informed_share, abs=1e-12)


def test_a_maker_at_glosten_milgroms_quotes_earns_nothing() -> None:
    prior, informed_share = 0.3, 0.2
    bid, ask = glosten_milgrom_quotes(prior, informed_share)
    generator = np.random.default_rng(1985)
    value = generator.random(TRADES) < prior
    is_informed = generator.random(TRADES) < informed_share
    buys = np.where(is_informed, value, generator.random(TRADES) < 0.5)
    assert within_three_standard_errors(np.where(buys, ask - value, value - bid), 0.0)
    assert not within_three_standard_errors(np.where(buys, ask + 0.01 - value, value - bid + 0.01), 0.0)


def test_an_auction_clears_as_kyle_says() -> None:
    value_deviation, noise_deviation = 0.1, 50.0
    impact, profit, variance = kyle_equilibrium(value_deviation, noise_deviation)
    assert profit == pytest.approx(2.5, abs=1e-12)
    assert variance == pytest.approx(0.005, abs=1e-12)
    generator = np.random.default_rng(1985)
    value = generator.normal(0, value_deviation, TRADES)
    insider = value / (2 * impact)
    price = impact * (insider + generator.normal(0, noise_deviation, TRADES))
    assert within_three_standard_errors(insider * (value - price), profit)
    assert within_three_standard_errors((value - price) ** 2, variance)


def test_lmsr_costs_and_its_greatest_loss() -> None:
    cost = lmsr_cost([10, 0], 100) - lmsr_cost([0, 0], 100)
    assert cost == pytest.approx(5.124948, abs=5e-7)
    loss = 1e6 - (lmsr_cost([1e6, 0], 100) - lmsr_cost([0, 0], 100))
    assert loss == pytest.approx(lmsr_greatest_loss(2, 100), abs=1e-9)


@pytest.mark.parametrize(
    ("seconds", "cents"), [(3600, 0.66), (600, 1.63), (120, 3.64), (60, 5.15), (10, 12.6)]
)
def test_a_digital_at_the_money_moves_faster_near_the_end(seconds: float, cents: float) -> None:
    assert digital_volatility_cents(0.0, seconds) == pytest.approx(cents, abs=0.02)


def test_digital_volatility_is_the_move_of_its_price() -> None:
    """One small step of the underlying, d fixed in units of what is left: sd of the change of Phi."""
    distance, left, step = 0.7, 900.0, 1e-3
    move = math.sqrt(step / left)
    up, down = (0.5 * (1 + math.erf((distance + s * move) / math.sqrt(2))) for s in (1, -1))
    assert digital_volatility_cents(distance, left) == pytest.approx(100 * (up - down) / 2 / math.sqrt(step))


def test_crps_of_a_forecast_that_hits_its_mean() -> None:
    """The published column of one dataset: sigma (sqrt(2) - 1) / sqrt(pi)."""
    deviation = 3.3368509446759416 * math.sqrt(math.pi) / (math.sqrt(2) - 1)
    assert gaussian_crps(80_000, deviation, 80_000) == pytest.approx(3.3368509446759416, abs=1e-12)


@pytest.mark.parametrize("observed", [-1.0, 0.4, 3.0])
def test_crps_is_the_integral_it_stands_for(observed: float) -> None:
    mean, deviation = 0.5, 1.3
    grid = np.linspace(-15, 15, 600_001)
    forecast = np.array([0.5 * (1 + math.erf((x - mean) / deviation / math.sqrt(2))) for x in grid[::100]])
    error = (forecast - (grid[::100] >= observed)) ** 2
    integral = float(np.sum((error[1:] + error[:-1]) / 2) * (grid[100] - grid[0]))
    assert gaussian_crps(mean, deviation, observed) == pytest.approx(integral, abs=5e-3)
