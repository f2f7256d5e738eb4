"""The contract of a strategy: given what is known of a market, say what you want to have in it.

A strategy never sees an order id and never says what to do; the engine turns the difference between want
and reality into requests. Strategies are pure: what they remember lives in their own attributes and
changes only by calls to `quotes`.
"""

from __future__ import annotations

from typing import ClassVar, Protocol

import msgspec

from mm.core.events import FeeSchedule, Levels, Trade
from mm.core.grid import PriceGrid
from mm.core.units import Count, Money, Nanos, Price, Side


class Quote(msgspec.Struct, frozen=True, gc=False):
    """A wish: ``count`` contracts open at ``price`` on ``side``. May be several a side, none is no quote."""

    side: Side
    price: Price
    count: Count


class MarketView(msgspec.Struct, frozen=True):
    """All that a strategy may know of one market, at one moment.

    ``bids`` and ``asks`` are the best levels, best first, **without our own orders**. ``position`` is
    signed. ``max_position`` is the limit that risk will enforce. ``trades`` are those since the last view,
    oldest first. ``time_to_close`` is ``None`` if unknown. ``references`` are the latest outside values.
    """

    ticker: str
    now: Nanos
    bids: Levels
    asks: Levels
    position: Count
    average_cost: Price
    max_position: Count
    grid: PriceGrid
    fees: FeeSchedule
    time_to_close: Nanos | None
    trades: tuple[Trade, ...] = ()
    references: dict[str, float] = {}
    realized: Money = 0
    unrealized: Money = 0

    @property
    def best_bid(self) -> Price | None:
        return self.bids[0][0] if self.bids else None

    @property
    def best_ask(self) -> Price | None:
        return self.asks[0][0] if self.asks else None

    @property
    def mid(self) -> float | None:
        """Half-way between the best prices, in `Price` units; ``None`` for a one-sided book."""
        if not self.bids or not self.asks:
            return None
        return (self.bids[0][0] + self.asks[0][0]) / 2

    @property
    def micro_price(self) -> float | None:
        """The mid weighted by the size on the other side, in `Price` units; ``None`` if one-sided."""
        if not self.bids or not self.asks:
            return None
        bid, bid_size = self.bids[0]
        ask, ask_size = self.asks[0]
        return (bid * ask_size + ask * bid_size) / (bid_size + ask_size)


class EventView(msgspec.Struct, frozen=True):
    """All markets of one event at one moment, for strategies that price a whole ladder."""

    event_ticker: str
    now: Nanos
    markets: tuple[MarketView, ...]


class Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of a strategy's parameters; every field has a default, units last in its name."""


class Decision(msgspec.Struct, frozen=True):
    """What a strategy wants, and what it thought: ``fair`` and ``reservation`` in `Price` units
    (``None`` if it has no opinion), ``note`` why it does not quote."""

    quotes: tuple[Quote, ...] = ()
    fair: float | None = None
    reservation: float | None = None
    note: str = ""


class Strategy(Protocol):
    """One market at a time. A new instance is made for every market: state in it is per market."""

    Params: ClassVar[type[Params]]

    def quotes(self, view: MarketView) -> Decision: ...


class EventStrategy(Protocol):
    """All markets of an event at once; answers by ticker."""

    Params: ClassVar[type[Params]]

    def event_quotes(self, view: EventView) -> dict[str, Decision]: ...
