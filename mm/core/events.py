"""What can become known: immutable facts in the order in which this process learned them.

``ts`` is the driver's clock when the event entered (`Nanos`, never decreasing within a run). Every request
that the engine sends has a ``request_id``; exactly one event with the same ``request_id`` answers it.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from mm.core.grid import PriceGrid
from mm.core.kinds import POST_ONLY_CROSS as POST_ONLY_CROSS
from mm.core.kinds import CommandKind as CommandKind
from mm.core.kinds import MarketState as MarketState
from mm.core.kinds import OrderStatus as OrderStatus
from mm.core.kinds import RequestKind as RequestKind
from mm.core.parts import FeeSchedule as FeeSchedule
from mm.core.parts import Levels as Levels
from mm.core.parts import PositionReport as PositionReport
from mm.core.settings import EngineSettings
from mm.core.units import Count, Money, Nanos, Price, Side


class Event(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag=True):
    """``ts``: when this process learned it."""

    ts: Nanos


# -- market data ------------------------------------------------------------------------------------
class BookSnapshot(Event, frozen=True, gc=False):
    """The whole book of a market on the YES leg; levels in any order."""

    ticker: str
    bids: Levels
    asks: Levels


class BookDelta(Event, frozen=True, gc=False):
    """``change`` (signed) of one level. ``is_own``: an order of this account caused it."""

    ticker: str
    side: Side
    price: Price
    change: Count
    is_own: bool = False


class BookGap(Event, frozen=True, gc=False):
    """Messages of this market were lost or unreadable: its book is unknown until the next snapshot."""

    ticker: str
    reason: str


class Trade(Event, frozen=True, gc=False):
    """A public trade; ``taker_side`` is the aggressor's side on the YES leg."""

    ticker: str
    trade_id: str
    price: Price
    count: Count
    taker_side: Side


class Ticker(Event, frozen=True, gc=False):
    """The exchange's own word on the best prices; a count of 0 means that the side is empty, whatever the
    price says (protocol section 8). ``exchange_ts`` is the exchange's clock."""

    ticker: str
    bid: Price
    bid_count: Count
    ask: Price
    ask_count: Count
    last: Price
    volume: Count
    exchange_ts: Nanos = 0


class MarketStatus(Event, frozen=True, gc=False):
    """What is known of a market besides its book. ``None`` means: this message did not say, so unchanged.
    ``terms_unknown``: its fees or its grid are now in words that nobody here understands, so those of before
    hold no longer."""

    ticker: str
    state: MarketState | None = None
    event_ticker: str | None = None
    series_ticker: str | None = None
    close_ts: Nanos | None = None
    grid: PriceGrid | None = None
    fees: FeeSchedule | None = None
    settlement_value: Price | None = None
    volume: Count | None = None
    terms_unknown: bool = False


class MarketAssigned(Event, frozen=True, gc=False):
    """From now on this desk quotes this market; what is known of it follows as `MarketStatus`."""

    ticker: str
    desk: str


# -- answers to requests, and what the exchange says of our orders --------------------------------------
class OrderAck(Event, frozen=True, gc=False):
    """A create was accepted. ``filled`` and ``remaining`` are those of the exchange's answer."""

    request_id: int
    client_order_id: str
    order_id: str
    filled: Count
    remaining: Count


class OrderReject(Event, frozen=True, gc=False):
    """A create was refused: no order exists. ``status`` is the HTTP status, 0 if nothing was sent."""

    request_id: int
    client_order_id: str
    status: int
    code: str
    message: str = ""


class OrderAmended(Event, frozen=True, gc=False):
    """An amend was accepted: the order now has this price, and ``remaining`` rests. ``filled`` is what the
    amend itself filled by crossing, not what filled before; ``None``: not told (protocol section 5.2)."""

    request_id: int
    client_order_id: str
    order_id: str
    price: Price
    filled: Count | None
    remaining: Count | None


class AmendReject(Event, frozen=True, gc=False):
    """An amend was refused: the order is what it was, unless ``code`` is ``not_found`` (not resting)."""

    request_id: int
    client_order_id: str
    status: int
    code: str
    message: str = ""


class OrderCanceled(Event, frozen=True, gc=False):
    """A cancel was accepted; ``reduced_by`` contracts had been open and are gone."""

    request_id: int
    client_order_id: str
    order_id: str
    reduced_by: Count


class CancelReject(Event, frozen=True, gc=False):
    """A cancel was refused. ``not_found`` proves only: not resting (protocol section 5.3)."""

    request_id: int
    client_order_id: str
    status: int
    code: str
    message: str = ""


