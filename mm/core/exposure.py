"""The worst that everything open could lead to: counts and money, per market, event and in all.

Counts every order in every state (on its way, resting, in doubt, ended but not all fills seen), because any
of them may still fill (controls C05 and C18).
"""

from __future__ import annotations

from mm.core.ledger import Ledger
from mm.core.order import Order
from mm.core.orders import Orders
from mm.core.units import DOLLAR, SIDES, Count, Money, Price, Side


class Exposure:
    """Cached per market; `touch` a market after its orders or its position changed."""

    def __init__(self, orders: Orders, ledger: Ledger) -> None:
        self._orders = orders
        self._ledger = ledger
        self._event_of: dict[str, str] = {}
        self._market: dict[str, Money] = {}
        self._event: dict[str, Money] = {}
        self.total: Money = 0

    def belongs(self, ticker: str, event_ticker: str) -> None:
        """Say which event a market is part of; may be told late, or anew."""
        amount = self._market.get(ticker, 0)
        self._add(self._event_of.get(ticker, ticker), -amount)
        self._event_of[ticker] = event_ticker
        self._add(event_ticker, amount)

    def _add(self, event: str, change: Money) -> None:
        """Events without exposure are not kept."""
        amount = self._event.pop(event, 0) + change
        if amount:
            self._event[event] = amount

    def touch(self, ticker: str) -> None:
        amount = self._worst_case(ticker)
        change = amount - self._market.get(ticker, 0)
        if change:
            event = self._event_of.get(ticker, ticker)
            self._market[ticker] = amount
            self._add(event, change)
            self.total += change

    def forget(self, ticker: str) -> None:
        """Nothing of this market is open any more, nor will be."""
        self.touch(ticker)
        assert not self._market.pop(ticker, 0), f"{ticker} is exposed"
        self._event_of.pop(ticker, None)

    def of_market(self, ticker: str) -> Money:
        return self._market.get(ticker, 0)

    def of_event(self, ticker: str) -> Money:
        """Of the event that ``ticker`` belongs to. Outcomes that exclude each other are not netted."""
        return self._event.get(self._event_of.get(ticker, ticker), 0)

    def open_count(self, ticker: str, side: Side) -> Count:
        return sum(order.open for order in self._orders.of_market(ticker) if order.side is side)

    def reach(self, ticker: str, side: Side) -> Count:
        """How far the position would go in this direction if all of this side filled (signed by side)."""
        return side.sign * self._ledger.position(ticker).count + self.open_count(ticker, side)

    def _worst_case(self, ticker: str) -> Money:
        orders = self._orders.of_market(ticker)
        sides = [self._side_cost(ticker, side, [o for o in orders if o.side is side]) for side in SIDES]
        return self._ledger.position(ticker).value_at_risk + max(sides)

    def _side_cost(self, ticker: str, side: Side, orders: list[Order]) -> Money:
        """What this side could open, the most expensive first: what only closes a position costs nothing."""
        closes = max(-side.sign * self._ledger.position(ticker).count, 0)
        opens = sum(order.open for order in orders) - closes
        if opens <= 0:
            return 0
        cost = 0
        for at_risk, count in sorted(((_at_risk(order), order.open) for order in orders), reverse=True):
            taken = min(count, max(opens, 0))
            cost += at_risk * taken
            opens -= taken
        return cost


def _at_risk(order: Order) -> Price:
    """What one contract of this order can lose."""
    return order.worst_price if order.side is Side.BID else DOLLAR - order.worst_price
