"""What a long run forgets, so that its memory has a bound: the exchange keeps three months, a process cannot.

Forgotten are the trades and candlesticks of markets settled long ago, what the crowd held in them, and the
oldest ended orders and fills of a member. Never forgotten: markets, results, members' money, positions and
settlements, what rests, and which client order ids are used up.
"""

from __future__ import annotations

from collections import deque

from mm.sim.floor import Floor
from mm.sim.ledger import Account
from mm.sim.words import Filled, Order

MARKETS_KEPT = 250  # a day of the demo world
ORDERS_KEPT = 20_000  # of one member; and as many fills
_AT_ONCE = 1_000  # what is over is forgotten in batches


class Recent:
    """The settled markets whose history is still there, oldest first."""

    def __init__(self) -> None:
        self._tickers: deque[str] = deque()

    def push(self, ticker: str) -> list[str]:
        """One more was settled; returns those whose history is to be forgotten for it."""
        self._tickers.append(ticker)
        return [self._tickers.popleft() for _ in range(len(self._tickers) - MARKETS_KEPT)]


def forget_market(floor: Floor, ticker: str) -> None:
    """Its trades, and what the crowd held in it."""
    floor.trades[ticker].clear()
    for account in floor.ledger.accounts.values():
        if account.is_crowd:
            account.positions.pop(ticker, None)
            account.settlements = [one for one in account.settlements if one.ticker != ticker]


def forget_orders(floor: Floor, account: Account) -> None:
    """The oldest ended orders of a member, where there are too many."""
    if len(account.orders) <= ORDERS_KEPT + _AT_ONCE:
        return
    gone = _surplus(account.orders)
    account.orders = [order for order in account.orders if order.order_id not in gone]
    for order_id in gone:
        del floor.orders[order_id]


def trim_orders(orders: dict[str, Order]) -> None:
    """The same for an image of them, by order id."""
    if len(orders) > ORDERS_KEPT + _AT_ONCE:
        for order_id in _surplus(list(orders.values())):
            del orders[order_id]


def trim_fills(fills: list[Filled]) -> None:
    """The oldest of them, where there are too many."""
    if len(fills) > ORDERS_KEPT + _AT_ONCE:
        del fills[:-ORDERS_KEPT]


def _surplus(orders: list[Order]) -> set[str]:
    """Ids of ended orders, oldest first, down to what is kept; what rests stays, however much it is."""
    ended = [order.order_id for order in orders if order.status != "resting"]
    return set(ended[: len(orders) - ORDERS_KEPT])
