"""How far our own quote has moved lately (control C04): steps that are each allowed may add up to a ramp."""

from __future__ import annotations

from collections import deque

from mm.core.units import SIDES, Nanos, Price, Side


class _Extreme:
    """The largest of what was added within the window, in constant time: what is smaller and older than the
    newest can never be the largest again (Lemire, "Streaming maximum-minimum filter", 2006, algorithm 1)."""

    def __init__(self, sign: int) -> None:
        self._sign = sign
        self._kept: deque[tuple[Nanos, Price]] = deque()

    def add(self, now: Nanos, price: Price, before: Nanos) -> Price:
        signed, kept = self._sign * price, self._kept
        while kept and kept[-1][1] <= signed:
            kept.pop()
        kept.append((now, signed))
        while kept[0][0] < before:
            kept.popleft()
        return self._sign * kept[0][1]


class Drift:
    """Of one market: the best quote of each side."""

    def __init__(self) -> None:
        self._extremes: dict[Side, tuple[_Extreme, _Extreme]] = {}
        self.clear()

    def moved(self, side: Side, price: Price, now: Nanos, window: Nanos) -> Price:
        """How far apart this side's quotes of the window are, this one included; one that is exactly
        ``window`` old still counts."""
        highest, lowest = self._extremes[side]
        return highest.add(now, price, now - window) - lowest.add(now, price, now - window)

    def clear(self) -> None:
        self._extremes = {side: (_Extreme(1), _Extreme(-1)) for side in SIDES}
