"""The rows of the account's reads, as they stand on the wire, and what they say in the core's words.

Source: protocol section 7. Fields that are not named pass by unread.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from mm.core.events import Fill, OrderReport, PositionReport
from mm.core.units import Money, Nanos
from mm.kalshi import codec, wire
from mm.kalshi.conversation import Page
from mm.kalshi.numbers import NumberError, parse_count, parse_money, parse_time

T = TypeVar("T")
M = TypeVar("M")
_CENT: Money = 10_000


class UserDataTimestamp(msgspec.Struct):
    as_of_time: str

    def nanos(self) -> Nanos:
        """:raises NumberError: if it is no time."""
        return parse_time(self.as_of_time)


class OrderRow(msgspec.Struct):
    order_id: str
    ticker: str
    status: str
    book_side: str
    yes_price_dollars: str
    fill_count_fp: str
    remaining_count_fp: str
    client_order_id: str | None = ""

    def report(self, ts: Nanos, request_id: int, as_of: Nanos) -> OrderReport:
        """:raises NumberError: for a number, side or status that is not known."""
        message = wire.UserOrderMessage(
            order_id=self.order_id,
            ticker=self.ticker,
            status=self.status,
            book_side=self.book_side,
            yes_price_dollars=self.yes_price_dollars,
            fill_count_fp=self.fill_count_fp,
            remaining_count_fp=self.remaining_count_fp,
            client_order_id=self.client_order_id or "",
        )
        report = _converted(codec.order_report, ts, message)
        if report is None:
            raise NumberError(f"unknown order status: {self.status[:40]!r}")
        return msgspec.structs.replace(report, request_id=request_id, as_of=as_of)


class OneOrder(msgspec.Struct):
    order: OrderRow


class OrdersPage(Page, kw_only=True):
    orders: list[OrderRow] | None  # Go writes null for an empty list


class FillsPage(Page, kw_only=True):
    fills: list[wire.FillMessage] | None


class PositionRow(msgspec.Struct):
    ticker: str
    position_fp: str
    market_exposure_dollars: str
    realized_pnl_dollars: str
    fees_paid_dollars: str

    def report(self) -> PositionReport:
        """:raises NumberError: for a number that is none."""
        return PositionReport(
            self.ticker,
            position=parse_count(self.position_fp),
            cost=parse_money(self.market_exposure_dollars),
            realized=parse_money(self.realized_pnl_dollars),
            fees=parse_money(self.fees_paid_dollars),
        )


class PositionsPage(Page, kw_only=True):
    market_positions: list[PositionRow] | None


class Balance(msgspec.Struct):
    """``balance`` is in cents, cut off; ``balance_dollars`` has the four decimals."""

    balance: int
    balance_dollars: str | None = None

    def money(self) -> Money:
        """:raises NumberError: if it is no number."""
        return self.balance * _CENT if self.balance_dollars is None else parse_money(self.balance_dollars)


def fill(ts: Nanos, row: wire.FillMessage) -> Fill:
    """:raises NumberError: for a number or side that is not known."""
    return _converted(codec.fill, ts, row)


def _converted(convert: Callable[[Nanos, M], T], ts: Nanos, message: M) -> T:
    try:
        return convert(ts, message)
    except KeyError as error:
        raise NumberError(f"unknown word: {error}") from error
