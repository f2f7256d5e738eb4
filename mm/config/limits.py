"""Limits of the whole account, and the thresholds that checklists colour green, yellow and red by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, TypeAlias

from mm.config.amounts import Cents, Contracts, Dollars, Fraction, Milliseconds, Seconds
from mm.config.section import Conflict, Range, Section, in_order

Share: TypeAlias = Annotated[Fraction, Range(least=0, most=1)]
Duration: TypeAlias = Annotated[Milliseconds, Range(above=0, most=3_600_000)]
Number: TypeAlias = Annotated[int, Range(least=0, most=1_000_000)]


class Thresholds(Section):
    """When a checklist turns yellow or red (operator's files, section 4). They stop nothing by themselves."""

    min_disk_free_fraction: Share = Fraction("0.2")
    """Free space of the disk that holds `run_dir`."""
    max_memory_fraction: Share = Fraction("0.8")
    """Memory in use."""
    max_cpu_fraction: Share = Fraction("0.7")
    """Processor time in use."""
    max_api_response_ms: Duration = Milliseconds(500)
    """Answer time of the exchange."""
    max_rate_limit_fraction: Share = Fraction("0.8")
    """Of the exchange's rate limits, read and write each."""
    warn_open_positions: Number = 4
    """Markets with a position: yellow from here."""
    max_open_positions: Number = 5
    """Markets with a position: red above this."""
    max_position_capital_fraction: Share = Fraction("0.1")
    """One position, as a part of the capital."""
    max_exposure_capital_fraction: Share = Fraction("0.3")
    """All positions, as a part of the capital."""
    warn_daily_loss_fraction: Share = Fraction("0.03")
    """Loss of the day, as a part of the capital; the breaker's `daily_loss_fraction` is the red line."""
    max_slippage_fraction: Share = Fraction("0.005")
    """Price paid against price quoted."""
    min_win_rate_fraction: Share = Fraction("0.5")
    """Round trips that gained."""
    warn_order_success_fraction: Share = Fraction("0.9")
    """Orders accepted: red below this."""
    healthy_order_success_fraction: Share = Fraction("0.95")
    """Orders accepted: green above this."""
    healthy_quote_latency_ms: Duration = Milliseconds(200)
    """From market data to quote: green below this."""
    warn_quote_latency_ms: Duration = Milliseconds(500)
    """From market data to quote: red above this."""
    max_api_errors_per_hour: Number = 5
    """Failed requests: red from here."""
    max_order_age_seconds: Annotated[Seconds, Range(above=0, most=604_800)] = Seconds(3600)
    """No order rests longer without being renewed."""
    warn_inventory_imbalance: Share = Fraction("0.5")
    """Inventory leaning to one side; the breaker's `max_inventory_imbalance` is the red line."""
    heartbeat_buffer_seconds: Annotated[Seconds, Range(above=0, most=3600)] = Seconds(5)
    """How much older than its interval a heartbeat may be."""
    max_clock_offset_ms: Duration = Milliseconds(250)
    """Between this machine's clock and the exchange's."""

    def conflicts(self) -> Iterator[Conflict]:
        yield from in_order(self, "warn_open_positions", "max_open_positions")
        yield from in_order(self, "warn_order_success_fraction", "healthy_order_success_fraction")
        yield from in_order(self, "healthy_quote_latency_ms", "warn_quote_latency_ms")


class Limits(Section):
    """Of the whole account, over all desks; the tighter of desk and account wins."""

    max_total_exposure_dollars: Annotated[Dollars, Range(above=0, most=1_000_000_000)] = Dollars(300)
    """The most that can be lost on everything held and resting."""
    max_order_contracts: Annotated[Contracts, Range(above=0, most=10_000_000)] = Contracts(1000)
    """Of one order, checked once more where orders leave the process."""
    max_order_dollars: Annotated[Dollars, Range(above=0, most=1_000_000_000)] = Dollars(500)
    """Of one order, checked once more where orders leave the process."""
    price_collar_cents: Annotated[Cents, Range(above=0, most=100)] = Cents(15)
    """No quote further than this from the middle of the market."""
    max_orders_per_second: Annotated[int, Range(least=1, most=10_000)] | None = None
    """Orders and amends together; `null` leaves it to the exchange's rate limit."""
    thresholds: Thresholds = Thresholds()
    """Of the checklists."""
