"""One order of ours, as far as it can be known: a table of what each answer means in each state.

Rules behind the table (protocol section 5): a fill stands alone and is booked even if the order is forgotten;
an answer counts only if it answers the request that is outstanding, so duplicates change nothing; a terminal
answer says how much had filled in all, and the order stays, as exposure, until that many fills were seen;
doubt ends by evidence about that order, never by patience; nothing is ever sent again blindly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from mm.core.events import (
    AmendReject,
    ApiError,
    CancelReject,
    OrderAck,
    OrderAmended,
    OrderCanceled,
    OrderInDoubt,
    OrderReject,
    OrderReport,
    OrderStatus,
    RequestKind,
)
from mm.core.units import SECOND, Count, Nanos, Price, Side

NOT_FOUND = "not_found"
MUST_NOT_REST = "must not rest"  # why an order that takes is cancelled, should the exchange let it rest
FIRST_RETRY: Nanos = SECOND // 2
LONGEST_RETRY: Nanos = 10 * SECOND


class OrderState(Enum):
    """``CLOSING``: the exchange is done with it, some of its fills are not yet seen."""

    PENDING_NEW = "pending_new"
    RESTING = "resting"
    PENDING_AMEND = "pending_amend"
    PENDING_CANCEL = "pending_cancel"
    IN_DOUBT = "in_doubt"
    CLOSING = "closing"


# Looked up once: the name of an Enum's member is slow to look up, and here it is with every look at an order.
_RESTING: Final = OrderState.RESTING


@dataclass(slots=True)
class Order:
    """``count`` is the total the exchange last agreed to, ``filled`` what we have seen of it. ``next_price``
    and ``next_count`` are those of an amend that was sent and not refused: until proven, either may hold.

    ``request_id`` is the request under way (0: none). ``is_gone`` says that the exchange told it does not
    rest, but not how it ended. ``size_unsure``: an amend was in doubt, so the total is one of two.
    ``put_up_at``: what had filled of it when a whole quote's worth had last filled and was put up again;
    below zero for what had filled of the order that it replaced.
    ``left_by``: when its create had left at the latest, if that is in doubt; it may have waited for the wire.
    """

    client_order_id: str
    desk: str
    ticker: str
    side: Side
    price: Price
    count: Count
    placed_at: Nanos
    request_id: int
    state: OrderState = OrderState.PENDING_NEW
    order_id: str = ""
    filled: Count = 0
    next_price: Price = 0
    next_count: Count = 0
    final_filled: Count | None = None
    doubt: RequestKind | None = None
    is_gone: bool = False
    size_unsure: bool = False
    cancel_wanted: str = ""
    changed_at: Nanos = 0
    retry_at: Nanos = 0
    retries: int = 0
    left_by: Nanos = 0
    put_up_at: Count = 0

    @property
    def open(self) -> Count:
        """Contracts that may still fill: what the limits must count."""
        total = self.final_filled
        if total is None:
            total = self.count if self.count > self.next_count else self.next_count
        return total - self.filled if total > self.filled else 0

    @property
    def worst_price(self) -> Price:
        """The price at which a fill would cost the most."""
        if not self.next_price:
            return self.price
        return max(self.price, self.next_price) if self.side is Side.BID else min(self.price, self.next_price)

    @property
    def is_left_over(self) -> bool:
        """Of a former run, known from a read alone. Its fills are not counted towards it: the read may have
        counted them already. So all that was open then is, until it has ended."""
        return not self.desk

    @property
    def is_idle(self) -> bool:
        """Rests, and nothing about it is under way or undecided."""
        return self.state is _RESTING and not self.cancel_wanted

    def back_off(self, now: Nanos) -> None:
        self.retry_at = now + min(FIRST_RETRY << min(self.retries, 10), LONGEST_RETRY)
        self.retries += 1


Answer = (
    OrderAck
    | OrderReject
    | OrderAmended
    | AmendReject
    | OrderCanceled
    | CancelReject
    | OrderInDoubt
    | OrderReport
    | ApiError
)


# -- what each answer does: change the order; the table below says when -----------------------------------
def _acknowledged(order: Order, event: OrderAck) -> None:
    order.order_id = event.order_id
    if event.remaining == 0:
        return finish(order, event.filled)
    return _rests(order)


def _refused(order: Order, event: OrderReject) -> None:
    """No order exists; but a fill is stronger evidence than a refusal."""
    if order.filled or order.order_id:
        fall_in_doubt(order, RequestKind.PLACE)
    else:
        finish(order, 0)


def _amended(order: Order, event: OrderAmended) -> None:
    """The total is what was asked for. Nothing left to rest may be a full fill or an end of another kind."""
    order.price = event.price
    order.count = order.next_count
    order.next_price = order.next_count = 0
    if event.remaining == 0:
        order.is_gone = True
        return fall_in_doubt(order, RequestKind.AMEND)
    return _rests(order)


def _amend_refused(order: Order, event: AmendReject) -> None:
    order.next_price = order.next_count = 0
    if event.code == NOT_FOUND:
        order.is_gone = True
        return fall_in_doubt(order, RequestKind.AMEND)
    order.back_off(event.ts)
    return _rests(order)


def _canceled(order: Order, event: OrderCanceled) -> None:
    final = order.count - event.reduced_by
    if order.size_unsure or final < order.filled or event.reduced_by < 0:
        order.is_gone = True
        return fall_in_doubt(order, RequestKind.CANCEL)
    return finish(order, final)


def _cancel_refused(order: Order, event: CancelReject) -> None:
    if event.code == NOT_FOUND:
        order.is_gone = True
        return fall_in_doubt(order, RequestKind.CANCEL)
    order.back_off(event.ts)
    return _rests(order)


def _in_doubt(order: Order, event: OrderInDoubt) -> None:
    if event.kind is RequestKind.AMEND:
        order.size_unsure = True
    elif event.kind is RequestKind.PLACE:
        order.left_by = event.ts
    order.back_off(event.ts)
    fall_in_doubt(order, event.kind)


def _reported(order: Order, event: OrderReport) -> None:
    """The answer to our own question. If it names an order as resting that was told to be gone, one of the
    two is wrong or late: the order is cancelled again, which settles it."""
    order.order_id = order.order_id or event.order_id
    if event.status in (OrderStatus.EXECUTED, OrderStatus.CANCELED):
        return finish(order, event.filled)
    if event.status is OrderStatus.RESTING and not order.is_gone:
        return found_resting(order, event)
    order.is_gone = order.is_gone and event.status is not OrderStatus.RESTING
    order.back_off(event.ts)
    return None


def _question_failed(order: Order, event: ApiError) -> None:
    order.back_off(event.ts)


def found_resting(order: Order, event: OrderReport) -> None:
    """After a lost create: this is the order. After a lost amend or cancel a read proves little, because
    reads lag: the order is to be cancelled (again), which is safe to repeat."""
    order.order_id = event.order_id
    if order.doubt is RequestKind.PLACE:
        order.price = event.price
        order.count = event.filled + event.remaining
        return _rests(order)
    order.cancel_wanted = order.cancel_wanted or "outcome unknown"
    return None


# -- the three ways a step can end ---------------------------------------------------------------------------
def _rests(order: Order) -> None:
    order.state = OrderState.RESTING
    order.doubt = None


def fall_in_doubt(order: Order, kind: RequestKind) -> None:
    order.state = OrderState.IN_DOUBT
    order.doubt = kind


def finish(order: Order, final_filled: Count) -> None:
    order.state = OrderState.CLOSING
    order.final_filled = final_filled
    order.doubt = None


_S = OrderState
# What is not in the table changes nothing: a late answer to an order that ended meanwhile.
TRANSITIONS: dict[tuple[OrderState, type], Callable[..., None]] = {
    (_S.PENDING_NEW, OrderAck): _acknowledged,
    (_S.PENDING_NEW, OrderReject): _refused,
    (_S.PENDING_NEW, OrderInDoubt): _in_doubt,
    (_S.PENDING_AMEND, OrderAmended): _amended,
    (_S.PENDING_AMEND, AmendReject): _amend_refused,
    (_S.PENDING_AMEND, OrderInDoubt): _in_doubt,
    (_S.PENDING_CANCEL, OrderCanceled): _canceled,
    (_S.PENDING_CANCEL, CancelReject): _cancel_refused,
    (_S.PENDING_CANCEL, OrderInDoubt): _in_doubt,
    (_S.IN_DOUBT, OrderReport): _reported,
    (_S.IN_DOUBT, ApiError): _question_failed,
}
