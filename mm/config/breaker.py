"""When trading stops by itself: the rules of the circuit breaker."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import AfterValidator

from mm.config.amounts import Cents, Dollars, Fraction, Seconds
from mm.config.section import Range, Section
from mm.config.zones import known_zone

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


class Cycles(Section):
    """Quotes that filled in full and were put up again: a person looks before it goes on."""

    window_seconds: Annotated[Seconds, Range(least=1, most=86_400)] = Seconds(60)
    """Length of the sliding window."""
    per_market: Annotated[int, Range(least=1, most=1_000_000)] | None = 60
    """So many in one market stop its desk."""
    per_account: Annotated[int, Range(least=1, most=1_000_000)] | None = 240
    """So many in all markets together stop everything."""


class QuoteDrift(Section):
    """Pulls our quotes from a market, for the length of the window, and tells it: no trip."""

    cents: Annotated[Cents, Range(above=0, most=100)] = Cents(30)
    """Further than this our best quote of a side does not move within the window."""
    window_seconds: Annotated[Seconds, Range(least=1, most=3600)] = Seconds(10)
    """Length of the sliding window."""


class EachDesk(Section):
    """Rules for every desk by itself: they stop that desk, the others quote on."""

    pnl_threshold: (
        Annotated[
            Dollars,
            Range(least=-1_000_000_000, below=0, hint="a loss is negative: -100 for one hundred dollars"),
        ]
        | None
    ) = None
    """Dollars of P&L of the desk, realized and not, below which it stops."""
    losing_round_trips: Annotated[int, Range(least=1, most=1000)] | None = None
    """Round trips of the desk in a row that lost."""
    repeated_rejects: Annotated[int, Range(least=1, most=1000)] | None = 10
    """The same refusal of the exchange in one market so many times in a row."""


class CircuitBreaker(Section):
    """Every rule stands alone, the tightest trips first, and a trip survives a restart. `null`: rule off."""

    max_consecutive_errors: Annotated[int, Range(least=1, most=1000)] = 10
    """API errors in a row; what fails within half a second is one error."""
    pnl_threshold: Annotated[
        Dollars, Range(least=-1_000_000_000, below=0, hint="a loss is negative: -100 for one hundred dollars")
    ] = Dollars(-100)
    """Dollars of P&L, realized and not, below which trading stops."""
    max_inventory_imbalance: Annotated[Fraction, Range(above=0, most=1)] = Fraction("0.8")
    """How far the inventory may lean to one side, as a part of the position limits; stops that desk alone."""
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
    storage_lost_seconds: Annotated[Seconds, Range(least=0.1, most=3600)] | None = Seconds(60)
    """The journal cannot be written for this long: the breaker trips. Quotes are cancelled at once."""
    unknown_orders: Annotated[int, Range(least=1, most=1000)] | None = 3
    """Orders under our name that this run did not send; each is cancelled and told."""
    cycles: Cycles = Cycles()
    """The same quote again and again: something is wrong with our price."""
    quote_drift: QuoteDrift | None = QuoteDrift()
    """Our own quote runs away by steps that are each allowed."""
    each_desk: EachDesk = EachDesk()
    """What stops one desk alone."""
    warn_at_fraction: Annotated[Fraction, Range(above=0, below=1)] | None = Fraction("0.6")
    """An alert comes at this part of a limit already, and another when the measure is clearly below again."""
    warn_inventory_imbalance: Annotated[Fraction, Range(above=0, most=1)] | None = Fraction("0.5")
    """The same for the inventory, which has a level of its own."""
    day_zone: Annotated[str, AfterValidator(known_zone)] = "UTC"
    """The zone (IANA name, such as America/New_York) at whose midnight a day begins; weeks on its Monday."""
