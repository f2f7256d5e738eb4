"""The formulas at values that can be checked by hand, and at their limits."""

from __future__ import annotations

import math

import numpy as np
import pytest

from strategies.formulas import (
    fill_margin,
    finite_horizon_spread,
    glft_slope,
    maker_fee_cents,
    reservation_price,
)


def test_the_reservation_price_leans_against_the_position() -> None:
    assert reservation_price(100.0, 3.0, 0.1, 2.0, 0.5) == pytest.approx(100 - 3 * 0.1 * 4 * 0.5)
    leaned = reservation_price(np.array([100.0, 100.0]), np.array([-1.0, 1.0]), 0.1, 2.0, 1.0)
    np.testing.assert_allclose(leaned, [100.4, 99.6])


def test_the_spread_is_the_published_one_and_shrinks_to_two_margins() -> None:
    assert finite_horizon_spread(0.1, 1.5, 2.0, 0.0) == pytest.approx(20 * math.log(1 + 0.1 / 1.5))
    assert finite_horizon_spread(0.1, 1.5, 2.0, 1.0) == pytest.approx(0.4 + 20 * math.log(1 + 0.1 / 1.5))


def test_without_risk_aversion_a_fill_must_earn_one_over_k() -> None:
    assert fill_margin(1e-12, 0.5) == pytest.approx(2.0, abs=1e-10)
    assert fill_margin(0.01, 0.5) < 2.0


def test_an_order_of_ten_is_as_risky_as_ten_times_the_aversion() -> None:
    assert fill_margin(0.001, 1.0, 10) == fill_margin(0.01, 1.0)


def test_the_slope_is_the_published_one() -> None:
    volatility, gamma, k, rate = 0.3, 0.01, 0.3, 0.9
    published = math.sqrt(volatility**2 * gamma / (2 * k * rate) * (1 + gamma / k) ** (1 + k / gamma))
    assert glft_slope(volatility, gamma, k, rate) == pytest.approx(published, rel=1e-12)


def test_the_slope_grows_with_volatility_and_falls_with_flow() -> None:
    assert glft_slope(2.0, 0.01, 1.0, 0.1) == pytest.approx(2 * glft_slope(1.0, 0.01, 1.0, 0.1))
    assert glft_slope(1.0, 0.01, 1.0, 0.4) == pytest.approx(glft_slope(1.0, 0.01, 1.0, 0.1) / 2)


def test_the_slope_of_larger_orders_is_that_of_a_market_measured_in_orders() -> None:
    """Count positions in lots of D: risk aversion per lot is D gamma, k per cent stays, money is D times as
    much, so a lot moves the quotes D times as far as a contract: g(lots) = D g(contracts)."""
    lot = 10.0
    in_lots = glft_slope(0.3, 0.001 * lot, 1.0, 0.1)
    assert lot * glft_slope(0.3, 0.001, 1.0, 0.1, lot) == pytest.approx(in_lots, rel=1e-12)


@pytest.mark.parametrize(("cents", "fee"), [(50, 0.4375), (10, 0.1575), (5, 0.083125), (0, 0.0), (120, 0.0)])
def test_the_makers_fee_is_the_published_one(cents: float, fee: float) -> None:
    assert maker_fee_cents(cents, 17_500) == pytest.approx(fee)
