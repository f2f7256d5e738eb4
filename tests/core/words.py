"""How stories speak of the core's things: wishes, orders and actions as short text, and back.

Prices in text are cents and counts contracts, as in ``tests/ladders.py``. An order is called ``#1`` by the
number that the engine gave it; the exchange calls it ``X1``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from mm.core import strategy
from mm.core.actions import (
    Alert,
    AmendOrder,
    AnyAction,
    CancelAll,
    CancelOrder,
    PlaceOrder,
    QueryAccount,
    QueryOrder,
    Reconnect,
    Resubscribe,
    Stop,
    Withhold,
)
from mm.core.events import Fill, OrderReport, OrderStatus
from mm.core.order import Order
from mm.core.strategy import Decision, MarketView, Quote
from mm.core.units import CENT, CONTRACT, Count, Money, Nanos, Price, Side
from tests.ladders import book

PREFIX = "bot-run1-"


def quotes(text: str) -> tuple[Quote, ...]:
    """``50:10 | 54:10``: what a strategy may want, bids left of the bar."""
    ladder = book(text)
    bids = [Quote(Side.BID, price, count) for price, count in ladder.bids]
    return (*bids, *(Quote(Side.ASK, price, count) for price, count in ladder.asks))


class Scripted:
    """Wants what the story says; remembers what it was shown."""

    Params: ClassVar[type[strategy.Params]] = strategy.Params

    def __init__(self, wishes: dict[str, str], seen: list[MarketView]) -> None:
        self._wishes = wishes
        self._seen = seen

    def quotes(self, view: MarketView) -> Decision:
        self._seen.append(view)
        return Decision(quotes(self._wishes.get(view.ticker, "|")))


def cents(price: Price) -> str:
    return f"{price / CENT:g}"


def contracts(count: Count) -> str:
    return f"{count / CONTRACT:g}"


def number(client_order_id: str) -> str:
    return "#" + client_order_id.removeprefix(PREFIX)


WORDS: dict[type, Callable[..., str]] = {
    PlaceOrder: lambda a: (
        f"place {number(a.client_order_id)} {a.side.value} {contracts(a.count)}@{cents(a.price)}"
    ),
    AmendOrder: lambda a: f"amend {number(a.client_order_id)} {contracts(a.count)}@{cents(a.price)}",
    CancelOrder: lambda a: f"cancel {number(a.client_order_id)}",
    CancelAll: lambda a: "cancel all",
    QueryOrder: lambda a: f"ask about {number(a.client_order_id)}",
    QueryAccount: lambda a: "read account",
    Resubscribe: lambda a: f"resubscribe {a.ticker}",
    Reconnect: lambda a: "reconnect",
    Withhold: lambda a: "withhold",
    Alert: lambda a: f"alert {a.category}",
    Stop: lambda a: f"stop {a.exit_code}",
}


def said(actions: list[AnyAction]) -> list[str]:
    """The actions as lines of a story."""
    return [WORDS[type(action)](action) for action in actions]


def exchange_id(order: Order) -> str:
    """The exchange's id of #1 is X1."""
    return order.order_id or "X" + order.client_order_id.removeprefix(PREFIX)


def fill_of(order: Order, count: float, now: Nanos, fee: Money = 0, trade_id: str = "t1") -> Fill:
    return Fill(
        now,
        trade_id,
        order_id=exchange_id(order),
        client_order_id=order.client_order_id,
        ticker=order.ticker,
        side=order.side,
        price=order.price,
        count=round(count * CONTRACT),
        fee=fee,
        is_taker=False,
    )


def row(client_order_id: str, order_id: str, text: str = "bid 10@50", filled: float = 0) -> OrderReport:
    """An order as an account read shows it: ``bid 10@50`` remain."""
    side, what = text.split()
    count, price = what.split("@")
    return OrderReport(
        0,
        0,
        client_order_id,
        order_id,
        "KXA",
        Side(side),
        OrderStatus.RESTING,
        price=round(float(price) * CENT),
        filled=round(filled * CONTRACT),
        remaining=round(float(count) * CONTRACT),
    )
