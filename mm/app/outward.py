"""The way out: requests to the gateway, snapshots to the feed, tokens counted; or, in a dry run, nowhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from mm.core.actions import AmendOrder, CancelAll, CancelOrder, PlaceOrder
from mm.core.events import (
    AccountReport,
    AmendReject,
    AnyEvent,
    CancelAllDone,
    CancelReject,
    OrderAck,
    OrderAmended,
    OrderCanceled,
    OrderReject,
    OrderReport,
    OrderStatus,
)
from mm.core.units import Nanos
from mm.kalshi.calls import RequestAction
from mm.kalshi.conversation import Cost
from mm.kalshi.limiter import Limiter

COSTS: Final[dict[type, Cost]] = {
    PlaceOrder: Cost.CREATE,
    AmendOrder: Cost.AMEND,
    CancelOrder: Cost.CANCEL,
    CancelAll: Cost.CANCEL_ALL,
}
TOO_MANY_REQUESTS: Final = 429


class Submits(Protocol):
    """The gateway, or what stands for it."""

    def submit(self, action: RequestAction) -> None: ...


class Resubscribes(Protocol):
    def resubscribe(self, ticker: str) -> None: ...


class Outward:
    """Counts what leaves against the limiter; the limiter was asked before it was decided."""

    def __init__(
        self, gateway: Submits, feed: Resubscribes, limiter: Limiter, clock: Callable[[], Nanos]
    ) -> None:
        self._gateway = gateway
        self._feed = feed
        self._limiter = limiter
        self._clock = clock

    def submit(self, action: RequestAction) -> None:
        cost = COSTS.get(type(action))
        if cost is not None:
            self._limiter.spend(cost, self._clock())
        self._gateway.submit(action)

    def resubscribe(self, ticker: str) -> None:
        self._feed.resubscribe(ticker)

    def heard(self, event: AnyEvent) -> None:
        """A 429 says that we counted wrongly: the bucket is empty."""
        if isinstance(event, OrderReject | AmendReject | CancelReject) and event.status == TOO_MANY_REQUESTS:
            self._limiter.penalize(event.ts)


class DryRun:
    """Stands before the gateway and lets only reads through: every order seems to rest and never fills."""

    def __init__(
        self, gateway: Submits, emit: Callable[[AnyEvent], None], clock: Callable[[], Nanos]
    ) -> None:
        self._gateway = gateway
        self._emit = emit
        self._clock = clock
        self._resting: dict[str, OrderReport] = {}

    def submit(self, action: RequestAction) -> None:
        now = self._clock()
        if isinstance(action, PlaceOrder | AmendOrder):
            self._emit(self._rest(action, now))
        elif isinstance(action, CancelOrder):
            gone = self._resting.pop(action.client_order_id)
            self._emit(
                OrderCanceled(now, action.request_id, action.client_order_id, gone.order_id, gone.remaining)
            )
        elif isinstance(action, CancelAll):
            self._resting.clear()
            self._emit(CancelAllDone(now, action.request_id))
        else:
            self._gateway.submit(action)

    def _rest(self, action: PlaceOrder | AmendOrder, now: Nanos) -> AnyEvent:
        order_id = f"dry-{action.client_order_id}"
        self._resting[action.client_order_id] = OrderReport(
            now,
            0,
            action.client_order_id,
            order_id,
            action.ticker,
            action.side,
            OrderStatus.RESTING,
            action.price,
            filled=0,
            remaining=action.count,
        )
        if isinstance(action, PlaceOrder):
            return OrderAck(now, action.request_id, action.client_order_id, order_id, 0, action.count)
        return OrderAmended(
            now, action.request_id, action.client_order_id, order_id, action.price, 0, action.count
        )

    def heard(self, event: AnyEvent) -> AnyEvent:
        """What the exchange reads back, with the orders that only seem to rest."""
        if isinstance(event, AccountReport):
            return event.__class__(
                event.ts,
                event.request_id,
                event.as_of,
                event.cash,
                event.positions,
                (*event.resting, *self._resting.values()),
                event.fills,
                event.fills_from,
            )
        return event
