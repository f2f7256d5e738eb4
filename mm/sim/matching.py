"""One market's book: queues of interests in price-time priority. It knows no accounts' rules and no fees."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING

from mm.sim.words import BookSide, Order

if TYPE_CHECKING:
    from mm.sim.ledger import Account


class Interest:
    """Somebody's sized entry at a price. ``order`` is ``None`` for the crowd, whose entries are anonymous.

    An interest whose ``remaining`` is 0 is in no queue any more."""

    __slots__ = ("account", "order", "price", "remaining", "side")

    def __init__(self, account: Account, side: BookSide, price: int, count: int, order: Order | None = None):
        self.account = account
        self.side: BookSide = side
        self.price = price
        self.remaining = count
        self.order = order


class Level:
    """All interests at one price, oldest first; ``size`` is the sum of what remains of them."""

    __slots__ = ("queue", "size")

    def __init__(self) -> None:
        self.queue: dict[Interest, None] = {}  # a dict keeps the order of arrival and removes in one step
        self.size = 0


class HalfBook:
    """One side: levels by price, and the prices sorted so that the best is always the last key."""

    __slots__ = ("keys", "levels", "sign")

    def __init__(self, sign: int) -> None:
        self.sign = sign  # +1 for bids, -1 for asks: key = sign * price grows towards the better price
        self.keys: list[int] = []
        self.levels: dict[int, Level] = {}

    @property
    def best(self) -> int | None:
        """The best price, or ``None`` if the side is empty."""
        return self.sign * self.keys[-1] if self.keys else None

    @property
    def top(self) -> tuple[int, int] | None:
        """The best price and the size there, or ``None`` if the side is empty."""
        if not self.keys:
            return None
        price = self.sign * self.keys[-1]
        return price, self.levels[price].size

    def add(self, interest: Interest) -> None:
        """Queue up at the back of its price."""
        level = self.levels.get(interest.price)
        if level is None:
            level = self.levels[interest.price] = Level()
            insort(self.keys, self.sign * interest.price)
        level.queue[interest] = None
        level.size += interest.remaining

    def reduce(self, interest: Interest, by: int) -> None:
        """Take ``by`` off, in place; at 0 the interest leaves, and with the last one its level."""
        level = self.levels[interest.price]
        interest.remaining -= by
        level.size -= by
        if interest.remaining == 0:
            del level.queue[interest]
            if not level.queue:
                self._drop(interest.price)

    def grow(self, interest: Interest, by: int) -> None:
        """Add to an interest without losing its place: only right for one that is last in its queue."""
        interest.remaining += by
        self.levels[interest.price].size += by

    def front(self) -> Interest | None:
        """The first in line at the best price."""
        if not self.keys:
            return None
        return next(iter(self.levels[self.sign * self.keys[-1]].queue))

    def ahead_of(self, interest: Interest) -> int:
        """Count that stands before ``interest`` at its own price."""
        ahead = 0
        for other in self.levels[interest.price].queue:
            if other is interest:
                break
            ahead += other.remaining
        return ahead

    def volume_at_or_better(self, price: int) -> int:
        worst = bisect_left(self.keys, self.sign * price)
        return sum(self.levels[self.sign * key].size for key in self.keys[worst:])

    def sizes(self) -> list[tuple[int, int]]:
        """(price, size) of each level, best last."""
        return [(self.sign * key, self.levels[self.sign * key].size) for key in self.keys]

    def _drop(self, price: int) -> None:
        del self.levels[price]
        key = self.sign * price
        if self.keys[-1] == key:
            self.keys.pop()
        else:
            del self.keys[bisect_left(self.keys, key)]


class Book:
    """Both sides of one market, in YES prices."""

    __slots__ = ("asks", "bids", "sides")

    def __init__(self) -> None:
        self.bids = HalfBook(+1)
        self.asks = HalfBook(-1)
        self.sides: dict[BookSide, HalfBook] = {"bid": self.bids, "ask": self.asks}

    def opposite(self, side: BookSide) -> HalfBook:
        return self.asks if side == "bid" else self.bids

    def crossing(self, side: BookSide, price: int) -> Interest | None:
        """The resting interest that an order of ``side`` at ``price`` would trade with first."""
        half = self.opposite(side)
        if not half.keys:
            return None
        key = half.keys[-1]
        if key < half.sign * price:
            return None
        return next(iter(half.levels[half.sign * key].queue))

    def check(self) -> None:
        """Raises AssertionError if the book is crossed or a size is not the sum of its queue."""
        bid, ask = self.bids.best, self.asks.best
        assert bid is None or ask is None or bid < ask, f"crossed book: {bid} >= {ask}"
        for half in self.sides.values():
            assert half.keys == sorted(half.sign * price for price in half.levels)
            for price, level in half.levels.items():
                assert level.queue, f"empty level {price}"
                assert all(one.remaining > 0 and one.price == price for one in level.queue)
                assert level.size == sum(one.remaining for one in level.queue)
