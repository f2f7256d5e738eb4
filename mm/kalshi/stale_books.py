"""The markets whose book is not known at present, and when to ask for a snapshot again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mm.core.units import SECOND, Nanos

SNAPSHOT_TIMEOUT: Final[Nanos] = 2 * SECOND
LONGEST_WAIT: Final[Nanos] = 30 * SECOND


class StaleBooks:
    """A market is in here from the loss of its book until its next snapshot."""

    def __init__(self) -> None:
        self._due: dict[str, tuple[Nanos, int]] = {}

    def __contains__(self, ticker: str) -> bool:
        return ticker in self._due

    def __len__(self) -> int:
        return len(self._due)

    def add(self, tickers: Iterable[str], now: Nanos) -> None:
        """A snapshot was, or is about to be, asked for."""
        for ticker in tickers:
            self._due.setdefault(ticker, (now + SNAPSHOT_TIMEOUT, 0))

    def discard(self, ticker: str) -> None:
        self._due.pop(ticker, None)

    def tickers(self) -> list[str]:
        return list(self._due)

    def overdue(self, now: Nanos) -> list[str]:
        """Those to ask for again now; the wait for the next time doubles (2 s to 30 s)."""
        if not self._due:
            return []
        late = [ticker for ticker, (due, _) in self._due.items() if due <= now]
        for ticker in late:
            attempt = self._due[ticker][1] + 1
            self._due[ticker] = (now + min(LONGEST_WAIT, SNAPSHOT_TIMEOUT * 2 ** min(attempt, 5)), attempt)
        return late
