"""One channel of the WebSocket: is it acknowledged, and have any of its messages been lost?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Final

from mm.core.units import SECOND, Nanos
from mm.kalshi.backoff import backoff

ACK_TIMEOUT: Final[Nanos] = 5 * SECOND
LARGEST_GAP: Final = 100_000
STEADY: Final[Nanos] = 30 * SECOND
BOOK: Final = "orderbook_delta"
MARKET_CHANNELS: Final = (BOOK, "trade", "ticker")
ACCOUNT_CHANNELS: Final = ("fill", "user_orders", "market_lifecycle_v2")


class Arrival(Enum):
    """How a sequence number stands to the last one of its subscription (protocol section 10.2)."""

    NEXT = "next"
    OLD = "old"
    AFTER_A_GAP = "after a gap"
    IMPLAUSIBLE = "implausible"


class Subscription:
    """``sid`` is 0 until the exchange has acknowledged. ``due`` is when to (re)send the subscribe."""

    __slots__ = ("acked_at", "asked_with", "attempt", "channel", "command_id", "due", "last_seq", "sid")

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self.sid = 0
        self.last_seq = 0
        self.command_id = 0
        self.asked_with: set[str] = set()
        self.due: Nanos = 0
        self.attempt = 0
        self.acked_at: Nanos = 0

    def ask(self, command_id: int, tickers: Iterable[str], now: Nanos) -> None:
        """A subscribe was sent."""
        self.command_id = command_id
        self.asked_with = set(tickers)
        self.due = now + ACK_TIMEOUT

    def acknowledge(self, sid: int, now: Nanos) -> None:
        """The exchange named the subscription. A repeated subscribe merges into the same ``sid``, whose
        numbers go on; a new ``sid`` starts at 1."""
        if sid != self.sid:
            self.sid, self.last_seq = sid, 0
        self.command_id, self.due, self.acked_at = 0, 0, now

    def refuse(self, now: Nanos, random: Callable[[], float]) -> None:
        """A change of it was refused; it goes on, and is asked for with all that is wanted: soon if it had
        been steady, later the more often that is needed."""
        if now - self.acked_at >= STEADY:
            self.attempt = 0
        self.due = now + backoff(self.attempt, random)
        self.attempt += 1

    def lose(self, now: Nanos, random: Callable[[], float]) -> None:
        """It ended, or was refused: nothing of it counts any more, and it is to be asked for again. At
        once if it had been steady; the more it fails, the later."""
        if self.sid and now - self.acked_at >= STEADY:
            self.attempt = 0
        is_first = self.attempt == 0 and self.sid != 0
        self.sid, self.last_seq, self.command_id = 0, 0, 0
        self.due = now if is_first else now + backoff(self.attempt, random)
        self.attempt += 1

    def arrive(self, seq: int) -> Arrival:
        """Takes note of the number of a message that came. An implausible one is not noted: all that came
        after it would look old."""
        if seq == self.last_seq + 1:
            self.last_seq = seq
            return Arrival.NEXT
        if seq <= self.last_seq:
            return Arrival.OLD
        if seq - self.last_seq > LARGEST_GAP and self.last_seq:
            return Arrival.IMPLAUSIBLE
        self.last_seq = seq
        return Arrival.AFTER_A_GAP
