"""Closed forms of other people's markets: oracles for a simulated flow, a scorer or a new strategy.

Probabilities are prices of a contract that pays 1 or 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple


class KyleEquilibrium(NamedTuple):
    """Price impact per unit of order flow; what the insider expects; what stays unknown of the value."""

    price_impact: float
    insider_profit: float
    residual_variance: float


def glosten_milgrom_quotes(prior: float, informed_share: float) -> tuple[float, float]:
    """Zero-profit (bid, ask) when this share of takers knows the outcome; at ``prior`` 1/2 they are that far
    apart. Both arguments within (0, 1).

    Glosten & Milgrom, "Bid, ask and transaction prices", Journal of Financial Economics 14, 1985: each quote
    is the probability given that the next taker sells, or buys.
    """
    likely, unlikely = 1 + informed_share, 1 - informed_share
    bid = prior * unlikely / (prior * unlikely + (1 - prior) * likely)
    ask = prior * likely / (prior * likely + (1 - prior) * unlikely)
    return bid, ask


def kyle_equilibrium(value_deviation: float, noise_deviation: float) -> KyleEquilibrium:
    """One auction with one insider; both arguments are standard deviations, of value and of noise orders.

    Kyle, "Continuous auctions and insider trading", Econometrica 53(6), 1985, theorem 1.
    """
    return KyleEquilibrium(
        price_impact=value_deviation / (2 * noise_deviation),
        insider_profit=value_deviation * noise_deviation / 2,
        residual_variance=value_deviation**2 / 2,
    )


def lmsr_cost(quantities: Sequence[float], liquidity: float) -> float:
    """What all contracts sold so far cost: ``b ln sum(exp(q / b))``; a trade costs the difference.

    Hanson, "Combinatorial information market design", Information Systems Frontiers 5(1), 2003.
    """
    largest = max(quantities)
    return largest + liquidity * math.log(sum(math.exp((q - largest) / liquidity) for q in quantities))


def lmsr_greatest_loss(outcomes: int, liquidity: float) -> float:
    """The most that its market maker can lose from even prices: ``b ln n``. Source as `lmsr_cost`."""
    return liquidity * math.log(outcomes)


def digital_volatility_cents(distance: float, seconds_left: float) -> float:
    """Cents per sqrt(second) that a digital option's price moves: ``100 phi(d) / sqrt(tau)``.

    ``distance`` (d) is how many standard deviations of the remaining move the underlying is from the strike:
    the price is Phi(d), and Ito's lemma on it, with a driftless normal underlying, leaves this term.
    """
    return 100 * _density(distance) / math.sqrt(seconds_left)


def gaussian_crps(mean: float, deviation: float, observed: float) -> float:
    """Continuous ranked probability score of a normal forecast, in the unit of ``observed``; less is better.

    Gneiting et al., Monthly Weather Review 133, 2005, eq. 5.
    """
    z = (observed - mean) / deviation
    return deviation * (z * math.erf(z / math.sqrt(2)) + 2 * _density(z) - 1 / math.sqrt(math.pi))


def _density(z: float) -> float:
    return math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
