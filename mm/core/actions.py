"""What the engine can ask of the world. The shell carries it out and reports one event per request."""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias

import msgspec

from mm.core.units import Count, Nanos, Price, Side


class Action(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag=True):
    """The moment of an action is the ``ts`` of the event that caused it."""


class TimeInForce(Enum):
    GTC = "good_till_canceled"
    IOC = "immediate_or_cancel"


class PlaceOrder(Action, frozen=True, gc=False):
    """A new order. ``expires_at``: the exchange removes it then, 0 for never (a dead man's switch).
    ``cancel_on_pause``: the exchange cancels it if trading is paused while it rests."""

    request_id: int
    client_order_id: str
    ticker: str
    side: Side
    price: Price
    count: Count
    post_only: bool = True
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    expires_at: Nanos = 0
    cancel_on_pause: bool = False
    reason: str = ""


class AmendOrder(Action, frozen=True, gc=False):
    """Change price or size in one request. ``count`` is the total: filled so far + wanted open
    (protocol section 5.2)."""

    request_id: int
    client_order_id: str
    order_id: str
    ticker: str
    side: Side
    price: Price
    count: Count
    reason: str = ""


class CancelOrder(Action, frozen=True, gc=False):
    request_id: int
    client_order_id: str
    order_id: str
    ticker: str
    reason: str = ""


class CancelAll(Action, frozen=True, gc=False):
    """Everything of this account, now. The exchange sweeps for up to a minute more."""

    request_id: int
    reason: str = ""


class QueryOrder(Action, frozen=True, gc=False):
    """What became of this order? ``order_id`` is empty if only our own id is known; ``sent_at`` is when
    its create was sent, to bound the search."""

    request_id: int
    client_order_id: str
    order_id: str
    ticker: str
    sent_at: Nanos = 0


class QueryAccount(Action, frozen=True, gc=False):
    """Cash, positions, resting orders, and fills since ``fills_from``."""

    request_id: int
    fills_from: Nanos
    reason: str = ""


class Resubscribe(Action, frozen=True, gc=False):
    """The book of this market cannot be trusted: fetch a new snapshot."""

    ticker: str
    reason: str = ""


class Reconnect(Action, frozen=True, gc=False):
    """The feed as a whole cannot be trusted: begin it anew."""

    reason: str = ""


class Withhold(Action, frozen=True, gc=False):
    """Of the creates and amends decided so far, those that have not left do not leave."""

    reason: str = ""


class AlertLevel(Enum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Alert(Action, frozen=True, gc=False):
    """Something the operator must hear of. ``details`` are pairs of a name and a printable value."""

    level: AlertLevel
    category: str
    message: str
    desk: str = ""
    details: tuple[tuple[str, str | int | float | bool], ...] = ()


class Stop(Action, frozen=True, gc=False):
    """The engine is done; the process ends with this code (0: proven clean, 3: not proven)."""

    exit_code: int
    reason: str


AnyAction: TypeAlias = (
    PlaceOrder
    | AmendOrder
    | CancelOrder
    | CancelAll
    | QueryOrder
    | QueryAccount
    | Resubscribe
    | Reconnect
    | Withhold
    | Alert
    | Stop
)
