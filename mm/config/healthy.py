"""What counts as healthy when a person looks: the colours of `kmm checklist`. Nothing here stops trading."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final

from mm.config.amounts import Fraction, Milliseconds, Seconds
from mm.config.section import Conflict, Range, Section, in_order

Part = Annotated[Fraction, Range(least=0, most=1)]
# What is worse when it is more, and the ends of those names that have a unit.
RISING: Final = (
    *("quote_latency", "api_errors", "loop_lag", "api_response", "slippage", "open_positions"),
    *("position_of_capital", "exposure_of_capital", "disk_used", "memory_used", "cpu_used"),
    *("clock_offset", "rate_limit_used", "order_age"),
)
UNITS: Final = {
    "quote_latency": "_ms",
    "loop_lag": "_ms",
    "api_response": "_ms",
    "api_errors": "_per_hour",
    "clock_offset": "_ms",
    "order_age": "_minutes",
}


class Healthy(Section):
    """Green up to the first figure of a pair, red beyond the second, yellow between them."""

    order_success: Part = Fraction("0.95")
    """Accepted orders, as a part of those answered: above this, all is well."""
    order_success_alarm: Part = Fraction("0.90")
    """Below this, the exchange refuses too much."""
    quote_latency_ms: Annotated[Milliseconds, Range(above=0, most=60_000)] = Milliseconds(200)
    """From the decision to the answer, on average."""
    quote_latency_alarm_ms: Annotated[Milliseconds, Range(above=0, most=60_000)] = Milliseconds(500)
    """Slower than this, quotes are stale when they arrive."""
    api_errors_per_hour: Annotated[int, Range(least=1, most=100_000)] = 5
    """Fewer than this in the last hour are healthy."""
    api_errors_alarm_per_hour: Annotated[int, Range(least=1, most=100_000)] = 20
    """As many as this in the last hour want looking at."""
    heartbeat_buffer_seconds: Annotated[Seconds, Range(above=0, most=3600)] = Seconds(10)
    """How much older than its interval the heartbeat may be."""
    loop_lag_ms: Annotated[Milliseconds, Range(above=0, most=60_000)] = Milliseconds(100)
    """By how much the trading loop may come late."""
    loop_lag_alarm_ms: Annotated[Milliseconds, Range(above=0, most=60_000)] = Milliseconds(1000)
    """Later than this, the machine is too slow or too busy."""
    api_response_ms: Annotated[Milliseconds, Range(above=0, most=60_000)] = Milliseconds(500)
    """What the exchange takes to answer a request about an order, on average."""
    api_response_alarm_ms: Annotated[Milliseconds, Range(above=0, most=60_000)] = Milliseconds(2000)
    """Slower than this, little can be cancelled in time."""
    slippage: Part = Fraction("0.005")
    """What fills lost of their price within ten seconds."""
    slippage_alarm: Part = Fraction("0.02")
    """More than this, whoever trades with us knows better."""
    win_rate: Part = Fraction("0.5")
    """Round trips that earned something, as a part of all that ended in this run."""
    win_rate_alarm: Part = Fraction("0.4")
    """Fewer than this, and quotes are where others want them to be."""
    clock_offset_ms: Annotated[Milliseconds, Range(above=0, most=60_000)] = Milliseconds(250)
    """How far our clock may be from the exchange's, by the quickest message of a minute."""
    clock_offset_alarm_ms: Annotated[Milliseconds, Range(above=0, most=60_000)] = Milliseconds(1000)
    """Further than this, data looks older or younger than it is."""
    rate_limit_used: Part = Fraction("0.8")
    """Tokens spent in a minute, as a part of those that the exchange gives in it."""
    rate_limit_used_alarm: Part = Fraction("0.95")
    """More than this, and requests soon wait or are refused."""
    order_age_minutes: Annotated[int, Range(least=1, most=100_000)] = 60
    """Without any news of it, an order may rest so long."""
    order_age_alarm_minutes: Annotated[int, Range(least=1, most=100_000)] = 240
    """An order as old as this was forgotten."""
    open_positions: Annotated[int, Range(least=0, most=100_000)] = 3
    """So many markets with a position are no reason to look."""
    open_positions_alarm: Annotated[int, Range(least=0, most=100_000)] = 5
    """More than this are too many."""
    position_of_capital: Part = Fraction("0.1")
    """What the largest position can lose, as a part of cash and positions."""
    position_of_capital_alarm: Part = Fraction("0.2")
    """More than this hangs on one market."""
    exposure_of_capital: Part = Fraction("0.3")
    """What all positions can lose, as a part of cash and positions."""
    exposure_of_capital_alarm: Part = Fraction("0.5")
    """More than this can be lost on what is held."""
    disk_used: Part = Fraction("0.8")
    """Of the disk that holds the run directory."""
    disk_used_alarm: Part = Fraction("0.95")
    """Soon nothing can be written, and then nothing is traded."""
    memory_used: Part = Fraction("0.8")
    """Of the machine's memory."""
    memory_used_alarm: Part = Fraction("0.95")
    """The system may soon end processes."""
    cpu_used: Part = Fraction("0.7")
    """Of all cores together."""
    cpu_used_alarm: Part = Fraction("0.95")
    """Nothing is left for a busy moment."""

    def conflicts(self) -> Iterator[Conflict]:
        yield from in_order(self, "order_success_alarm", "order_success")
        yield from in_order(self, "win_rate_alarm", "win_rate")
        for name in RISING:
            yield from in_order(self, *_pair(name))


def _pair(name: str) -> tuple[str, str]:
    unit = UNITS.get(name, "")
    return f"{name}{unit}", f"{name}_alarm{unit}"
