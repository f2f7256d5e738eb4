"""The lagging image of the portfolios: what GET orders, fills, positions and balance answer from.

The exchange's reads trail its engine (protocol section 5.8: an order canceled 0.36 s ago still reads as
resting). The image is always a state the engine really was in, only an older one: it applies the engine's own
announcements in their order, up to ``lag_ns`` before now.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from mm.sim.attic import trim_fills, trim_orders
from mm.sim.ledger import Account
from mm.sim.venue import Venue
from mm.sim.words import (
    CashMoved,
    Filled,
    Order,
    OrderChanged,
    Position,
    PositionChanged,
    Settlement,
)


@dataclass(slots=True)
class Purse:
    """Cash (``funds``, by shard) and positions of one subaccount; ``settlements`` are oldest first."""

    funds: dict[int, int] = field(default_factory=lambda: {0: 0})
    updated_ns: int = 0
    positions: dict[str, Position] = field(default_factory=dict)
    settlements: list[Settlement] = field(default_factory=list)

    def cash(self, shard: int | None) -> int:
        """On one shard, or on all with ``None``."""
        return sum(self.funds.values()) if shard is None else self.funds.get(shard, 0)


@dataclass(slots=True)
class Portfolio:
    """One member as the reads see him; ``fills`` are oldest first. Orders and fills are those of all
    subaccounts, whose purses are found by number. ``resting`` are those of the ``orders`` that rest: a maker
    asks for them all day, and has thousands that ended."""

    orders: dict[str, Order] = field(default_factory=dict)
    resting: dict[str, Order] = field(default_factory=dict)
    fills: list[Filled] = field(default_factory=list)
    purses: dict[int, Purse] = field(default_factory=dict)

    def take(self, order: Order) -> None:
        """As it is now."""
        self.orders[order.order_id] = order
        if order.status == "resting":
            self.resting[order.order_id] = order
        else:
            self.resting.pop(order.order_id, None)
        trim_orders(self.orders)

    def purse(self, subaccount: int) -> Purse:
        """An empty one for a subaccount that has seen no money yet."""
        return self.purses.get(subaccount) or Purse()


@dataclass(slots=True)
class _Holding:
    """A position with the cash as it was together with it, and the settlements that were new then."""

    subaccount: int
    position: Position
    funds: dict[int, int]
    settlements: list[Settlement]


_Change: TypeAlias = Order | Filled | _Holding | CashMoved


class Reads:
    """Listens to the venue; must be built before the first order for fills to be complete."""

    def __init__(self, venue: Venue, lag_ns: int = 0) -> None:
        self.lag_ns = lag_ns
        self.as_of = venue.now
        self._venue = venue
        self._pending: deque[tuple[int, str, _Change]] = deque()
        self._portfolios: dict[str, Portfolio] = {}
        self._noted_settlements: dict[tuple[str, int], int] = {}
        for owner in venue.accounts.values():
            self._portfolios[owner.user_id] = _image(owner, venue.now)
            for account in owner.all():
                self._noted_settlements[owner.user_id, account.subaccount] = len(account.settlements)
        venue.listeners.add(self._note_order, OrderChanged)
        venue.listeners.add(self._note_fill, Filled)
        venue.listeners.add(self._note_position, PositionChanged)
        venue.listeners.add(self._note_cash, CashMoved)

    # What changed in a portfolio is noted. The venue goes on changing its objects, so they are copied; but an
    # order that has ended is what it is for ever, and is kept once.
    def _note_order(self, changed: OrderChanged) -> None:
        order = changed.order
        as_it_is = replace(order) if order.status == "resting" else order
        self._pending.append((changed.now, order.user_id, as_it_is))

    def _note_fill(self, filled: Filled) -> None:
        self._pending.append((filled.now, filled.order.user_id, filled))

    def _note_cash(self, moved: CashMoved) -> None:
        self._pending.append((moved.now, moved.user_id, moved))

    def _note_position(self, changed: PositionChanged) -> None:
        owner, number = self._venue.accounts[changed.user_id], changed.subaccount
        if owner.is_crowd:
            return
        account = owner.numbered[number] if number else owner
        noted = self._noted_settlements.get((changed.user_id, number), 0)
        fresh = account.settlements[noted:]
        self._noted_settlements[changed.user_id, number] = noted + len(fresh)
        held = _Holding(number, replace(changed.position), account.funds(), fresh)
        self._pending.append((changed.now, changed.user_id, held))

    def catch_up(self, now: int) -> None:
        """Let the image follow to ``now`` less the lag, times in ns; it never goes back."""
        if now - self.lag_ns > self.as_of:
            self.as_of = now - self.lag_ns
        pending = self._pending
        while pending and pending[0][0] <= self.as_of:
            ns, user_id, change = pending.popleft()
            self._apply(self._portfolio(user_id), ns, change)

    def portfolio(self, now: int, user_id: str) -> Portfolio:
        """The image of one account as the reads show it at ``now``. Raises KeyError for a stranger."""
        self.catch_up(now)
        return self._portfolio(user_id)

    def _portfolio(self, user_id: str) -> Portfolio:
        portfolio = self._portfolios.get(user_id)
        if portfolio is None:
            purse = Purse(self._venue.accounts[user_id].funds(), self.as_of)
            portfolio = self._portfolios[user_id] = Portfolio(purses={0: purse})
        return portfolio

    @staticmethod
    def _apply(portfolio: Portfolio, ns: int, change: _Change) -> None:
        match change:
            case Order():
                portfolio.take(change)
            case Filled():
                portfolio.fills.append(change)
                trim_fills(portfolio.fills)
            case _Holding():
                purse = portfolio.purses.setdefault(change.subaccount, Purse())
                purse.positions[change.position.ticker] = change.position
                purse.funds, purse.updated_ns = change.funds, ns
                purse.settlements += change.settlements
            case CashMoved():
                purse = portfolio.purses.setdefault(change.subaccount, Purse())
                purse.funds, purse.updated_ns = change.funds, ns


def _image(owner: Account, now: int) -> Portfolio:
    portfolio = Portfolio(purses={account.subaccount: _purse(account, now) for account in owner.all()})
    for order in owner.orders:
        portfolio.take(replace(order))
    return portfolio


def _purse(account: Account, now: int) -> Purse:
    positions = {ticker: replace(position) for ticker, position in account.positions.items()}
    return Purse(account.funds(), now, positions, list(account.settlements))
