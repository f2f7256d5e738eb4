"""Was a fill good a little later? The move of the mid in our favour 1, 10 and 60 seconds after each fill.

markout_h = s n (m(t+h) - p): design/quoting.md, "Honest evaluation".
"""

from __future__ import annotations

from collections import deque

from mm.core.units import DOLLAR, SECOND, Count, Money, Nanos, Price, Side

HORIZONS: tuple[tuple[str, Nanos], ...] = (
    ("markout_1s", SECOND),
    ("markout_10s", 10 * SECOND),
    ("markout_60s", 60 * SECOND),
)


SLIPPAGE = "markout_10s"


class Markout:
    """One market at one horizon. Fills whose mid is unknown when it is due are not counted."""

    def __init__(self, horizon: Nanos) -> None:
        self._horizon = horizon
        self._due: deque[tuple[Nanos, Side, Price, Count]] = deque()
        self._doubled_gain = 0
        self._count: Count = 0
        self._paid: Money = 0

    def fill(self, ts: Nanos, side: Side, price: Price, count: Count) -> None:
        self._due.append((ts + self._horizon, side, price, count))

    def settle(self, now: Nanos, doubled_mid: int | None) -> None:
        """``doubled_mid``: twice the mid, in `Price`, as it was until ``now``."""
        while self._due and self._due[0][0] <= now:
            _, side, price, count = self._due.popleft()
            if doubled_mid is not None:
                self._doubled_gain += side.sign * count * (doubled_mid - 2 * price)
                self._count += count
                self._paid += count * (price if side is Side.BID else DOLLAR - price)

    def mean(self) -> float | None:
        """`Price` units per contract; None before the first one is known."""
        return self._doubled_gain / 2 / self._count if self._count else None

    def sums(self) -> tuple[Money, Money]:
        """Twice what the fills gained, and what was paid for them."""
        return self._doubled_gain, self._paid
