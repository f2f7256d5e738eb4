"""Which markets' P&L is worth a line now: those where it moved since it was told last."""

from __future__ import annotations

import heapq
from typing import Final, NamedTuple

from mm.core.picture import DeskPicture, MarketPicture
from mm.core.units import Count, Money

MARKETS_AT_ONCE: Final = 100


class _Told(NamedTuple):
    position: Count
    realized: Money
    unrealized: Money
    fees: Money

    @property
    def total(self) -> Money:
        return self.realized + self.unrealized - self.fees


NOTHING: Final = _Told(0, 0, 0, 0)


class Snapshots:
    """At most `MARKETS_AT_ONCE` a desk, those that moved most first; the others' turn comes later, because
    what was not told still counts as moved."""

    def __init__(self) -> None:
        self._told: dict[str, dict[str, _Told]] = {}

    def moved(self, desk: DeskPicture) -> list[MarketPicture]:
        """The markets to tell now; they count as told."""
        told = self._told.setdefault(desk.name, {})
        moves: list[tuple[Money, int]] = []
        for number, market in enumerate(desk.markets):
            before, after = told.get(market.ticker, NOTHING), _figures(market)
            if after != before:
                moves.append((abs(after.total - before.total), number))
        chosen = sorted(number for _, number in heapq.nlargest(MARKETS_AT_ONCE, moves))
        for number in chosen:
            told[desk.markets[number].ticker] = _figures(desk.markets[number])
        if len(told) > len(desk.markets):  # some are over
            self._told[desk.name] = {m.ticker: told[m.ticker] for m in desk.markets if m.ticker in told}
        return [desk.markets[number] for number in chosen]


def _figures(market: MarketPicture) -> _Told:
    return _Told(market.position, market.realized, market.unrealized, market.fees)
