"""How far our own quote has moved lately (control C04): steps that are each allowed may add up to a ramp."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from mm.core.strategy import Quote
from mm.core.units import Nanos, Price, Side


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
        self.clear()

    def clear(self) -> None:
        self._bids = _Extreme(1), _Extreme(-1)
        self._asks = _Extreme(1), _Extreme(-1)

    def moved(self, quotes: Iterable[Quote], now: Nanos, window: Nanos) -> Price:
        """How far apart the best quotes of a side are within the window, these included; the worse side
        counts, and what is exactly ``window`` old still does."""
        bid: Price | None = None
        ask: Price | None = None
        for quote in quotes:
            if quote.side is Side.BID:
                bid = quote.price if bid is None else max(bid, quote.price)
            else:
                ask = quote.price if ask is None else min(ask, quote.price)
        before = now - window
        by_bid = 0 if bid is None else _range(self._bids, bid, now, before)
        return max(by_bid, 0 if ask is None else _range(self._asks, ask, now, before))


def _range(extremes: tuple[_Extreme, _Extreme], price: Price, now: Nanos, before: Nanos) -> Price:
    highest, lowest = extremes
    return highest.add(now, price, before) - lowest.add(now, price, before)
