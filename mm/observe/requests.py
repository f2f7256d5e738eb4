"""Our requests as an observer must remember them: an answer names only our id, the files name the market."""

from __future__ import annotations

from collections.abc import Set
from typing import TypeAlias

import msgspec

from mm.core.actions import AmendOrder, CancelAll, CancelOrder, PlaceOrder
from mm.core.events import (
    AccountReport,
    AmendReject,
    ApiError,
    CancelReject,
    Fill,
    OrderInDoubt,
    OrderReject,
)
from mm.core.units import Count, Price, Side

REMEMBERED = 20_000
NOT_FOUND = "not_found"
REFUSED_HERE = "gate_closed"

Trouble: TypeAlias = ApiError | OrderInDoubt | OrderReject | AmendReject | CancelReject
Changing: TypeAlias = PlaceOrder | AmendOrder


class Sent(msgspec.Struct):
    """The last wish for one order. ``side`` None: the order was not placed by this run. ``cancel_reason``:
    why we asked for its end, if we did."""

    desk: str
    ticker: str
    side: Side | None
    price: Price
    count: Count
    order_id: str = ""
    is_canceled: bool = False
    cancel_reason: str = ""


class SentOrders:
    """By client order id; the oldest are forgotten above `REMEMBERED`."""

    def __init__(self) -> None:
        self._orders: dict[str, Sent] = {}

    def change(self, action: Changing, desk: str) -> Count:
        """Remember a place or an amend; by how much it raises the contracts asked for (>= 0)."""
        known = self._orders.get(action.client_order_id)
        fresh = Sent(desk, action.ticker, action.side, action.price, action.count)
        if known is not None:
            fresh.order_id = known.order_id
            fresh.is_canceled = known.is_canceled
        self._orders[action.client_order_id] = fresh
        self._trim()
        return max(0, action.count - (known.count if known is not None else 0))

    def touch(self, action: CancelOrder, desk: str) -> Sent:
        """A cancel may be the first that this run hears of an order."""
        order = self._orders.get(action.client_order_id)
        if order is None:
            order = Sent(desk, action.ticker, None, 0, 0, action.order_id)
            self._orders[action.client_order_id] = order
            self._trim()
        order.cancel_reason = action.reason
        return order

    def touch_all(self, action: CancelAll) -> None:
        """Everything is to end, also what was already asked to for another reason."""
        for order in self._orders.values():
            order.cancel_reason = order.cancel_reason or action.reason

    def why_canceled(self, client_order_id: str) -> str:
        """Why we asked for its end; empty if we did not."""
        order = self._orders.get(client_order_id)
        return "" if order is None else order.cancel_reason

    def get(self, client_order_id: str) -> Sent | None:
        return self._orders.get(client_order_id)

    def cancel(self, client_order_id: str, desk: str, ticker: str) -> bool:
        """True for the first word that the order is cancelled; the exchange says it on two channels."""
        order = self._orders.setdefault(client_order_id, Sent(desk, ticker, None, 0, 0))
        was_canceled, order.is_canceled = order.is_canceled, True
        self._trim()
        return not was_canceled

    def _trim(self) -> None:
        if len(self._orders) > REMEMBERED:
            del self._orders[next(iter(self._orders))]


class NewFills:
    """Each fill once, by order and trade id, from both channels. What the first account report tells
    happened before this run knew anything: it is remembered, and reported only if ``tells_first``. ``told``
    are those that a former run has reported."""

    def __init__(self, told: Set[tuple[str, str]] = frozenset(), *, tells_first: bool = False) -> None:
        self._seen: dict[tuple[str, str], None] = {}
        self._told = told
        self._tells_first = tells_first
        self._has_report = False

    def of(self, event: Fill | AccountReport) -> list[Fill]:
        if isinstance(event, Fill):
            return [event] if self._is_new(event) else []
        fresh = [fill for fill in event.fills if self._is_new(fill)]
        was_first, self._has_report = not self._has_report, True
        return [] if was_first and not self._tells_first else fresh

    def _is_new(self, fill: Fill) -> bool:
        key = (fill.order_id, fill.trade_id)
        if key in self._seen or key in self._told:
            return False
        self._seen[key] = None
        if len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return True


def is_api_error(event: Trouble) -> bool:
    """Did the interface fail, as opposed to a refusal of this one order by the exchange's rules? Always
    for a lost read and an unknown outcome; for a refusal if nothing was sent, the key was not accepted,
    the rate limit hit, or the exchange failed."""
    if isinstance(event, ApiError | OrderInDoubt):
        return True
    if event.code in (NOT_FOUND, REFUSED_HERE):
        return False
    return event.status in (0, 401, 403, 429) or event.status >= 500


def trouble_words(event: Trouble) -> tuple[str, int, str, str]:
    """Kind of the request, HTTP status, code and message."""
    if isinstance(event, OrderInDoubt):
        return event.kind.value, event.status, "in_doubt", event.reason
    if isinstance(event, ApiError):
        return event.kind.value, event.status, event.code, event.message
    return KINDS[type(event)], event.status, event.code, event.message


KINDS: dict[type, str] = {OrderReject: "place", AmendReject: "amend", CancelReject: "cancel"}
