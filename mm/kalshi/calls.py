"""Each order request as a conversation that always ends in exactly one event, whatever comes back.

The rule for writes: a refusal is believed only from the exchange itself (4xx), a success only if it names
our order; all else is doubt. Sources: protocol sections 5.1 to 5.4 and 5.7; faults F01 to F07, F12.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias
from urllib.parse import quote

import msgspec

from mm.core.actions import (
    AmendOrder,
    CancelAll,
    CancelOrder,
    PlaceOrder,
    QueryAccount,
    QueryOrder,
    TimeInForce,
)
from mm.core.events import (
    AmendReject,
    AnyEvent,
    ApiError,
    CancelAllDone,
    CancelReject,
    OrderAck,
    OrderAmended,
    OrderCanceled,
    OrderInDoubt,
    OrderReject,
    RequestKind,
)
from mm.core.units import SECOND, Nanos, count_text, price_text
from mm.kalshi.conversation import (
    Conversation,
    Cost,
    HttpRequest,
    HttpResponse,
    error_of,
    has_own_code,
)
from mm.kalshi.numbers import NumberError, parse_size
from mm.kalshi.queries import query_account, query_order
from mm.kalshi.wire import UNREADABLE

RequestAction: TypeAlias = PlaceOrder | AmendOrder | CancelOrder | CancelAll | QueryOrder | QueryAccount
OrderAction: TypeAlias = PlaceOrder | AmendOrder | CancelOrder

ORDERS: Final = "/portfolio/events/orders"
KINDS: Final[dict[type, RequestKind]] = {
    PlaceOrder: RequestKind.PLACE,
    AmendOrder: RequestKind.AMEND,
    CancelOrder: RequestKind.CANCEL,
    CancelAll: RequestKind.CANCEL_ALL,
    QueryOrder: RequestKind.QUERY_ORDER,
    QueryAccount: RequestKind.QUERY_ACCOUNT,
}
_REJECTS: Final[dict[type, Callable[..., OrderReject | AmendReject | CancelReject]]] = {
    PlaceOrder: OrderReject,
    AmendOrder: AmendReject,
    CancelOrder: CancelReject,
}
_DOUBTFUL_REFUSALS: Final = frozenset({408, 425, 499})  # given by what stands between us and the exchange


class _CreateAnswer(msgspec.Struct):
    order_id: str
    fill_count: str
    remaining_count: str
    client_order_id: str | None = None


class _AmendAnswer(msgspec.Struct):
    order_id: str
    fill_count: str | None = None
    remaining_count: str | None = None


class _CancelAnswer(msgspec.Struct):
    order_id: str
    reduced_by: str


_create_answer: msgspec.json.Decoder[_CreateAnswer] = msgspec.json.Decoder(_CreateAnswer)
_amend_answer: msgspec.json.Decoder[_AmendAnswer] = msgspec.json.Decoder(_AmendAnswer)
_cancel_answer: msgspec.json.Decoder[_CancelAnswer] = msgspec.json.Decoder(_CancelAnswer)


def call(action: RequestAction, now: Nanos = 0) -> Conversation[AnyEvent]:
    """The conversation that carries out ``action``. ``now`` dates an answer that needs no request."""
    match action:
        case PlaceOrder():
            return _place(action)
        case AmendOrder():
            return _amend(action) if action.order_id else _unnamed(action, now)
        case CancelOrder():
            return _cancel(action) if action.order_id else _unnamed(action, now)
        case CancelAll():
            return _cancel_all(action)
        case QueryOrder():
            return query_order(action)
        case QueryAccount():
            return query_account(action)


def refusal(action: OrderAction, ts: Nanos, status: int, code: str, message: str = "") -> AnyEvent:
    """The event that says: the exchange, or we ourselves (``status`` 0), did not do it."""
    return _REJECTS[type(action)](ts, action.request_id, action.client_order_id, status, code, message)


def doubt(action: RequestAction, ts: Nanos, status: int, reason: str) -> AnyEvent:
    """The event that says: whether it was done is not known."""
    kind = KINDS[type(action)]
    if isinstance(action, PlaceOrder | AmendOrder | CancelOrder):
        return OrderInDoubt(ts, action.request_id, action.client_order_id, kind, status, reason)
    return ApiError(ts, action.request_id, kind, status, "in_doubt", reason)


def _unnamed(action: OrderAction, now: Nanos) -> Conversation[AnyEvent]:
    """Without an order id the path would be that of cancel-all."""
    yield from ()
    return refusal(action, now, 0, "no_order_id")


# -- the three writes of one order --------------------------------------------------------------------
def _place(action: PlaceOrder) -> Conversation[AnyEvent]:
    response = yield HttpRequest("POST", ORDERS, body=_create_body(action), cost=Cost.CREATE)
    if not response.is_success:
        return _not_done(action, response)
    try:
        answer = _create_answer.decode(response.body)
        filled, remaining = parse_size(answer.fill_count), parse_size(answer.remaining_count)
    except (*UNREADABLE, NumberError) as error:
        return _doubt_of(action, response, f"answer not understood: {error}")
    if not answer.order_id:
        return _doubt_of(action, response, "the answer names no order")
    if answer.client_order_id not in (None, "", action.client_order_id):
        return _doubt_of(action, response, "the answer names another order")
    if filled + remaining > action.count:
        return _doubt_of(action, response, "the answer counts more than was ordered")
    return OrderAck(
        response.ts, action.request_id, action.client_order_id, answer.order_id, filled, remaining
    )


def _create_body(action: PlaceOrder) -> bytes:
    """Numbers as strings; ``expiration_time`` in whole seconds and only with GTC (protocol section 5.1)."""
    body: dict[str, Any] = {
        "ticker": action.ticker,
        "client_order_id": action.client_order_id,
        "side": action.side.value,
        "count": count_text(action.count),
        "price": price_text(action.price),
        "time_in_force": action.time_in_force.value,
        "self_trade_prevention_type": "taker_at_cross",
    }
    if action.post_only:
        body["post_only"] = True
    if action.reduce_only:
        body["reduce_only"] = True
    if action.cancel_on_pause:
        body["cancel_order_on_pause"] = True
    if action.expires_at and action.time_in_force is TimeInForce.GTC:
        body["expiration_time"] = action.expires_at // SECOND
    return msgspec.json.encode(body)


def _amend(action: AmendOrder) -> Conversation[AnyEvent]:
    path = f"{ORDERS}/{quote(action.order_id, safe='')}/amend"
    response = yield HttpRequest("POST", path, body=_amend_body(action), cost=Cost.AMEND)
    if not response.is_success:
        return _not_done(action, response)
    try:
        answer = _amend_answer.decode(response.body)
        filled, remaining = _optional_size(answer.fill_count), _optional_size(answer.remaining_count)
    except (*UNREADABLE, NumberError) as error:
        return _doubt_of(action, response, f"answer not understood: {error}")
    if answer.order_id != action.order_id:
        return _doubt_of(action, response, "the answer names another order")
    return OrderAmended(
        response.ts,
        action.request_id,
        action.client_order_id,
        action.order_id,
        price=action.price,
        filled=filled,
        remaining=remaining,
    )


def _amend_body(action: AmendOrder) -> bytes:
    body = {
        "ticker": action.ticker,
        "side": action.side.value,
        "price": price_text(action.price),
        "count": count_text(action.count),
        "client_order_id": action.client_order_id,
    }
    return msgspec.json.encode({name: value for name, value in body.items() if value})


def _optional_size(text: str | None) -> int | None:
    return None if text is None else parse_size(text)


def _cancel(action: CancelOrder) -> Conversation[AnyEvent]:
    """``market_ticker`` routes it to the market's shard; without it the order may seem not to exist."""
    path = f"{ORDERS}/{quote(action.order_id, safe='')}"
    query = f"market_ticker={quote(action.ticker, safe='')}"
    response = yield HttpRequest("DELETE", path, query, cost=Cost.CANCEL)
    if not response.is_success:
        return _not_done(action, response)
    try:
        answer = _cancel_answer.decode(response.body)
        reduced_by = parse_size(answer.reduced_by)
    except (*UNREADABLE, NumberError) as error:
        return _doubt_of(action, response, f"answer not understood: {error}")
    if answer.order_id != action.order_id:
        return _doubt_of(action, response, "the answer names another order")
    return OrderCanceled(response.ts, action.request_id, action.client_order_id, action.order_id, reduced_by)


