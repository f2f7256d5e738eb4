"""Which rows have become history: old ones leave the live paths for ``/historical`` (protocol section 8)."""

from __future__ import annotations

from dataclasses import dataclass

from mm.sim.face_switches import Ages
from mm.sim.words import Filled, Market, Order, Position, Traded


@dataclass(frozen=True, slots=True)
class Cutoff:
    """Times (ns) before which a row is history: a market by its settlement, a trade or fill by its time, an
    order by its end, a settled position by its last change."""

    markets: int
    trades: int
    orders: int
    positions: int

    @staticmethod
    def at(now: int, ages: Ages) -> Cutoff:
        """The cutoff at ``now`` (ns)."""
        before = (max(now - age, 0) for age in (ages.markets, ages.trades, ages.orders, ages.positions))
        return Cutoff(*before)

    def has_market(self, market: Market) -> bool:
        return market.status == "finalized" and market.settled_ns < self.markets

    def has_trade(self, trade: Traded | Filled) -> bool:
        return trade.now < self.trades

    def has_order(self, order: Order) -> bool:
        return order.status != "resting" and order.updated_ns < self.orders

    def has_position(self, position: Position, *, is_settled: bool) -> bool:
        return is_settled and position.updated_ns < self.positions