class OrderInDoubt(Event, frozen=True, gc=False):
    """Time-out, 5xx, or an answer that names no order: the outcome of the request is unknown."""

    request_id: int
    client_order_id: str
    kind: RequestKind
    status: int
    reason: str


class OrderReport(Event, frozen=True, gc=False):
    """What the exchange says of one order: by WebSocket (``request_id`` 0) or answering a `QueryOrder`.

    ``as_of`` is the exchange's time up to which the answer is complete; 0 if it does not say. ``ABSENT``
    means that no order with this id was found in what the exchange knew at ``as_of``.
    """

    request_id: int
    client_order_id: str
    order_id: str
    ticker: str
    side: Side
    status: OrderStatus
    price: Price
    filled: Count
    remaining: Count
    as_of: Nanos = 0
    reason: str = ""


class Fill(Event, frozen=True, gc=False):
    """One trade of ours. Stands alone: it can be booked even if the order is forgotten. ``fee`` is signed
    (negative is a rebate); ``price`` is the YES price; a ``trade_id`` is booked once per order."""

    trade_id: str
    order_id: str
    client_order_id: str
    ticker: str
    side: Side
    price: Price
    count: Count
    fee: Money
    is_taker: bool


class AccountReport(Event, frozen=True, gc=False):
    """Answer to `QueryAccount`: cash, positions, everything that rests, and the fills since ``fills_from``.

    Read in this order: ``as_of`` (the exchange's own word for how fresh its reads are), orders, fills,
    positions, balance. Reads lag; complete up to ``as_of`` only.
    """

    request_id: int
    as_of: Nanos
    cash: Money
    positions: tuple[PositionReport, ...]
    resting: tuple[OrderReport, ...]
    fills: tuple[Fill, ...]
    fills_from: Nanos = 0


class CancelAllDone(Event, frozen=True, gc=False):
    """The exchange accepted a cancel-all; its sweep may go on for a minute (protocol section 5.3)."""

    request_id: int


class ApiError(Event, frozen=True, gc=False):
    """A read or a cancel-all failed: nothing is known from it. ``status`` 0: no answer."""

    request_id: int
    kind: RequestKind
    status: int
    code: str
    message: str = ""


# -- links, references, time, operators --------------------------------------------------------------------
class LinkUp(Event, frozen=True, gc=False):
    """The feed is connected, authenticated and subscribed; books follow as snapshots."""

    link: str = "feed"


class LinkDown(Event, frozen=True, gc=False):
    link: str = "feed"
    reason: str = ""


class DataAge(Event, frozen=True, gc=False):
    """Market data begins to arrive too late to quote on, or is fresh again. ``age``: of a change, the
    exchange's time stamp against our clock."""

    age: Nanos
    is_late: bool


class ExchangeStatus(Event, frozen=True, gc=False):
    """What the exchange says of itself (protocol section 8). ``trading_active`` false: nothing is created or
    amended; ``exchange_active`` false: nor cancelled. ``None``: it could not be read. ``asked_at``: when the
    question left; ``resumes_at``: the exchange's estimate."""

    asked_at: Nanos
    exchange_active: bool | None
    trading_active: bool | None
    resumes_at: Nanos | None = None


class TradingHours(Event, frozen=True, gc=False):
    """When trading is planned to pause: (from, until) in order, as far ahead as anybody has said."""

    pauses: tuple[tuple[Nanos, Nanos], ...]


class Reference(Event, frozen=True, gc=False):
    """An outside value, e.g. an index; ``source_ts`` is the source's own time."""

    name: str
    value: float
    source_ts: Nanos = 0


class Tick(Event, frozen=True, gc=False):
    """Time to decide. The budgets say how many requests the rate limits allow now: the engine never
    decides more than can be sent."""

    orders_allowed: int
    cancels_allowed: int


class Command(Event, frozen=True, gc=False):
    """``desk``: whose breaker a ``RESET`` means, empty for all; other kinds are always for all."""

    kind: CommandKind
    reason: str = ""
    desk: str = ""


class Reconfigure(Event, frozen=True, gc=False):
    """From now on these settings hold; they differ only in what may change while running."""

    settings: EngineSettings


AnyEvent: TypeAlias = (
    BookSnapshot
    | BookDelta
    | BookGap
    | Trade
    | Ticker
    | MarketStatus
    | MarketAssigned
    | OrderAck
    | OrderReject
    | OrderAmended
    | AmendReject
    | OrderCanceled
    | CancelReject
    | OrderInDoubt
    | OrderReport
    | Fill
    | AccountReport
    | CancelAllDone
    | ApiError
    | LinkUp
    | LinkDown
    | DataAge
    | ExchangeStatus
    | TradingHours
    | Reference
    | Tick
    | Command
    | Reconfigure
)
