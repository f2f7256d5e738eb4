"""What the engine shows to those who watch: immutable pictures of its state, made on request.

Observers, the screen and the final summary read these and nothing else of the engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from mm.core.events import MarketState
from mm.core.memory import BreakerMemory, TripMemory
from mm.core.strategy import Quote
from mm.core.units import Count, Money, Nanos, Price, Side


class MarketDecision(msgspec.Struct, frozen=True, gc=False):
    """One market at one Tick: what was seen, wanted and allowed. Prices that are floats are opinions."""

    ticker: str
    desk: str
    mid: float | None
    position: Count
    fair: float | None
    reservation: float | None
    wanted: tuple[Quote, ...]
    allowed: tuple[Quote, ...]
    note: str


class OrderPicture(msgspec.Struct, frozen=True, gc=False):
    """``state`` is the name of an `OrderState`; ``count`` total, ``filled`` of it seen so far.
    ``changed_at``: when the exchange last told something of it."""

    client_order_id: str
    order_id: str
    desk: str
    ticker: str
    side: Side
    price: Price
    count: Count
    filled: Count
    state: str
    placed_at: Nanos
    changed_at: Nanos = 0


class MarketPicture(msgspec.Struct, frozen=True, gc=False):
    """``bid``/``ask`` (price, count) are the market's best **with** our own orders. ``average_cost`` is the
    YES price at which the open position was entered; ``mark`` the price it is valued at, ``None`` if there
    is none. ``spread_width`` is that of our own quotes, 0 unless both sides rest."""

    ticker: str
    desk: str
    state: MarketState
    in_sync: bool
    bid: tuple[Price, Count] | None
    ask: tuple[Price, Count] | None
    mark: Price | None
    position: Count
    average_cost: Price
    realized: Money
    unrealized: Money
    fees: Money
    fills: int
    quotes: int
    spread_width: Price
    max_position: Count
    close_ts: Nanos | None


class RetiredMarkets(msgspec.Struct, frozen=True, gc=False):
    """Sums over markets that are over for good and not kept one by one any more. ``quoted`` of the ``count``
    had a quote of ours."""

    count: int = 0
    quoted: int = 0
    realized: Money = 0
    fees: Money = 0
    fills: int = 0
    quotes: int = 0


class BreakerPicture(msgspec.Struct, frozen=True, gc=False):
    """``measures`` and ``thresholds`` by rule name; ``trading_allowed`` is the document's ``is_open``.
    ``trips`` are all that hold, ``trip_rule`` the one to name first."""

    trading_allowed: bool
    trip_rule: str
    trip_reason: str
    trip_ts: Nanos
    consecutive_errors: int
    measures: dict[str, float]
    thresholds: dict[str, float]
    recent_errors: tuple[str, ...]
    trips: tuple[TripMemory, ...] = ()


class DeskPicture(msgspec.Struct, frozen=True, gc=False):
    """P&L figures are net of nothing: ``total = realized + unrealized - fees``; sums over all markets,
    those that are ``retired`` too. ``breaker`` is what holds for this desk, its own trips and the account's;
    ``None``: the account's. ``round_trips`` ended in this run, ``round_trips_won`` with a profit."""

    name: str
    strategy: str
    markets: tuple[MarketPicture, ...]
    realized: Money
    unrealized: Money
    fees: Money
    inventory_imbalance: float
    breaker: BreakerPicture | None = None
    retired: RetiredMarkets = RetiredMarkets()
    round_trips: int = 0
    round_trips_won: int = 0


class EnginePicture(msgspec.Struct, frozen=True, gc=False):
    """``mode`` is the name of a `Mode`; ``breaker`` is the account's, tripped also when every desk has;
    ``memory`` is what the next start must know of it; ``cash`` as the last account report plus fills since,
    ``None`` before the first report; ``pauses`` are (who, why): the operator, storage or the exchange."""

    now: Nanos
    mode: str
    link_up: bool
    desks: tuple[DeskPicture, ...]
    orders: tuple[OrderPicture, ...]
    breaker: BreakerPicture
    cash: Money | None
    last_reconcile: Nanos
    memory: BreakerMemory = BreakerMemory()
    pauses: tuple[tuple[str, str], ...] = ()


class Observed(Protocol):
    """The engine, as an observer may use it. ``decisions`` are those of the step just made."""

    @property
    def decisions(self) -> Sequence[MarketDecision]: ...

    def picture(self) -> EnginePicture: ...

    def desk_of(self, ticker: str) -> str: ...

    def position(self, ticker: str) -> Count: ...
