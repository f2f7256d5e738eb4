"""Counts how often a quote filled in full and was put up again: the throttle of repeated automated execution
(control C08). A market that takes one quote after another knows something, or our price is wrong."""

from __future__ import annotations

from collections import deque

from mm.core.units import SIDES, Nanos, Side


class Cycles:
    """Of one desk. ``total`` and ``most`` (of one market, ``busiest``) are those within the window."""

    def __init__(self) -> None:
        self.total = self.most = 0
        self.busiest = ""
        self._filled: set[tuple[str, Side]] = set()
        self._cycles: deque[tuple[Nanos, str]] = deque()
        self._counts: dict[str, int] = {}

    def filled(self, ticker: str, side: Side) -> None:
        """A quote of this side filled in full."""
        self._filled.add((ticker, side))

    def placed(self, ticker: str, side: Side, now: Nanos) -> None:
        """A new quote; if it follows one that filled in full, a cycle is complete."""
        if not self._filled or (ticker, side) not in self._filled:
            return
        self._filled.remove((ticker, side))
        self._cycles.append((now, ticker))
        self._counts[ticker] = self._counts.get(ticker, 0) + 1
        self._count()

    def forget(self, before: Nanos) -> None:
        """Cycles from before that moment do not count any more."""
        if not self._cycles or self._cycles[0][0] >= before:
            return
        while self._cycles and self._cycles[0][0] < before:
            _, ticker = self._cycles.popleft()
            self._counts[ticker] -= 1
            if not self._counts[ticker]:
                del self._counts[ticker]
        self._count()

    def retired(self, ticker: str) -> None:
        """No other quote will follow one that filled there; what did follow counts as long as ever."""
        self._filled.difference_update((ticker, side) for side in SIDES)

    def clear(self) -> None:
        self._cycles.clear()
        self._counts.clear()
        self._filled.clear()
        self._count()

    def _count(self) -> None:
        self.total = len(self._cycles)
        self.busiest = max(self._counts, key=self._counts.__getitem__, default="")
        self.most = self._counts.get(self.busiest, 0)
