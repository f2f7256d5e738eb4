"""The lagging image of the portfolios: what GET orders, fills, positions and balance answer from.

The exchange's reads trail its engine (protocol section 5.8: an order canceled 0.36 s ago still reads as
resting). The image is always a state the engine really was in, only an older one: it applies the engine's own
announcements in their order, up to ``lag_ns`` before now.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from mm.sim.ledger import Account
from mm.sim.venue import Venue
from mm.sim.words import Announcement, Filled, Order, OrderChanged, Position, PositionChanged, Settlement


@dataclass(slots=True)
class Portfolio:
    """One account as the reads see it; ``fills`` and ``settlements`` are oldest first."""

    cash: int
    updated_ns: int
    orders: dict[str, Order] = field(default_factory=dict)
    fills: list[Filled] = field(default_factory=list)
    positions: dict[str, Position] = field(default_factory=dict)
    settlements: list[Settlement] = field(default_factory=list)


@dataclass(slots=True)
class _Holding:
    """A position with the cash as it was together with it, and the settlements that were new then."""

    position: Position
    cash: int
    settlements: list[Settlement]


_Change: TypeAlias = Order | Filled | _Holding


class Reads:
    """Listens to the venue; must be built before the first order for fills to be complete."""

    def __init__(self, venue: Venue, lag_ns: int = 0) -> None:
        self.lag_ns = lag_ns
        self.as_of = venue.now
        self._venue = venue
        self._pending: deque[tuple[int, str, _Change]] = deque()
        self._portfolios: dict[str, Portfolio] = {}
        self._noted_settlements: dict[str, int] = {}
        for account in venue.accounts.values():
            self._portfolios[account.user_id] = _image(account, venue.now)
            self._noted_settlements[account.user_id] = len(account.settlements)

    def hear(self, announcement: Announcement) -> None:
        """Note what changed in a portfolio. The venue goes on changing its objects, so they are copied."""
        if isinstance(announcement, OrderChanged):
            order = announcement.order
            self._pending.append((announcement.now, order.user_id, replace(order)))
        elif isinstance(announcement, Filled):
            self._pending.append((announcement.now, announcement.order.user_id, announcement))
        elif isinstance(announcement, PositionChanged):
            self._note_position(announcement)

    def _note_position(self, changed: PositionChanged) -> None:
        account = self._venue.accounts[changed.user_id]
        if account.is_crowd:
            return
        noted = self._noted_settlements.get(changed.user_id, 0)
        fresh = account.settlements[noted:]
        self._noted_settlements[changed.user_id] = noted + len(fresh)
        held = _Holding(replace(changed.position), account.cash, fresh)
        self._pending.append((changed.now, changed.user_id, held))

    def catch_up(self, now: int) -> None:
        """Let the image follow to ``now`` less the lag, times in ns; it never goes back."""
        self.as_of = max(self.as_of, now - self.lag_ns)
        while self._pending and self._pending[0][0] <= self.as_of:
            ns, user_id, change = self._pending.popleft()
            self._apply(self._portfolio(user_id), ns, change)

    def portfolio(self, now: int, user_id: str) -> Portfolio:
        """The image of one account as the reads show it at ``now``. Raises KeyError for a stranger."""
        self.catch_up(now)
        return self._portfolio(user_id)

    def _portfolio(self, user_id: str) -> Portfolio:
        portfolio = self._portfolios.get(user_id)
        if portfolio is None:
            cash = self._venue.accounts[user_id].cash
            portfolio = self._portfolios[user_id] = Portfolio(cash, self.as_of)
        return portfolio

    @staticmethod
    def _apply(portfolio: Portfolio, ns: int, change: _Change) -> None:
        match change:
            case Order():
                portfolio.orders[change.order_id] = change
            case Filled():
                portfolio.fills.append(change)
            case _Holding():
                portfolio.positions[change.position.ticker] = change.position
                portfolio.cash, portfolio.updated_ns = change.cash, ns
                portfolio.settlements += change.settlements


def _image(account: Account, now: int) -> Portfolio:
    return Portfolio(
        account.cash,
        now,
        {order.order_id: replace(order) for order in account.orders},
        [],
        {ticker: replace(position) for ticker, position in account.positions.items()},
        list(account.settlements),
    )
