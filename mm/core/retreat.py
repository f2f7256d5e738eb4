"""Out of the market: every order is cancelled, now or as soon as it is known where it is."""

from __future__ import annotations

from collections.abc import Set

from mm.core.actions import AnyAction, CancelAll, Withhold
from mm.core.knowledge import Knowledge
from mm.core.order import OrderState
from mm.core.units import SECOND, Nanos
from mm.core.upkeep import RequestIds, due_action

ARRIVING = (OrderState.PENDING_NEW, OrderState.PENDING_AMEND)


class Retreat:
    """``hold_until``: no quote is placed before, because a cancel-all may still sweep it away. ``strangers``
    are orders of others that were seen resting in this account."""

    def __init__(self, know: Knowledge, ids: RequestIds, strangers: Set[str]) -> None:
        self.hold_until: Nanos = 0
        self._strangers = strangers
        self._know = know
        self._ids = ids
        self._cancel_all_request = 0

    def cancel_everything(self, now: Nanos, reason: str) -> list[AnyAction]:
        """Every order, now; those still on their way as soon as they are known. Many at once go by a
        cancel-all, whose sweep may take what is placed in the next minute: so nothing is placed then. Where
        others have orders that would take theirs, too, each of ours goes alone."""
        orders = self._know.orders
        actions: list[AnyAction] = []
        if any(order.state in ARRIVING for order in orders):
            actions.append(Withhold(reason))
        many = len(orders) > self._know.settings.cancel_all_over and not self._strangers
        if many and not self._cancel_all_request:
            self._cancel_all_request = self._ids.next()
            actions.append(CancelAll(self._cancel_all_request, reason))
            self.hold_until = now + self._know.settings.cancel_all_hold
        for order in list(orders):
            orders.want_cancel(order, reason)
            if many:
                order.retry_at = max(order.retry_at, now + SECOND)
                continue
            action = due_action(order, orders, self._ids, now)
            if action is not None:
                actions.append(action)
        return actions

    def cancel_desk(self, now: Nanos, desk: str, reason: str) -> list[AnyAction]:
        """Every order of one desk, one by one: a cancel-all would take those of the others too."""
        actions: list[AnyAction] = []
        orders = self._know.orders
        for order in [order for order in orders if order.desk == desk]:
            orders.want_cancel(order, reason)
            action = due_action(order, orders, self._ids, now)
            if action is not None:
                actions.append(action)
        return actions

    def answered(self, request_id: int, now: Nanos) -> None:
        """A cancel-all was accepted, or failed: the next one may be sent. Its sweep began at the latest now,
        for all that is known of one that failed."""
        if request_id and request_id == self._cancel_all_request:
            self._cancel_all_request = 0
            self.hold_until = now + self._know.settings.cancel_all_hold
