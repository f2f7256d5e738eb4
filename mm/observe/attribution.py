"""Where the money came from: P&L = spread capture + inventory - fees, exactly.

The identity and the names: design/quoting.md, "Honest evaluation". Mids are half-way between two prices, so
they are kept doubled and all sums are exact, in half `Money`.
"""

from __future__ import annotations

from mm.core.units import Count, Price, Side


class Attribution:
    """One market. Before any mid is known, a fill is taken to have happened at the mid; while the book has
    only one side, the last mid stands."""

    def __init__(self) -> None:
        self.position: Count = 0
        self.doubled_mid: int | None = None
        self.doubled_capture = 0
        self.doubled_inventory = 0

    def adopt(self, position: Count) -> None:
        """The position is this, for a reason that is no trade of this run: it starts at today's mid."""
        self.position = position

    def mark(self, doubled_mid: int) -> None:
        """The mid moved; twice the mid in `Price`. A settlement value is marked like a mid."""
        if self.doubled_mid is not None:
            self.doubled_inventory += self.position * (doubled_mid - self.doubled_mid)
        self.doubled_mid = doubled_mid

    def fill(self, side: Side, price: Price, count: Count) -> None:
        if self.doubled_mid is None:
            self.doubled_mid = 2 * price
        self.doubled_capture += side.sign * count * (self.doubled_mid - 2 * price)
        self.position += side.sign * count

    def doubled_inventory_at(self, mark: Price | None) -> int:
        """Twice what holding has earned, with the open position valued at ``mark`` instead of the last mid
        (None: at that mid). The books value positions at a mark of their own, and so must a part of them."""
        if mark is None or self.doubled_mid is None:
            return self.doubled_inventory
        return self.doubled_inventory + self.position * (2 * mark - self.doubled_mid)
