"""Asking the exchange about our orders and our account, as conversations.

Reads lag the engine (protocol section 5.8): each begins with the exchange's own word for how fresh its
reads are, and what is not complete is reported as an error, never as a shorter list (faults F08, F34).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar
from urllib.parse import quote

import msgspec

from mm.core.actions import QueryAccount, QueryOrder
from mm.core.events import AccountReport, AnyEvent, ApiError, OrderReport, OrderStatus, RequestKind
from mm.core.units import SECOND, Nanos, Side
from mm.kalshi.account_rows import (
    Balance,
    FillsPage,
    OneOrder,
    OrderRow,
    OrdersPage,
    PositionsPage,
    UserDataTimestamp,
    fill,
)
from mm.kalshi.conversation import (
    Conversation,
    Cost,
    HttpRequest,
    HttpResponse,
    ReadError,
    decoded,
    get,
    pages,
)
from mm.kalshi.numbers import NumberError

T = TypeVar("T")
CLOCK_MARGIN: Final = 60  # seconds: our clock and the exchange's differ, and ids are few
_timestamp = msgspec.json.Decoder(UserDataTimestamp).decode
_one_order = msgspec.json.Decoder(OneOrder).decode
_orders = msgspec.json.Decoder(OrdersPage).decode
_fills = msgspec.json.Decoder(FillsPage).decode
_positions = msgspec.json.Decoder(PositionsPage).decode
_balance = msgspec.json.Decoder(Balance).decode


def query_order(action: QueryOrder) -> Conversation[AnyEvent]:
    """An `OrderReport`, ``ABSENT`` if the exchange does not have it, or an `ApiError`.

    An absent order has no side and no price: the report says ``BID`` at 0.
    """
    try:
        as_of = yield from _as_of()
        search = _by_order_id(action) if action.order_id else _by_client_order_id(action)
        response, row = yield from search
        if row is None:
            return _absent(action, response.ts, as_of)
        return _trusted(response, lambda: row.report(response.ts, action.request_id, as_of))
    except ReadError as error:
        return _api_error(action.request_id, RequestKind.QUERY_ORDER, error)


def query_account(action: QueryAccount) -> Conversation[AnyEvent]:
    """An `AccountReport` read in the order that it documents, or an `ApiError`: never a part of one. Its
    fills are the oldest first, as they happened; the exchange lists the newest first (protocol section 7)."""
    try:
        return (yield from _account(action))
    except ReadError as error:
        return _api_error(action.request_id, RequestKind.QUERY_ACCOUNT, error)


def _account(action: QueryAccount) -> Conversation[AccountReport]:
    as_of = yield from _as_of()
    _, orders = yield from pages("/portfolio/orders", _orders, {"status": "resting"})
    since = max(action.fills_from // SECOND, 0)
    _, fills = yield from pages("/portfolio/fills", _fills, {"min_ts": since} if since else {})
    _, positions = yield from pages("/portfolio/positions", _positions)
    response, balance = yield from get("/portfolio/balance", _balance, cost=Cost.READ_BALANCE)
    newest_first = [row for page in fills for row in page.fills or ()]
    return _trusted(
        response,
        lambda: AccountReport(
            response.ts,
            action.request_id,
            as_of=as_of,
            cash=balance.money(),
            positions=tuple(row.report() for page in positions for row in page.market_positions or ()),
            resting=tuple(
                row.report(response.ts, action.request_id, as_of)
                for page in orders
                for row in page.orders or ()
            ),
            fills=tuple(fill(response.ts, row) for row in reversed(newest_first)),
            fills_from=action.fills_from,
        ),
    )


def _as_of() -> Conversation[Nanos]:
    response, body = yield from get("/exchange/user_data_timestamp", _timestamp)
    return _trusted(response, body.nanos)


def _by_order_id(action: QueryOrder) -> Conversation[tuple[HttpResponse, OrderRow | None]]:
    path = f"/portfolio/orders/{quote(action.order_id, safe='')}"
    response = yield HttpRequest("GET", path, cost=Cost.READ_ORDER)
    if response.status == 404:
        return response, None
    row = decoded(response, _one_order).order
    if row.order_id != action.order_id:
        raise ReadError(response, "another_order", "the answer is about another order")
    return response, row


def _by_client_order_id(action: QueryOrder) -> Conversation[tuple[HttpResponse, OrderRow | None]]:
    """There is no look-up by our own id: list the market's orders since then (protocol section 5.4)."""
    since = action.sent_at // SECOND - CLOCK_MARGIN
    bound = {"min_ts": since} if since > 0 else {}
    response, found = yield from pages("/portfolio/orders", _orders, {"ticker": action.ticker, **bound})
    rows = (row for page in found for row in page.orders or ())
    return response, next((row for row in rows if row.client_order_id == action.client_order_id), None)


def _absent(action: QueryOrder, ts: Nanos, as_of: Nanos) -> OrderReport:
    return OrderReport(
        ts,
        action.request_id,
        action.client_order_id,
        action.order_id,
        action.ticker,
        Side.BID,
        OrderStatus.ABSENT,
        price=0,
        filled=0,
        remaining=0,
        as_of=as_of,
    )


def _trusted(response: HttpResponse, convert: Callable[[], T]) -> T:
    """What the rows say, or the error that one of them says something that cannot be."""
    try:
        return convert()
    except NumberError as error:
        raise ReadError(response, "unreadable", str(error)[:300]) from error


def _api_error(request_id: int, kind: RequestKind, error: ReadError) -> ApiError:
    return ApiError(error.ts, request_id, kind, error.status, error.code, error.message)
