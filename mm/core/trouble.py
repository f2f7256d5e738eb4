"""Which answers say that something is wrong with the exchange or the way to it, and not with the order."""

from __future__ import annotations

from mm.core.events import AmendReject, AnyEvent, ApiError, CancelReject, OrderInDoubt, OrderReject

# Refusals that say something about the exchange or the way to it, not about the order.
TROUBLE_STATUSES = frozenset({0, 401, 403, 429, 500, 502, 503, 504})
# By ourselves: nothing was sent, so nobody is to blame.
LOCAL_REFUSALS = frozenset(
    {"gate_closed", "kill_switch", "hard_cap", "no_order_id", "no_journal", "too_late", "withheld"}
)


# An account that may not trade is told so with each order, while everything else goes well.
FORBIDDEN = frozenset({401, 403})


def is_refusal(event: OrderReject | AmendReject) -> bool:
    """Whether the exchange does not want this order, and would not want the next one either."""
    if event.code in LOCAL_REFUSALS:
        return False
    return event.status in FORBIDDEN or not trouble(event)


def trouble(event: AnyEvent) -> str | None:
    """Why this answer counts as an API error; empty if it is a proper answer; ``None`` if it is no answer."""
    if isinstance(event, ApiError):
        return f"{event.kind.value} {event.status} {event.code}"
    if isinstance(event, OrderInDoubt):
        return f"{event.kind.value} {event.status} {event.reason}"
    if isinstance(event, OrderReject | AmendReject | CancelReject):
        if event.code in LOCAL_REFUSALS:
            return None
        return f"{event.status} {event.code}" if event.status in TROUBLE_STATUSES else ""
    return "" if getattr(event, "request_id", 0) else None
