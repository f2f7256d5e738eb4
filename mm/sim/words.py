"""The venue's own words: orders, markets, accounts, and what it announces. No code is shared with the bot.

Integers throughout: ``price`` 1/10,000 dollar on the YES leg, ``count`` 1/100 contract, money 1/1,000,000
dollar, times in nanoseconds since the epoch of the venue's own clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from mm.sim.listings import PRICE_ONE as PRICE_ONE
from mm.sim.listings import Event as Event
from mm.sim.listings import Grid as Grid
from mm.sim.listings import Market as Market
from mm.sim.listings import MarketStatus as MarketStatus
from mm.sim.listings import PriceRange as PriceRange
from mm.sim.listings import Series as Series

OutcomeSide: TypeAlias = Literal["yes", "no"]
BookSide: TypeAlias = Literal["bid", "ask"]
OrderStatus: TypeAlias = Literal["resting", "executed", "canceled"]
TimeInForce: TypeAlias = Literal["fill_or_kill", "good_till_canceled", "immediate_or_cancel"]
SelfTrade: TypeAlias = Literal["taker_at_cross", "maker"]
GroupEvent: TypeAlias = Literal["created", "triggered", "reset", "deleted", "limit_updated"]

COUNT_ONE = 100
MONEY_ONE = 1_000_000


class VenueError(Exception):
    """A refusal, as the exchange words it (protocol section 5.7)."""

    def __init__(self, status: int, code: str, message: str = "", details: str = "") -> None:
        super().__init__(f"{status} {code} {details}")
        self.status = status
        self.code = code
        self.message = message or code.replace("_", " ")
        self.details = details


@dataclass(slots=True)
class OrderRequest:
    """A create, already parsed. ``expiration_s``: unix seconds, 0 for none."""

    ticker: str
    side: BookSide
    count: int
    price: int
    time_in_force: TimeInForce
    self_trade: SelfTrade
    client_order_id: str = ""
    expiration_s: int = 0
    post_only: bool = False
    reduce_only: bool = False
    cancel_on_pause: bool = False
    order_group_id: str = ""
    subaccount: int = 0


@dataclass(slots=True)
class Order:
    """An accepted order, for ever. ``count`` is the total asked for, ``filled`` of it so far, ``remaining``
    open (0 once canceled); costs and fees in money, split by role."""

    order_id: str
    user_id: str
    request: OrderRequest
    price: int
    count: int
    remaining: int
    created_ns: int
    updated_ns: int
    status: OrderStatus = "resting"
    filled: int = 0
    taker_cost: int = 0
    maker_cost: int = 0
    taker_fees: int = 0
    maker_fees: int = 0
    fee_accumulator: int = 0
    last_update_reason: str = ""
    exchange_index: int = 0

    @property
    def ticker(self) -> str:
        return self.request.ticker

    @property
    def side(self) -> BookSide:
        return self.request.side


@dataclass(slots=True)
class Group:
    """An order group: once ``limit`` (count) has matched within 15 seconds, it is triggered: its orders are
    canceled, and no new ones accepted until it is reset (protocol section 6)."""

    group_id: str
    user_id: str
    limit: int
    subaccount: int = 0
    is_triggered: bool = False
    exchange_index: int = 0


@dataclass(slots=True)
class Position:
    """``count`` is signed (YES +, NO -); ``cost`` (>= 0) is what the open position cost, ``volume`` the count
    of all that was ever traded."""

    ticker: str
    count: int = 0
    cost: int = 0
    realized: int = 0
    fees: int = 0
    total_traded: int = 0
    volume: int = 0
    updated_ns: int = 0
    exchange_index: int = 0


# -- announcements: what `Venue.announce` hands to its listeners, in the order in which it happened ---------
@dataclass(slots=True)
class BookChanged:
    """One level of one market changed by ``change``; ``order`` is the one whose owner caused it
    (``None`` for the crowd). All that one action changes has the same ``clock``."""

    now: int
    ticker: str
    clock: int
    side: BookSide
    price: int
    change: int
    order: Order | None


@dataclass(slots=True)
class Traded:
    now: int
    ticker: str
    trade_id: str
    price: int
    count: int
    taker_side: BookSide


@dataclass(slots=True)
class Filled:
    """One side of one trade, for an account that has orders. ``net_fee`` as in protocol section 12."""

    now: int
    trade_id: str
    order: Order
    price: int
    count: int
    is_taker: bool
    net_fee: int
    post_position: int


@dataclass(slots=True)
class OrderChanged:
    now: int
    order: Order


@dataclass(slots=True)
class PositionChanged:
    now: int
    user_id: str
    position: Position
    subaccount: int = 0


@dataclass(slots=True)
class CashMoved:
    """A transfer between subaccounts or shards: ``funds`` is what ``subaccount`` now has, by shard."""

    now: int
    user_id: str
    subaccount: int
    funds: dict[int, int]


@dataclass(slots=True)
class GroupChanged:
    """``limit`` (count) only for ``created`` and ``limit_updated``, as in the order_group_updates channel.
    ``subaccount``: the group's, told along because a deleted group cannot be asked any more."""

    now: int
    user_id: str
    group_id: str
    event_type: GroupEvent
    limit: int | None = None
    subaccount: int = 0


