"""A made-up market for the benches: one ladder and a seeded stream of changes to it, that never crosses."""

from __future__ import annotations

from random import Random

import msgspec

from mm.core.events import BookDelta, Levels
from mm.core.units import CONTRACT, DOLLAR, Nanos, Side

TICKER = "KXBENCH-26NOV21-T50"
NEAR_THE_TOUCH = 0.3  # chance, level by level from the best, that a change stops there
WHOLE_LEVEL = 0.3  # chance that a change empties its level


class Ladder(msgspec.Struct, frozen=True):
    """Levels of both sides, best first, around 0.50."""

    bids: Levels
    asks: Levels


def ladder(levels: int) -> Ladder:
    """``levels`` on each side, evenly over the whole range of prices."""
    step = DOLLAR // 2 // (levels + 1)
    middle, size = DOLLAR // 2, 100 * CONTRACT
    bids = tuple((middle - number * step, size) for number in range(1, levels + 1))
    return Ladder(bids, tuple((DOLLAR - price, size) for price, _ in bids))


def deltas(start: Ladder, number: int, seed: int = 1, ts: Nanos = 0) -> list[BookDelta]:
    """Changes as a busy book has them: most near the best price, levels that empty and come back."""
    random = Random(seed)
    sizes = {side: dict(levels) for side, levels in ((Side.BID, start.bids), (Side.ASK, start.asks))}
    prices = {Side.BID: [price for price, _ in start.bids], Side.ASK: [price for price, _ in start.asks]}
    made = []
    for _ in range(number):
        side = random.choice((Side.BID, Side.ASK))
        price = prices[side][_distance(random, len(prices[side]))]
        there = sizes[side].get(price, 0)
        change = -there if there and random.random() < WHOLE_LEVEL else random.randint(1, 50) * CONTRACT
        sizes[side][price] = there + change
        made.append(BookDelta(ts, TICKER, side, price, change))
    return made


def _distance(random: Random, levels: int) -> int:
    distance = 0
    while random.random() > NEAR_THE_TOUCH:
        distance += 1
    return distance % levels
