"""One market's order book on the YES leg: levels, best prices, and how much of each level is ours."""

from __future__ import annotations

from bisect import bisect_left, insort

from mm.core.events import Levels
from mm.core.units import DOLLAR, SIDES, Count, Price, Side

# Looked up once: the name of an Enum's member is slow to look up, and here it is with every delta.
_BID, _ASK = SIDES


class BookSide:
    """Levels of one side. ``keys`` is sorted so that the best level is last, whichever the side: reading
    the best is one index, and a new or emptied level moves only what is better than it."""

    __slots__ = ("_asked", "_told", "keys", "own", "sign", "sizes")

    def __init__(self, side: Side) -> None:
        self.sign = side.sign
        self.sizes: dict[Price, Count] = {}
        self.own: dict[Price, Count] = {}
        self.keys: list[int] = []
        # The last question to `levels` and its answer: mostly only one side has changed since the last Tick.
        # Whatever changes this side takes the question back.
        self._asked: tuple[int, dict[Price, Count]] | None = None
        self._told: Levels = ()

    def load(self, levels: Levels) -> None:
        self._asked = None
        self.sizes = {price: count for price, count in levels if count > 0}
        self.own = {}
        self.keys = sorted(self.sign * price for price in self.sizes)

    def change(self, price: Price, change: Count) -> bool:
        """Apply a signed change; ``False`` if it is impossible (the level would be negative)."""
        self._asked = None
        sizes = self.sizes
        before = sizes.get(price, 0)
        after = before + change
        if after > 0:
            if not before:
                insort(self.keys, self.sign * price)
            sizes[price] = after
            return True
        if after < 0:
            return False
        if before:
            del sizes[price]
            self.own.pop(price, None)
            del self.keys[bisect_left(self.keys, self.sign * price)]
        return True

    def change_own(self, price: Price, change: Count) -> None:
        """Of what stands at ``price``, ours changed by ``change``."""
        self._asked = None
        own = min(self.own.get(price, 0) + change, self.sizes.get(price, 0))
        if own > 0:
            self.own[price] = own
        else:
            self.own.pop(price, None)

    def best(self) -> Price | None:
        return abs(self.keys[-1]) if self.keys else None

    def levels(self, depth: int, resting: dict[Price, Count]) -> Levels:
        """The best ``depth`` levels, best first, without our own orders.

        Ours is the larger of what the feed attributed to us and what the order table says rests
        (``resting``, which nobody changes afterwards): either may be ahead of the other, and quoting against
        our own ghost is worse than overlooking a level for a moment.
        """
        if self._asked != (depth, resting):
            self._asked, self._told = (depth, resting), self._others(depth, resting)
        return self._told

    def _others(self, depth: int, resting: dict[Price, Count]) -> Levels:
        found: list[tuple[Price, Count]] = []
        sizes, own = self.sizes, self.own
        for key in reversed(self.keys):
            price = abs(key)
            others = sizes[price]
            if price in own or price in resting:
                others -= max(own.get(price, 0), resting.get(price, 0))
            if others > 0:
                found.append((price, others))
                if len(found) == depth:
                    break
        return tuple(found)


class OrderBook:
    """``in_sync`` is False until a snapshot arrives and after anything impossible: then nothing in here may
    be used for a price."""

    __slots__ = ("asks", "bids", "in_sync")

    def __init__(self) -> None:
        self.bids = BookSide(_BID)
        self.asks = BookSide(_ASK)
        self.in_sync = False

    def side(self, side: Side) -> BookSide:
        return self.bids if side is _BID else self.asks

    def load(self, bids: Levels, asks: Levels) -> bool:
        """Replace everything by a snapshot; ``False`` (and not in sync) if it is absurd."""
        self.bids.load(bids)
        self.asks.load(asks)
        self.in_sync = all(
            0 < price < DOLLAR and count >= 0 for levels in (bids, asks) for price, count in levels
        )
        return self.in_sync

    def apply(self, side: Side, price: Price, change: Count, is_own: bool = False) -> bool:
        """Apply one delta; ``False`` if the book is (now) out of sync and needs a snapshot."""
        if not self.in_sync:
            return False
        book_side = self.bids if side is _BID else self.asks
        if not 0 < price < DOLLAR or not book_side.change(price, change):
            self.in_sync = False
            return False
        if is_own:
            book_side.change_own(price, change)
        return True

    def lose(self) -> None:
        """Messages were lost: unknown until the next snapshot."""
        self.in_sync = False

    def has_best(self, bid: Price | None, ask: Price | None) -> bool:
        """Whether these are its best prices; ``None`` is an empty side."""
        return self.bids.best() == bid and self.asks.best() == ask

    def best_bid(self) -> tuple[Price, Count] | None:
        price = self.bids.best()
        return None if price is None else (price, self.bids.sizes[price])

    def best_ask(self) -> tuple[Price, Count] | None:
        price = self.asks.best()
        return None if price is None else (price, self.asks.sizes[price])
