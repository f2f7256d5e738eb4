"""All our orders that are, or may be, open: found by either id and by market, marked when requests leave,
changed when answers and fills arrive."""

from __future__ import annotations

from collections.abc import Iterator

from mm.core.events import AmendReject, ApiError, CancelReject, Fill, OrderReport, OrderStatus, RequestKind
from mm.core.order import TRANSITIONS, Answer, Order, OrderState, fall_in_doubt, finish, found_resting
from mm.core.units import Count, Nanos, Price, Side

REMEMBERED_ORDERS = 20_000


class Orders:
    """All orders that are, or may be, open. Finds them by either id and by market."""

    def __init__(self) -> None:
        self.by_client_id: dict[str, Order] = {}
        self._by_order_id: dict[str, Order] = {}
        self._by_ticker: dict[str, dict[str, Order]] = {}
        # By market, until one of its orders is another one: asked for with every look at a market.
        self._resting: dict[str, tuple[dict[Price, Count], dict[Price, Count]]] = {}
        self.ended: dict[str, Nanos] = {}
        self._unclaimed: dict[str, Count] = {}
        self._in_care: dict[str, Order] = {}
        # Since somebody last emptied them: orders that are, or were, other ones, and their markets.
        self.changed: dict[str, None] = {}
        self.moved: dict[str, None] = {}
        self.removed = 0

    def __len__(self) -> int:
        return len(self.by_client_id)

    def __iter__(self) -> Iterator[Order]:
        return iter(self.by_client_id.values())

    def of_market(self, ticker: str) -> list[Order]:
        return list(self._by_ticker.get(ticker, {}).values())

    def resting(self, ticker: str) -> tuple[dict[Price, Count], dict[Price, Count]]:
        """What of a market is in the book, as far as is known: price -> contracts, of bids and of asks.
        Not to be changed."""
        found = self._resting.get(ticker)
        if found is None:
            found = self._resting[ticker] = self._found_resting(ticker)
        return found

    def _found_resting(self, ticker: str) -> tuple[dict[Price, Count], dict[Price, Count]]:
        bids: dict[Price, Count] = {}
        asks: dict[Price, Count] = {}
        for order in self._by_ticker.get(ticker, {}).values():
            if order.state not in (OrderState.PENDING_NEW, OrderState.CLOSING):
                side = bids if order.side is Side.BID else asks
                side[order.price] = side.get(order.price, 0) + order.count - order.filled
        return bids, asks

    def find(self, client_order_id: str, order_id: str = "") -> Order | None:
        return self.by_client_id.get(client_order_id) or self._by_order_id.get(order_id)

    def in_care(self) -> list[Order]:
        """Those about which something is to be done, or waited for: to be cancelled, in doubt, ending."""
        return list(self._in_care.values())

    def want_cancel(self, order: Order, reason: str) -> None:
        """It is to go as soon as that can be asked for; the first reason stays."""
        order.cancel_wanted = order.cancel_wanted or reason
        self._watch(order)

    def add(self, order: Order) -> None:
        assert order.client_order_id not in self.by_client_id, "a client order id is used once"
        self.by_client_id[order.client_order_id] = order
        self._by_ticker.setdefault(order.ticker, {})[order.client_order_id] = order
        if order.order_id:
            self._by_order_id[order.order_id] = order
        self._watch(order)
        self._is_changed(order)

    def forget_market(self, ticker: str) -> None:
        """No order of it is left, and none will come."""
        assert not self._by_ticker.pop(ticker, None), f"an order of {ticker} is left"
        self.moved.pop(ticker, None)
        self._resting.pop(ticker, None)

    def _is_changed(self, order: Order) -> None:
        self.changed[order.client_order_id] = self.moved[order.ticker] = None
        self._resting.pop(order.ticker, None)

    def _is_removed(self, order: Order) -> None:
        self.changed.pop(order.client_order_id, None)
        self.moved[order.ticker] = None
        self._resting.pop(order.ticker, None)
        self.removed += 1

    # -- requests leave ------------------------------------------------------------------------------------
    def amending(self, order: Order, price: Price, count: Count, request_id: int) -> None:
        assert order.is_idle, "one request an order at a time"
        order.state, order.request_id = OrderState.PENDING_AMEND, request_id
        order.next_price, order.next_count = price, count
        self._is_changed(order)

    def never_amended(self, order: Order) -> None:
        """Take `amending` back: the request was not sent."""
        order.state, order.request_id = OrderState.RESTING, 0
        order.next_price = order.next_count = 0
        self._is_changed(order)

    def never_placed(self, order: Order) -> None:
        """Take `add` back: the request was not sent."""
        del self.by_client_id[order.client_order_id]
        del self._by_ticker[order.ticker][order.client_order_id]
        self._is_removed(order)

    def canceling(self, order: Order, request_id: int, reason: str) -> None:
        assert order.order_id and order.state in (OrderState.RESTING, OrderState.IN_DOUBT)
        order.state, order.request_id = OrderState.PENDING_CANCEL, request_id
        order.cancel_wanted = reason
        self._watch(order)
        self._is_changed(order)

    def querying(self, order: Order, request_id: int) -> None:
        assert order.state is OrderState.IN_DOUBT
        order.request_id = request_id

    # -- answers arrive ------------------------------------------------------------------------------------
    def answer(self, event: Answer) -> Order | None:
        """Apply the answer to a request; ``None`` if it is not the one awaited (late, repeated, foreign)."""
        order = self._asked(event)
        if order is None or event.request_id != order.request_id or not order.request_id:
            return None
        order.request_id = 0
        transition = TRANSITIONS.get((order.state, type(event)))
        if transition is None:
            return None
        order.changed_at = event.ts
        transition(order, event)
        if order.state in (OrderState.RESTING, OrderState.CLOSING) and not isinstance(
            event, AmendReject | CancelReject
        ):
            order.retries = 0
        self._settle(order)
        return order

    def _asked(self, event: Answer) -> Order | None:
        if isinstance(event, ApiError):
            return next((order for order in self if order.request_id == event.request_id), None)
        return self.by_client_id.get(event.client_order_id)

    def notice(self, event: OrderReport) -> Order | None:
        """What the exchange says unasked (WebSocket). Only an end is believed in every state: anything else
        may be older than what we know."""
        order = self.find(event.client_order_id, event.order_id)
        if order is None:
            return None
        order.changed_at = event.ts
        if not order.order_id:
            order.order_id = event.order_id
        if event.status in (OrderStatus.EXECUTED, OrderStatus.CANCELED):
            finish(order, event.filled)
        elif order.doubt is RequestKind.PLACE:
            found_resting(order, event)
        self._settle(order)
        return order

    def absent(self, order: Order) -> None:
        """Proven: this order never came to be. Only its create can have been in doubt."""
        assert order.doubt is RequestKind.PLACE
        finish(order, order.filled)
        self._settle(order)

    def closed(self, order: Order) -> None:
        """Whatever fills of it were never seen are counted elsewhere: nothing more of it is awaited."""
        assert order.state is OrderState.CLOSING
        finish(order, order.filled)
        self._settle(order)

    def suspect(self, order: Order, now: Nanos) -> None:
        """A complete read did not show this order among those that rest: ask what became of it."""
        order.is_gone = True
        order.retry_at = now
        fall_in_doubt(order, RequestKind.CANCEL)
        self._watch(order)
        self._is_changed(order)

    def fill(self, event: Fill) -> Order | None:
        """Count a fill towards its order, if the order is known; else when it becomes known: a fill may name
        only the exchange's id, and come before the answer that tells us this id."""
        order = self.find(event.client_order_id, event.order_id)
        if order is None:
            self._unclaimed[event.order_id] = self._unclaimed.get(event.order_id, 0) + event.count
            _forget_oldest(self._unclaimed)
            return None
        if order.is_left_over:
            return order
        order.filled += event.count
        order.changed_at = event.ts
        if not order.order_id:
            order.order_id = event.order_id
        self._settle(order)
        return order

    def _settle(self, order: Order) -> None:
        """Index what became known; drop the order when nothing more of it can come."""
        if order.order_id and order.order_id not in self._by_order_id:
            self._by_order_id[order.order_id] = order
            order.filled += self._unclaimed.pop(order.order_id, 0)
        if order.final_filled is None:
            certain = not order.next_count and not order.size_unsure
            is_done = certain and order.filled >= order.count
        else:
            is_done = order.filled >= order.final_filled
        self._watch(order)
        if is_done:
            self._in_care.pop(order.client_order_id, None)
            self.by_client_id.pop(order.client_order_id, None)
            self._by_order_id.pop(order.order_id, None)
            self._by_ticker.get(order.ticker, {}).pop(order.client_order_id, None)
            self._remember_ended(order)
            self._is_removed(order)
        else:
            self._is_changed(order)

    def _watch(self, order: Order) -> None:
        if order.cancel_wanted or order.state in (OrderState.IN_DOUBT, OrderState.CLOSING):
            self._in_care[order.client_order_id] = order
        else:
            self._in_care.pop(order.client_order_id, None)

    def _remember_ended(self, order: Order) -> None:
        """Reads lag: one may still show an order as resting after we saw its end."""
        self.ended[order.client_order_id] = order.changed_at
        _forget_oldest(self.ended)


def _forget_oldest(remembered: dict[str, int]) -> None:
    if len(remembered) > REMEMBERED_ORDERS:
        del remembered[next(iter(remembered))]
