"""When trading stops by itself: the rules of the circuit breaker."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from mm.config.amounts import Dollars, Fraction, Seconds
from mm.config.section import Range, Section

Loss: TypeAlias = Annotated[
    Dollars, Range(above=0, most=1_000_000_000, hint="a loss is written as a positive number here")
]


class ErrorRate(Section):
    """Trips when too large a part of the requests in a sliding window failed."""

    window_seconds: Annotated[Seconds, Range(least=1, most=86_400)] = Seconds(300)
    """Length of the window."""
    min_samples: Annotated[int, Range(least=1, most=1_000_000)] = 50
    """Fewer requests than this in the window say nothing."""
    max_fraction: Annotated[Fraction, Range(above=0, most=1)] = Fraction("0.1")
    """Failed requests, as a part of all."""


class CircuitBreaker(Section):
    """Every rule stands alone, the tightest trips first, and a trip survives a restart. `null`: rule off."""

    max_consecutive_errors: Annotated[int, Range(least=1, most=1000)] = 10
    """API errors in a row; what fails within half a second is one error."""
    pnl_threshold: Annotated[
        Dollars, Range(least=-1_000_000_000, below=0, hint="a loss is negative: -100 for one hundred dollars")
    ] = Dollars(-100)
    """Dollars of P&L, realized and not, below which trading stops."""
    max_inventory_imbalance: Annotated[Fraction, Range(above=0, most=1)] = Fraction("0.8")
    """How far the inventory may lean to one side, as a part of the position limits."""
    error_rate: ErrorRate | None = ErrorRate()
    """API errors as a part of all requests."""
    daily_loss_fraction: Annotated[Fraction, Range(above=0, most=1)] | None = Fraction("0.05")
    """Loss since the day began, as a part of the capital then."""
    daily_loss_dollars: Loss | None = Dollars(50)
    """Loss since the day began."""
    weekly_loss_dollars: Loss | None = Dollars(250)
    """Loss since the week began."""
    losing_round_trips: Annotated[int, Range(least=1, most=1000)] | None = 5
    """Round trips in a row that lost."""
    feed_lost_seconds: Annotated[Seconds, Range(least=0.1, most=3600)] | None = Seconds(15)
    """Connection to market data lost for this long: the breaker trips. Quotes are cancelled at once."""
