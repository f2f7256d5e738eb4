"""The last check before an order leaves: a gate that only closes, and hard caps.

Independent of everything that decides (controls C01, C02, C11): what it refuses was never sent.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from mm.core.actions import AmendOrder, PlaceOrder
from mm.core.units import CONTRACT, DOLLAR, Count, Money, Price, Side


class HardCaps(msgspec.Struct, frozen=True):
    """Of one order: at most ``max_count``, and at most ``max_value`` that it can lose."""

    max_count: Count
    max_value: Money


def _never() -> str:
    return ""


class Guard:
    """Once closed, the gate stays closed for the life of the process. Cancels and queries always pass.

    ``kill_switch`` is asked before every order, also on the sending threads: why nothing may leave, empty if
    it may. ``caps`` may be set anew.
    """

    def __init__(self, caps: HardCaps, kill_switch: Callable[[], str] = _never) -> None:
        self.caps = caps
        self._kill_switch = kill_switch
        self._is_open = True

    @property
    def is_open(self) -> bool:
        return self._is_open

    def close(self) -> None:
        self._is_open = False

    def objection(self, order: PlaceOrder | AmendOrder) -> tuple[str, str] | None:
        """Code and reason why this order may not leave, ``None`` if it may."""
        if not self._is_open:
            return "gate_closed", "the gate is closed: no new orders and no amends"
        if reason := self._kill_switch():
            return "kill_switch", reason
        if not 0 < order.price < DOLLAR:
            return "hard_cap", "the price is not between 0 and 1 dollar"
        if not 0 < order.count <= self.caps.max_count:
            return "hard_cap", f"over {self.caps.max_count / CONTRACT:g} contracts, or none"
        if value_at_risk(order.side, order.price, order.count) > self.caps.max_value:
            return "hard_cap", "worth more than the cap"
        return None


def value_at_risk(side: Side, price: Price, count: Count) -> Money:
    """What the order can lose if it fills: the price of YES, or of NO for an ask (protocol section 11)."""
    return count * (price if side is Side.BID else DOLLAR - price)
