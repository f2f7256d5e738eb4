"""Keeps true how much the exchange lets us send: read again every hour, and soon after a 429, because a tier
is earned and lost by the month and costs are the exchange's to change (protocol section 13).
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import Final, Protocol

from structlog.typing import FilteringBoundLogger

from mm.core.units import SECOND, Nanos
from mm.kalshi.conversation import ReadError
from mm.kalshi.venue import Allowance, BucketLimit

HOUR: Final[Nanos] = 3_600 * SECOND
# After a 429, or a read that failed.
SOON: Final[Nanos] = 60 * SECOND


class Allowed(Protocol):
    """Reads what is allowed, and from then on keeps to it; ``allowance`` is as of the last read."""

    @property
    def allowance(self) -> Allowance | None: ...

    @property
    def was_told_too_many(self) -> Event: ...

    async def read_allowance(self) -> Allowance:
        """:raises ReadError: if it cannot be read; then nothing changes."""
        ...


class AllowanceWatch:
    """``line`` was read when this begins. ``clock`` as everywhere."""

    def __init__(self, line: Allowed, log: FilteringBoundLogger, clock: Callable[[], Nanos]) -> None:
        self._line = line
        self._log = log
        self._clock = clock
        self._asked_at = clock()
        self._due = self._asked_at + HOUR

    async def look(self) -> None:
        """Ask, if it is time for it. A change is told in the log, and a read that fails, too."""
        now, doubt = self._clock(), self._line.was_told_too_many
        if now < self._due and not (doubt.is_set() and now >= self._asked_at + SOON):
            return
        doubt.clear()
        before, self._asked_at = self._line.allowance, now
        try:
            found = await self._line.read_allowance()
        except ReadError as error:
            self._due = now + SOON
            self._log.warning("api_error", message=f"API error: the rate limits could not be read: {error}")
            return
        self._due = now + HOUR
        if found != before:
            text = f"the exchange allows {_text(found)}; it was {_text(before) if before else 'not known'}"
            self._log.warning("limits_changed", tier=found.limits.usage_tier, message=text)


def _text(allowance: Allowance) -> str:
    limits = allowance.limits
    costs = ", ".join(f"{kind.value} {cost}" for kind, cost in allowance.costs.items())
    return f"reads {_rate(limits.read)}, writes {_rate(limits.write)} ({limits.usage_tier}; {costs})"


def _rate(limit: BucketLimit) -> str:
    return f"{limit.refill_rate}/s up to {limit.bucket_capacity}"
