"""The exact answer that `glft` approximates: optimal quotes under a hard bound on the position.

Both Guéant-Lehalle-Fernandez-Tapia [GLFT] and Cartea-Jaimungal [CJ] end in the same linear system. With
``v_q`` for each position q from -Q to Q (orders of one unit): ``v' = -M v`` backwards from ``v(T) = 1``,
where M has ``alpha q^2`` on its diagonal and ``-eta`` beside it. A quote stands off the mid by
``margin + (1/k) ln(v_q / v_(q+1))`` (bid) and ``margin + (1/k) ln(v_q / v_(q-1))`` (ask).

Everything is computed on ``u = ln v``: far from the end, or near the bound, v itself is smaller than a float
can hold beside its neighbours, and the ratios of a matrix exponential turn into NaN.

Sources: [GLFT] Guéant, Lehalle & Fernandez-Tapia, Mathematics and Financial Economics 7(4), 2013, theorem 1
and section 4. [CJ] Cartea, Jaimungal & Penalva, "Algorithmic and High-Frequency Trading", 2015, section 10.2.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from strategies.formulas import fill_margin

Array = npt.NDArray[np.float64]

# Step of the integration, as a share of the system's fastest time scale, and the fewest steps: together they
# keep the error of u to a few 1e-9 (measured against a matrix exponential).
STEP_SHARE = 0.1
FEWEST_STEPS = 64


class System(NamedTuple):
    """One market maker's problem. ``inventory_cost`` (alpha) and ``coupling`` (eta) per second,
    ``depth_decay`` (k) per cent, ``margin`` in cents."""

    inventory_cost: float
    coupling: float
    depth_decay: float
    margin: float


class Depths(NamedTuple):
    """Distance from the mid in cents for positions -Q ... Q: arrays of 2 Q + 1; infinite is no quote."""

    bid: Array
    ask: Array


def glft_system(volatility: float, risk_aversion: float, depth_decay: float, fill_rate: float) -> System:
    """Exponential utility: alpha = k gamma sigma^2 / 2, eta = A (1 + gamma/k)^-(1 + k/gamma). [GLFT] th.1."""
    ratio = risk_aversion / depth_decay
    return System(
        inventory_cost=depth_decay * risk_aversion * volatility**2 / 2,
        coupling=fill_rate * math.exp(-(1 + 1 / ratio) * math.log1p(ratio)),
        depth_decay=depth_decay,
        margin=fill_margin(risk_aversion, depth_decay),
    )


def cartea_jaimungal_system(running_penalty: float, depth_decay: float, fill_rate: float) -> System:
    """Running penalty phi q^2: alpha = k phi, eta = A / e, margin 1 / k. [CJ] section 10.2."""
    return System(
        inventory_cost=depth_decay * running_penalty,
        coupling=fill_rate / math.e,
        depth_decay=depth_decay,
        margin=1 / depth_decay,
    )


def log_value(system: System, bound: int, horizon: float) -> Array:
    """``ln v(T - horizon)`` for positions -Q ... Q, Q = ``bound`` >= 1; ``horizon`` in seconds, >= 0.

    Fourth-order Runge-Kutta, backwards in time, on
    ``u' = -alpha q^2 + eta (e^(u_(q-1) - u_q) + e^(u_(q+1) - u_q))``: differences of logarithms only, so
    nothing underflows.
    """
    cost = system.inventory_cost * np.arange(-bound, bound + 1, dtype=np.float64) ** 2
    fastest = system.inventory_cost * bound**2 + 4 * system.coupling
    steps = max(FEWEST_STEPS, math.ceil(horizon * fastest / STEP_SHARE))
    step = horizon / steps
    value = np.zeros(2 * bound + 1)
    for _ in range(steps):
        first = _rate(value, cost, system.coupling)
        second = _rate(value + step / 2 * first, cost, system.coupling)
        third = _rate(value + step / 2 * second, cost, system.coupling)
        fourth = _rate(value + step * third, cost, system.coupling)
        value = value + step / 6 * (first + 2 * second + 2 * third + fourth)
    return value


def stationary_log_value(system: System, bound: int) -> Array:
    """``ln v`` long before the end, less a constant: M's eigenvector of least eigenvalue. [GLFT] section 4.

    From the eigenvalue, the ratios ``v_q / v_(q-1)`` follow backwards from the bound, where v is smallest:
    that direction is the stable one, and every ratio keeps its full precision.
    """
    positions = np.arange(-bound, bound + 1, dtype=np.float64)
    beside = np.full(2 * bound, -system.coupling)
    matrix = np.diag(system.inventory_cost * positions**2) + np.diag(beside, 1) + np.diag(beside, -1)
    smallest = float(np.linalg.eigvalsh(matrix)[0])
    half, ratio = np.zeros(bound + 1), 0.0
    for position in range(bound, 0, -1):
        ratio = system.coupling / (system.inventory_cost * position**2 - smallest - system.coupling * ratio)
        half[position] = math.log(ratio)
    outward = np.cumsum(half)
    return np.concatenate((outward[:0:-1], outward))


def depths(system: System, value: Array) -> Depths:
    """The optimal distances, given `log_value` or `stationary_log_value`; no bid at Q, no ask at -Q."""
    gained = np.diff(value) / system.depth_decay
    return Depths(
        bid=np.append(system.margin - gained, np.inf),
        ask=np.insert(system.margin + gained, 0, np.inf),
    )


def _rate(value: Array, cost: Array, coupling: float) -> Array:
    gain = np.exp(np.diff(value))
    flow = np.zeros_like(value)
    flow[:-1] += gain
    flow[1:] += 1 / gain
    return coupling * flow - cost
