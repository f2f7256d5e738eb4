"""The common maths of the strategies: what theory says a price, a margin and a skew should be.

Units are the caller's, as long as they agree; the strategies use cents, contracts and seconds. So volatility
is in cents per square root of a second, ``risk_aversion`` (gamma) in 1/(cent * contract), ``depth_decay`` (k)
in 1/cent and ``fill_rate`` (A) in fills per second: a quote ``d`` cents from the mid is filled at the rate
``A * exp(-k * d)``. Mids and positions may be floats or numpy arrays. Parameters must be positive.

Sources: [AS] Avellaneda & Stoikov, "High-frequency trading in a limit order book", Quantitative Finance 8(3),
2008. [GLFT] Guéant, Lehalle & Fernandez-Tapia, "Dealing with the inventory risk", Mathematics and Financial
Economics 7(4), 2013. [G17] Guéant, "Optimal market making", Applied Mathematical Finance 24(2), 2017.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# Below these the formulas lose their figures, and far below them become infinite or no number at all.
LEAST_RISK_AVERSION = 1e-9
LEAST_DEPTH_DECAY = 1e-6
LEAST_FILL_RATE = 1e-9

Number = TypeVar("Number", float, "npt.NDArray[np.float64]")


def reservation_price(
    mid: Number, position: Number, risk_aversion: float, volatility: float, horizon: float
) -> Number:
    """The price at which one unit more or less is a matter of indifference: ``s - q gamma sigma^2 (T - t)``.

    [AS] eq. 29. ``horizon`` is T - t. The position moves it against itself: a long position lowers it.
    """
    return mid - position * (risk_aversion * volatility**2 * horizon)


def fill_margin(risk_aversion: float, depth_decay: float, order_size: float = 1.0) -> float:
    """What a fill must earn: ``1/(gamma D) ln(1 + gamma D / k)`` off the reservation price, D the order size.

    [GLFT] section 4 (their c, with D = 1); [G17] for the order size. Tends to 1/k as gamma tends to 0.
    """
    scaled_aversion = risk_aversion * order_size
    return math.log1p(scaled_aversion / depth_decay) / scaled_aversion


def finite_horizon_spread(
    risk_aversion: float, depth_decay: float, volatility: float, horizon: float
) -> float:
    """From bid to ask: ``gamma sigma^2 (T - t) + (2/gamma) ln(1 + gamma/k)``. [AS] eq. 30."""
    return risk_aversion * volatility**2 * horizon + 2 * fill_margin(risk_aversion, depth_decay)


def glft_slope(
    volatility: float,
    risk_aversion: float,
    depth_decay: float,
    fill_rate: float,
    order_size: float = 1.0,
) -> float:
    """How far one unit of position moves both quotes, long before the end: the slope g of

    ``sqrt(sigma^2 gamma / (2 k A D) (1 + gamma D / k)^(1 + k / (gamma D)))``, D the order size; proportional
    to the volatility. [GLFT] section 4 with D = 1; [G17] for D. Without a position bound, the quotes are
    ``fill_margin + (2 q + D) / 2 * g`` under and ``fill_margin - (2 q - D) / 2 * g`` over the mid.
    """
    ratio = risk_aversion * order_size / depth_decay
    growth = math.exp((1 + 1 / ratio) * math.log1p(ratio))
    return volatility * math.sqrt(risk_aversion / (2 * depth_decay * fill_rate * order_size) * growth)


def maker_fee_cents(price_cents: float, maker_ppm: int) -> float:
    """Fee of a contract filled at ``price_cents``, in cents: ``rate * P * (1 - P)`` (protocol section 12)."""
    probability = min(max(price_cents / 100, 0.0), 1.0)
    return maker_ppm / 10_000 * probability * (1 - probability)