def _cancel_all(action: CancelAll) -> Conversation[AnyEvent]:
    response = yield HttpRequest("DELETE", ORDERS, cost=Cost.CANCEL_ALL)
    if response.is_success:
        return CancelAllDone(response.ts, action.request_id)
    code, message = error_of(response) if response.status else ("no_answer", response.error)
    if not response.status and not response.was_sent:
        code = "not_sent"
    return ApiError(response.ts, action.request_id, RequestKind.CANCEL_ALL, response.status, code, message)


# -- what a failure proves ----------------------------------------------------------------------------
def _not_done(action: OrderAction, response: HttpResponse) -> AnyEvent:
    """A refusal if the response proves one, else doubt."""
    status = response.status
    if not status and not response.was_sent:
        return refusal(action, response.ts, 0, "not_sent", response.error)
    if not 400 <= status < 500 or status in _DOUBTFUL_REFUSALS:
        return _doubt_of(action, response, response.error or error_of(response)[1] or f"HTTP {status}")
    code, message = error_of(response)
    if code == "order_already_exists" and isinstance(action, PlaceOrder):
        return _doubt_of(action, response, code)
    if status == 404 and not isinstance(action, PlaceOrder):
        if not has_own_code(response):
            return _doubt_of(action, response, "404, but not from the exchange")
        code = "not_found"
    return refusal(action, response.ts, status, code, message)


def _doubt_of(action: OrderAction, response: HttpResponse, reason: str) -> AnyEvent:
    return doubt(action, response.ts, response.status, reason[:300])
