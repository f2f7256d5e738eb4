"""What counts as healthy when a person looks: the colours of `kmm checklist`. Nothing here stops trading."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from mm.config.amounts import Fraction, Milliseconds, Seconds
from mm.config.section import Conflict, Range, Section, in_order

Part = Annotated[Fraction, Range(least=0, most=1)]


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
        for name in ("quote_latency", "api_errors", "loop_lag", "disk_used", "memory_used", "cpu_used"):
            yield from in_order(self, *_pair(name))


def _pair(name: str) -> tuple[str, str]:
    unit = {"quote_latency": "_ms", "loop_lag": "_ms", "api_errors": "_per_hour"}.get(name, "")
    return f"{name}{unit}", f"{name}_alarm{unit}"
