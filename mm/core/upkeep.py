"""Keeps every order moving towards a known end: cancels what is to go, asks about what is in doubt.

A cancel may be repeated, because repeating it cannot do harm; nothing else is ever sent twice.
"""

from __future__ import annotations

from mm.core.actions import AnyAction, CancelOrder, QueryOrder
from mm.core.events import OrderReport, OrderStatus, RequestKind
from mm.core.order import Order, OrderState
from mm.core.orders import Orders
from mm.core.settings import EngineSettings
from mm.core.units import Nanos


class RequestIds:
    """Numbers of requests, unique in a run; 0 is none."""

    def __init__(self) -> None:
        self.last = 0

    def next(self) -> int:
        self.last += 1
        return self.last


def due_action(order: Order, orders: Orders, ids: RequestIds, now: Nanos) -> AnyAction | None:
    """The next request about this order that upkeep needs, marked as sent; ``None`` if nothing is due."""
    if order.request_id or order.retry_at > now:
        return None
    if order.state is OrderState.RESTING and order.cancel_wanted:
        return cancel(order, orders, ids, order.cancel_wanted)
    if order.state is not OrderState.IN_DOUBT:
        return None
    if order.order_id and not order.is_gone and order.doubt is not RequestKind.PLACE:
        return cancel(order, orders, ids, order.cancel_wanted or "outcome unknown")
    orders.querying(order, ids.next())
    return QueryOrder(
        order.request_id, order.client_order_id, order.order_id, order.ticker, sent_at=order.placed_at
    )


def cancel(order: Order, orders: Orders, ids: RequestIds, reason: str) -> CancelOrder:
    orders.canceling(order, ids.next(), reason)
    return CancelOrder(order.request_id, order.client_order_id, order.order_id, order.ticker, reason)


def is_proof_of_absence(order: Order, report: OrderReport, settings: EngineSettings) -> bool:
    """A complete read, later than the exchange would still have accepted the request, does not show it."""
    return (
        report.status is OrderStatus.ABSENT
        and order.doubt is RequestKind.PLACE
        and not order.filled
        and not order.order_id
        and report.as_of >= order.left_by + settings.absence_proof
    )