@dataclass(slots=True)
class TickerChanged:
    now: int
    ticker: str


@dataclass(slots=True)
class LifecycleChanged:
    """``event_type`` as in the market_lifecycle_v2 channel (protocol section 10.3)."""

    now: int
    ticker: str
    event_type: str


@dataclass(slots=True)
class EventAdded:
    now: int
    event_ticker: str


@dataclass(slots=True)
class EventFeeChanged:
    """An event's override of its series' fees took effect, or with ``None`` was cleared. The multiplier is
    in millionths."""

    now: int
    event_ticker: str
    fee_type_override: str | None
    fee_multiplier_override_ppm: int | None


Announcement: TypeAlias = (
    BookChanged
    | Traded
    | Filled
    | OrderChanged
    | PositionChanged
    | TickerChanged
    | LifecycleChanged
    | GroupChanged
    | CashMoved
    | EventAdded
    | EventFeeChanged
)


# -- what the venue answers ----------------------------------------------------------------------------------
@dataclass(slots=True)
class Fills:
    """What one request traded: ``count``, money ``value`` at YES prices, and money ``fees``."""

    count: int = 0
    value: int = 0
    fees: int = 0

    @property
    def average_price(self) -> int | None:
        """YES price in 1/10,000 dollar, rounded half up; ``None`` if nothing traded."""
        return (2 * self.value + self.count) // (2 * self.count) if self.count else None

    @property
    def average_fee(self) -> int | None:
        """Fee of one contract in 1/10,000 dollar, rounded half up (recorded with four decimals)."""
        return (2 * self.fees + self.count) // (2 * self.count) if self.count else None


@dataclass(slots=True)
class Placed:
    """The answer to a create (protocol section 5.1)."""

    order: Order
    fills: Fills
    remaining_count: int

    @property
    def fill_count(self) -> int:
        return self.fills.count

    @property
    def average_price(self) -> int | None:
        return self.fills.average_price

    @property
    def average_fee(self) -> int | None:
        return self.fills.average_fee


@dataclass(slots=True)
class Amended(Placed):
    """The answer to an amend (protocol section 5.2). ``fills`` are those of the amend alone;
    ``size_changed`` says whether the resting size differs from before."""

    size_changed: bool = False


@dataclass(slots=True)
class Settlement:
    """One account's position in one market as it was paid out; counts per leg, ``value`` a YES price."""

    ticker: str
    event_ticker: str
    result: str
    value: int
    yes_count: int
    yes_cost: int
    no_count: int
    no_cost: int
    revenue: int
    fees: int
    settled_ns: int
    exchange_index: int = 0
