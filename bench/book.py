"""A change of the order book and the best prices after it: ours against two dicts and `max`."""

from __future__ import annotations

from bench.market import Ladder, deltas, ladder
from bench.measure import Case, Row, Spent, compare
from mm.core.book import OrderBook
from mm.core.events import BookDelta
from mm.core.units import Side

CHANGES = 5_000
DEPTHS = (10, 49, 450)  # levels a side: a usual book; every cent; every tenth of a cent


def _ours(start: Ladder, changes: list[BookDelta]) -> Case:
    def case(spent: Spent) -> None:
        book = OrderBook()
        book.load(start.bids, start.asks)
        with spent.on(len(changes)):
            for delta in changes:
                book.apply(delta.side, delta.price, delta.change)
                book.best_bid()
                book.best_ask()

    return case


def _naive(start: Ladder, changes: list[BookDelta]) -> Case:
    """What one writes first: a dict a side, searched for its best price. It checks nothing."""

    def case(spent: Spent) -> None:
        bids, asks = dict(start.bids), dict(start.asks)
        with spent.on(len(changes)):
            for delta in changes:
                side = bids if delta.side is Side.BID else asks
                size = side.get(delta.price, 0) + delta.change
                if size:
                    side[delta.price] = size
                else:
                    del side[delta.price]
                max(bids, default=None)
                min(asks, default=None)

    return case


def measure() -> list[Row]:
    """Rows for each depth; the base is the naive book of that depth."""
    rows: list[Row] = []
    for depth in DEPTHS:
        start = ladder(depth)
        changes = deltas(start, CHANGES)
        naive, ours = f"dict and max, {depth} levels", f"OrderBook, {depth} levels"
        rows += compare("book", {naive: _naive(start, changes), ours: _ours(start, changes)}, naive)
    return rows
