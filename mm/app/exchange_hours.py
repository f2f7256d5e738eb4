"""Asks the exchange whether it is open, and when it plans not to be, and tells the engine what it says.

A read that fails is told as unknown: only the engine knows what to make of that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol, TypeVar

from mm.core.events import AnyEvent, ExchangeStatus, TradingHours
from mm.core.units import SECOND, Nanos
from mm.kalshi.conversation import Conversation, ReadError
from mm.kalshi.numbers import NumberError, parse_time
from mm.kalshi.schedule import read_pauses
from mm.kalshi.venue import ExchangeStatus as StatusBody
from mm.kalshi.venue import read_exchange_status

T = TypeVar("T")
STATUS_EVERY: Final[Nanos] = 10 * SECOND
SCHEDULE_EVERY: Final[Nanos] = 3_600 * SECOND
# After a schedule that could not be read.
SCHEDULE_AGAIN: Final[Nanos] = 60 * SECOND


class Read(Protocol):
    """Holds a conversation without blocking."""

    def __call__(self, conversation: Conversation[T], /) -> Awaitable[T]: ...


class ExchangeHours:
    """``clock`` as everywhere; ``complain`` hears of reads that failed."""

    def __init__(self, read: Read, clock: Callable[[], Nanos], complain: Callable[[str], None]) -> None:
        self._read = read
        self._clock = clock
        self._complain = complain
        self._schedule_due: Nanos = 0

    async def look(self) -> list[AnyEvent]:
        """The status, and the schedule if it is time for it."""
        events: list[AnyEvent] = [await self._status()]
        if self._clock() >= self._schedule_due:
            pauses = await self._attempt("schedule", read_pauses())
            again = SCHEDULE_AGAIN if pauses is None else SCHEDULE_EVERY
            self._schedule_due = self._clock() + again
            if pauses is not None:
                events.append(TradingHours(self._clock(), pauses))
        return events

    async def keep_looking(self, emit: Callable[[list[AnyEvent]], None]) -> None:
        """`look` again and again, the first time in a while: a start has looked already."""
        while True:
            await asyncio.sleep(STATUS_EVERY / SECOND)
            emit(await self.look())

    async def _status(self) -> ExchangeStatus:
        asked_at = self._clock()
        status = await self._attempt("status", read_exchange_status())
        return told(status, asked_at, self._clock())

    async def _attempt(self, what: str, conversation: Conversation[Any]) -> Any:
        """``None`` if it could not be read."""
        try:
            return await self._read(conversation)
        except ReadError as error:
            self._complain(f"the exchange's {what} could not be read: {error}")
            return None


def told(status: StatusBody | None, asked_at: Nanos, now: Nanos) -> ExchangeStatus:
    """In the engine's words; ``None`` is not known."""
    if status is None:
        return ExchangeStatus(now, asked_at, None, None)
    return ExchangeStatus(
        now,
        asked_at,
        all(part.exchange_active for part in status.parts),
        all(part.trading_active for part in status.parts),
        _estimate(status.exchange_estimated_resume_time),
    )


def _estimate(text: str | None) -> Nanos | None:
    """Only shown to people: one that cannot be read is none."""
    try:
        return parse_time(text) if text else None
    except NumberError:
        return None
