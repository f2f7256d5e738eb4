"""The way out: requests to the gateway, snapshots to the feed, tokens counted; or, in a dry run, nowhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

import msgspec

from mm.core.actions import AmendOrder, CancelAll, CancelOrder, PlaceOrder
from mm.core.events import (
    AccountReport,
    AmendReject,
    AnyEvent,
    ApiError,
    CancelAllDone,
    CancelReject,
    OrderAck,
    OrderAmended,
    OrderCanceled,
    OrderReject,
    OrderReport,
    OrderStatus,
    RequestKind,
)
from mm.core.units import Nanos
from mm.kalshi.calls import RequestAction, refusal
from mm.kalshi.conversation import Cost
from mm.kalshi.gateway import TOO_MANY_REQUESTS
from mm.kalshi.limiter import Limiter

COSTS: Final[dict[type, Cost]] = {
    PlaceOrder: Cost.CREATE,
    AmendOrder: Cost.AMEND,
    CancelOrder: Cost.CANCEL,
    CancelAll: Cost.CANCEL_ALL,
}


class Submits(Protocol):
    """The gateway, or what stands for it."""

    def submit(self, action: RequestAction) -> None: ...

    def withhold(self) -> None: ...


class Resubscribes(Protocol):
    def resubscribe(self, ticker: str) -> None: ...

    def reconnect(self, reason: str) -> None: ...


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

    def reconnect(self, reason: str) -> None:
        self._feed.reconnect(reason)

    def withhold(self) -> None:
        self._gateway.withhold()

    def refuse(self, action: PlaceOrder | AmendOrder) -> AnyEvent:
        """The answer to an order that may not leave: it was not written down."""
        return refusal(action, self._clock(), 0, "no_journal", "the journal cannot be written")

    def heard(self, event: AnyEvent) -> None:
        """A 429 to a write says that we counted wrongly: the bucket is empty. Reads are the gateway's."""
        if isinstance(event, OrderReject | AmendReject | CancelReject | ApiError):
            is_write = not isinstance(event, ApiError) or event.kind is RequestKind.CANCEL_ALL
            if is_write and event.status == TOO_MANY_REQUESTS:
                self._limiter.penalize(event.ts)


class DryRun:
    """Stands before the gateway and lets only reads through: every order seems to rest and never fills.

    What really rests of a former run stays where it is, and seems to be gone once it was to be cancelled.
    """

    def __init__(
        self, gateway: Submits, emit: Callable[[AnyEvent], None], clock: Callable[[], Nanos]
    ) -> None:
        self._gateway = gateway
        self._emit = emit
        self._clock = clock
        self._resting: dict[str, OrderReport] = {}
        self._real: dict[str, OrderReport] = {}
        self._hidden: set[str] = set()

    def submit(self, action: RequestAction) -> None:
        now = self._clock()
        if isinstance(action, PlaceOrder | AmendOrder):
            self._emit(self._rest(action, now))
        elif isinstance(action, CancelOrder):
            self._emit(self._cancel(action, now))
        elif isinstance(action, CancelAll):
            self._resting.clear()
            self._hidden.update(self._real)
            self._emit(CancelAllDone(now, action.request_id))
        else:
            self._gateway.submit(action)

    def withhold(self) -> None:
        """Nothing waits here."""

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

    def _cancel(self, action: CancelOrder, now: Nanos) -> AnyEvent:
        """Of an order that seems to rest, or of one that really does and is left alone."""
        name = action.client_order_id
        gone = self._resting.pop(name, None) or self._real.get(name)
        if gone is None or name in self._hidden:
            return CancelReject(now, action.request_id, name, 404, "not_found")
        if name in self._real:
            self._hidden.add(name)
        return OrderCanceled(now, action.request_id, name, gone.order_id, gone.remaining)

    def heard(self, event: AnyEvent) -> AnyEvent:
        """What the exchange reads back, with the orders that only seem to rest, without those that only seem
        to be gone."""
        if not isinstance(event, AccountReport):
            return event
        self._real = {row.client_order_id: row for row in event.resting}
        shown = [row for row in event.resting if row.client_order_id not in self._hidden]
        return msgspec.structs.replace(event, resting=(*shown, *self._resting.values()))
