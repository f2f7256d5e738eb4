"""A witness at the venue: what must hold for one account at every instant, judged by the venue's own books.

It sees only what the venue announces, so that the bot's own bookkeeping cannot excuse the bot.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mm.sim.venue import Venue
from mm.sim.words import BookSide, Filled, Order, OrderChanged


@dataclass(slots=True)
class _Book:
    """One market of the account: signed position and what rests on each side."""

    position: int = 0
    resting: dict[BookSide, int] = field(default_factory=lambda: {"bid": 0, "ask": 0})


class Witness:
    """``max_position``: the limit (1/100 contract) on position plus everything resting, each side.

    ``breaches`` are sentences; none is what one hopes for. ``orders`` and ``fills`` say how much was seen.
    """

    def __init__(self, venue: Venue, user_id: str, max_position: int) -> None:
        self.breaches: list[str] = []
        self.orders = 0
        self.fills = 0
        self.largest_reach = 0
        self._user_id = user_id
        self._max_position = max_position
        self._books: dict[str, _Book] = {}
        self._open: dict[str, int] = {}
        self._ended: set[str] = set()
        self._client_ids: set[str] = set()
        self._trades: dict[str, str] = {}
        venue.listeners.add(self._order_changed, OrderChanged)
        venue.listeners.add(self._filled, Filled)

    def _order_changed(self, what: OrderChanged) -> None:
        order = what.order
        if order.user_id != self._user_id:
            return
        if order.order_id not in self._open and order.order_id not in self._ended:
            self.orders += 1
            self._open[order.order_id] = 0
            client_id = order.request.client_order_id
            if client_id in self._client_ids:
                self._breach(what.now, f"client order id {client_id} was accepted twice")
            self._client_ids.add(client_id)
        if order.order_id in self._ended:
            self._breach(what.now, f"order {order.order_id} changed after its end")
            return
        book = self._books.setdefault(order.ticker, _Book())
        remaining = order.remaining if order.status == "resting" else 0
        book.resting[order.side] += remaining - self._open[order.order_id]
        self._open[order.order_id] = remaining
        if order.status != "resting":
            del self._open[order.order_id]
            self._ended.add(order.order_id)
        self._judge(what.now, order, book)

    def _filled(self, what: Filled) -> None:
        if what.order.user_id != self._user_id:
            return
        self.fills += 1
        book = self._books.setdefault(what.order.ticker, _Book())
        book.position = what.post_position
        if self._trades.setdefault(what.trade_id, what.order.order_id) != what.order.order_id:
            self._breach(what.now, f"trade {what.trade_id} was a trade with ourselves")

    def _judge(self, now: int, order: Order, book: _Book) -> None:
        reach = max(book.position + book.resting["bid"], -book.position + book.resting["ask"])
        self.largest_reach = max(self.largest_reach, reach)
        if reach > self._max_position:
            self._breach(now, f"{order.ticker}: {reach} could be held, {self._max_position} is the limit")

    def _breach(self, now: int, text: str) -> None:
        self.breaches.append(f"{now}: {text}")
