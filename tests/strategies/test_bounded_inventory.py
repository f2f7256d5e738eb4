"""The exact solution, against independent linear algebra, against [CJ], and against what `glft` trades."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest

from strategies.bounded_inventory import (
    System,
    cartea_jaimungal_system,
    depths,
    glft_system,
    log_value,
    stationary_log_value,
)
from strategies.formulas import fill_margin, glft_slope

Array = npt.NDArray[np.float64]
# volatility, risk aversion, depth decay, fill rate; the first is [GLFT]'s own example, the second [AS]'s
PAPER = (0.3, 0.01, 0.3, 0.9)
STOIKOV = (2.0, 0.1, 1.5, 140.0)
OURS = (0.3, 0.001, 1.0, 0.1)


def matrix(system: System, bound: int) -> Array:
    positions = np.arange(-bound, bound + 1, dtype=np.float64)
    beside = np.eye(2 * bound + 1, k=1) + np.eye(2 * bound + 1, k=-1)
    dense: Array = np.diag(system.inventory_cost * positions**2) - system.coupling * beside
    return dense


def value_by_exponential(system: System, bound: int, horizon: float) -> Array:
    """``exp(-M t) 1`` by diagonalising M, up to a factor: right only while no entry is tiny."""
    rates, vectors = np.linalg.eigh(matrix(system, bound))
    value: Array = vectors @ (np.exp(-(rates - rates[0]) * horizon) * (vectors.T @ np.ones(2 * bound + 1)))
    return value


@pytest.mark.parametrize(
    ("model", "bound", "horizon"), [(PAPER, 30, 600.0), (STOIKOV, 10, 1.0), (OURS, 30, 60.0), (OURS, 1, 5.0)]
)
def test_the_recursion_agrees_with_the_matrix_exponential(
    model: tuple[float, float, float, float], bound: int, horizon: float
) -> None:
    system = glft_system(*model)
    ratios = np.diff(log_value(system, bound, horizon))
    expected = np.diff(np.log(value_by_exponential(system, bound, horizon)))
    np.testing.assert_allclose(ratios, expected, atol=1e-9)


def test_at_the_end_only_the_margin_is_left() -> None:
    system = glft_system(*PAPER)
    bid, ask = depths(system, log_value(system, 5, 0.0))
    np.testing.assert_array_equal(bid[:-1], system.margin)
    np.testing.assert_array_equal(ask[1:], system.margin)


def test_near_the_bound_the_exponential_breaks_and_the_recursion_does_not() -> None:
    system, bound = glft_system(1.0, 0.1, 1.0, 0.1), 30
    with np.errstate(all="ignore"):
        broken = np.diff(np.log(value_by_exponential(system, bound, 60.0)))
    assert not np.isfinite(broken).all()
    bid, ask = depths(system, log_value(system, bound, 60.0))
    assert np.isfinite(bid[:-1]).all() and np.isfinite(ask[1:]).all()
    assert (np.diff(bid[:-1]) > 0).all() and (np.diff(ask[1:]) < 0).all()


@pytest.mark.parametrize("model", [PAPER, STOIKOV])
def test_long_before_the_end_the_quotes_stand_still(model: tuple[float, float, float, float]) -> None:
    system = glft_system(*model)
    settled = np.diff(log_value(system, 12, 15 / math.sqrt(system.inventory_cost * system.coupling)))
    np.testing.assert_allclose(settled, np.diff(stationary_log_value(system, 12)), atol=1e-8)


def test_the_stationary_ratios_solve_the_eigenvalue_equation_up_to_the_bound() -> None:
    """Row by row, (M v)_q / v_q is one number: also where v has 60 digits less than in the middle."""
    system, bound = glft_system(1.0, 0.1, 1.0, 0.1), 30
    value = stationary_log_value(system, bound)
    assert value[0] < value[bound] - 60 * math.log(10)
    right = np.append(np.exp(np.diff(value)), 0.0)
    left = np.insert(np.exp(-np.diff(value)), 0, 0.0)
    positions = np.arange(-bound, bound + 1)
    rates = system.inventory_cost * positions**2 - system.coupling * (left + right)
    np.testing.assert_allclose(rates, rates[bound], atol=1e-11)


def test_the_bound_is_hard_and_the_sides_are_mirrors() -> None:
    system = glft_system(*PAPER)
    bid, ask = depths(system, stationary_log_value(system, 30))
    assert bid[-1] == math.inf and ask[0] == math.inf
    np.testing.assert_allclose(bid[:-1], ask[:0:-1], atol=1e-12)


@pytest.mark.parametrize("model", [PAPER, STOIKOV, OURS])
def test_the_slope_that_glft_trades_is_the_exact_one_away_from_the_bound(
    model: tuple[float, float, float, float],
) -> None:
    """[GLFT] section 4: bid depth c + (2 q + 1) g / 2, ask depth c - (2 q - 1) g / 2."""
    volatility, risk_aversion, depth_decay, fill_rate = model
    system, bound = glft_system(*model), 60
    bid, ask = depths(system, stationary_log_value(system, bound))
    slope = glft_slope(volatility, risk_aversion, depth_decay, fill_rate)
    margin = fill_margin(risk_aversion, depth_decay)
    near = np.arange(-5, 6)
    np.testing.assert_allclose(bid[near + bound], margin + (2 * near + 1) / 2 * slope, rtol=0.01)
    np.testing.assert_allclose(ask[near + bound], margin - (2 * near - 1) / 2 * slope, rtol=0.01)
    middle = (ask - bid)[near + bound] / 2
    np.testing.assert_allclose(np.diff(middle), -slope, rtol=0.03)


def test_cartea_jaimungal_is_the_limit_of_glft_without_risk_aversion() -> None:
    """gamma -> 0 with gamma sigma^2 / 2 -> phi held: the same depths within 1e-9."""
    penalty, depth_decay, fill_rate, risk_aversion = 0.0005, 1.5, 2.0, 1e-10
    volatility = math.sqrt(2 * penalty / risk_aversion)
    guéant = glft_system(volatility, risk_aversion, depth_decay, fill_rate)
    cartea = cartea_jaimungal_system(penalty, depth_decay, fill_rate)
    for one, other in (
        (depths(guéant, log_value(guéant, 8, 30.0)), depths(cartea, log_value(cartea, 8, 30.0))),
        (depths(guéant, stationary_log_value(guéant, 8)), depths(cartea, stationary_log_value(cartea, 8))),
    ):
        np.testing.assert_allclose(one.bid[:-1], other.bid[:-1], rtol=0, atol=1e-9)
        np.testing.assert_allclose(one.ask[1:], other.ask[1:], rtol=0, atol=1e-9)


def test_cartea_jaimungal_as_their_book_writes_it() -> None:
    """[CJ] sec. 10.2: delta = (1 + ln(w_q / w_(q-1))) / k, w = exp(A t) 1, A = (-k phi q^2, lambda / e)."""
    penalty, depth_decay, fill_rate, bound, horizon = 0.001, 1.5, 2.0, 4, 10.0
    positions = np.arange(-bound, bound + 1)
    system = np.diag(-depth_decay * penalty * positions**2.0)
    system += fill_rate / math.e * (np.eye(2 * bound + 1, k=1) + np.eye(2 * bound + 1, k=-1))
    rates, vectors = np.linalg.eigh(system)
    omega = vectors @ (np.exp(rates * horizon) * (vectors.T @ np.ones(2 * bound + 1)))
    ask = 1 / depth_decay + np.log(omega[1:] / omega[:-1]) / depth_decay
    ours = cartea_jaimungal_system(penalty, depth_decay, fill_rate)
    np.testing.assert_allclose(depths(ours, log_value(ours, bound, horizon)).ask[1:], ask, atol=1e-9)
