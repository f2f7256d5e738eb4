"""Order requests as they leave, and what each possible answer means."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mm.core.actions import AmendOrder, CancelAll, CancelOrder, PlaceOrder, TimeInForce
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
from mm.core.units import SECOND, Side
from mm.kalshi.calls import call
from mm.kalshi.conversation import Cost, HttpRequest, HttpResponse
from tests.kalshi.talk import TS, answer, lost, talk

PLACE = PlaceOrder(1, "mine-1", "M", Side.ASK, 5_600, 1_050)
AMEND = AmendOrder(2, "mine-1", "order-1", "M", Side.BID, 4_710, 2_000)
CANCEL = CancelOrder(3, "mine-1", "order-1", "M&N")
CREATED = {
    "order_id": "order-1",
    "client_order_id": "mine-1",
    "fill_count": "0.50",
    "remaining_count": "10.00",
}
NOT_FOUND = {"error": {"code": "not_found", "message": "not found"}}


def ask(action: PlaceOrder | AmendOrder | CancelOrder | CancelAll, response: HttpResponse) -> AnyEvent:
    return talk(call(action), response)[0]


# -- requests -------------------------------------------------------------------------------------------
def place_body(**change: Any) -> dict[str, Any]:
    action = PlaceOrder(**{name: getattr(PLACE, name) for name in PLACE.__struct_fields__} | change)
    _, (request,) = talk(call(action), answer(201, CREATED))
    assert (request.method, request.path, request.query) == ("POST", "/portfolio/events/orders", "")
    assert request.cost is Cost.CREATE
    body: dict[str, Any] = json.loads(request.body)
    return body


def test_a_create_as_the_exchange_wants_it() -> None:
    assert place_body() == {
        "ticker": "M",
        "client_order_id": "mine-1",
        "side": "ask",
        "count": "10.50",
        "price": "0.5600",
        "time_in_force": "good_till_canceled",
        "self_trade_prevention_type": "taker_at_cross",
        "post_only": True,
    }


def test_expiry_is_in_seconds_and_only_with_good_till_canceled() -> None:
    assert place_body(expires_at=1_999_999_999 * SECOND + 5)["expiration_time"] == 1_999_999_999
    ioc = place_body(
        expires_at=SECOND, time_in_force=TimeInForce.IOC, reduce_only=True, post_only=False, side=Side.BID
    )
    assert "expiration_time" not in ioc and "post_only" not in ioc
    assert (ioc["time_in_force"], ioc["reduce_only"], ioc["side"]) == ("immediate_or_cancel", True, "bid")


def test_a_quote_may_be_cancelled_by_a_pause() -> None:
    assert place_body(cancel_on_pause=True)["cancel_order_on_pause"] is True


def test_an_amend_names_the_order_and_its_total() -> None:
    _, (request,) = talk(call(AMEND), answer(200, {"order_id": "order-1", "ts_ms": 1}))
    assert (request.method, request.path) == ("POST", "/portfolio/events/orders/order-1/amend")
    assert request.cost is Cost.AMEND
    assert json.loads(request.body) == {
        "ticker": "M",
        "side": "bid",
        "price": "0.4710",
        "count": "20.00",
        "client_order_id": "mine-1",
    }


def test_a_cancel_names_the_market_so_that_it_finds_the_shard() -> None:
    _, (request,) = talk(call(CANCEL), answer(200, {"order_id": "order-1", "reduced_by": "1.00"}))
    path = "/portfolio/events/orders/order-1"
    assert request == HttpRequest("DELETE", path, "market_ticker=M%26N", cost=Cost.CANCEL)


def test_an_id_cannot_break_out_of_its_path() -> None:
    action = CancelOrder(3, "mine-1", "../orders?x=1", "M")
    _, (request,) = talk(call(action), answer(404, NOT_FOUND))
    assert request.path == "/portfolio/events/orders/..%2Forders%3Fx%3D1"


def test_a_cancel_without_an_id_never_becomes_a_cancel_all() -> None:
    event, requests = talk(call(CancelOrder(3, "mine-1", "", "M"), now=9))
    assert event == CancelReject(9, 3, "mine-1", 0, "no_order_id") and requests == []
    event, requests = talk(call(AmendOrder(2, "mine-1", "", "M", Side.BID, 1, 1), now=9))
    assert event == AmendReject(9, 2, "mine-1", 0, "no_order_id") and requests == []


# -- success --------------------------------------------------------------------------------------------
def test_success() -> None:
    assert ask(PLACE, answer(201, CREATED)) == OrderAck(TS, 1, "mine-1", "order-1", 50, 1_000)
    nothing = {"order_id": "order-1", "fill_count": "0.00", "remaining_count": "0.00", "ts_ms": 1}
    assert ask(PLACE, answer(201, nothing)) == OrderAck(TS, 1, "mine-1", "order-1", 0, 0)
    amended = {"order_id": "order-1", "fill_count": None, "remaining_count": "20.00", "ts_ms": 1}
    assert ask(AMEND, answer(200, amended)) == OrderAmended(TS, 2, "mine-1", "order-1", 4_710, None, 2_000)
    canceled = {"order_id": "order-1", "reduced_by": "1.00", "ts_ms": 1}
    assert ask(CANCEL, answer(200, canceled)) == OrderCanceled(TS, 3, "mine-1", "order-1", 100)
    assert ask(CancelAll(4), answer(204)) == CancelAllDone(TS, 4)


# -- refusals -------------------------------------------------------------------------------------------
POST_ONLY = {"error": {"code": "invalid_order", "message": "invalid order", "details": "post only cross"}}
FLAT = {"code": "bad_request", "message": "bad request", "details": "json: cannot unmarshal number"}
MSG = {"msg": "Parameter validation failed for GetMarkets"}


@pytest.mark.parametrize(
    ("response", "code", "message"),
    [
        (answer(400, POST_ONLY), "post_only_cross", "invalid order: post only cross"),
        (answer(400, FLAT), "bad_request", "bad request: json: cannot unmarshal number"),
        (answer(400, MSG), "http_400", "Parameter validation failed for GetMarkets"),
        (answer(429, {"error": "too many requests"}), "too_many_requests", "too many requests"),
        (answer(429, b"<html>slow down</html>"), "too_many_requests", ""),
        (answer(403, b"<html>blocked</html>"), "http_403", ""),
        (answer(401, b""), "http_401", ""),
        (answer(409, {"error": {"code": "trading_is_paused"}}), "trading_is_paused", ""),
        (answer(400, {"error": {"code": 7, "message": []}}), "http_400", ""),
        (answer(400, {"error": None}), "http_400", ""),
    ],
)
def test_a_refusal_in_every_shape(response: HttpResponse, code: str, message: str) -> None:
    status = response.status
    assert ask(PLACE, response) == OrderReject(TS, 1, "mine-1", status, code, message)
    assert ask(AMEND, response) == AmendReject(TS, 2, "mine-1", status, code, message)
    assert ask(CANCEL, response) == CancelReject(TS, 3, "mine-1", status, code, message)
    event = ask(CancelAll(4), response)
    assert event == ApiError(TS, 4, RequestKind.CANCEL_ALL, status, code, message)


def test_what_never_left_is_a_refusal_of_our_own() -> None:
    response = lost("NewConnectionError", was_sent=False)
    assert ask(PLACE, response) == OrderReject(TS, 1, "mine-1", 0, "not_sent", "NewConnectionError")
    assert ask(AMEND, response) == AmendReject(TS, 2, "mine-1", 0, "not_sent", "NewConnectionError")
    assert ask(CANCEL, response) == CancelReject(TS, 3, "mine-1", 0, "not_sent", "NewConnectionError")
    event = ask(CancelAll(4), response)
    assert event == ApiError(TS, 4, RequestKind.CANCEL_ALL, 0, "not_sent", "NewConnectionError")


def test_not_found_is_believed_only_from_the_exchange() -> None:
    assert ask(AMEND, answer(404, NOT_FOUND)) == AmendReject(TS, 2, "mine-1", 404, "not_found", "not found")
    assert ask(CANCEL, answer(404, NOT_FOUND)) == CancelReject(TS, 3, "mine-1", 404, "not_found", "not found")
    for body in (b"", b"<html>404</html>"):
        assert isinstance(ask(CANCEL, answer(404, body)), OrderInDoubt)
        assert isinstance(ask(AMEND, answer(404, body)), OrderInDoubt)
    event = ask(PLACE, answer(404, {"error": {"code": "market_not_found"}}))
    assert event == OrderReject(TS, 1, "mine-1", 404, "market_not_found")


# -- doubt ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "response",
    [
        lost(),
        *(answer(status, {"error": {"code": "service_unavailable"}}) for status in (500, 502, 503, 504)),
        *(answer(status) for status in (301, 307, 408, 499, 100, 600)),
        answer(201, b""),
        answer(201, b"<html>welcome</html>"),
        answer(201, b'{"order_id":"order-1","fill_co'),
        answer(201, {}),
        answer(201, []),
        answer(
            201, {"order_id": ""} | {"fill_count": "0.00", "remaining_count": "0.00", "reduced_by": "0.00"}
        ),
        answer(201, {"order_id": 7, "fill_count": "0.00", "remaining_count": "0.00", "reduced_by": "0.00"}),
        answer(201, {"order_id": "order-1", "fill_count": "x", "remaining_count": "1", "reduced_by": "-1"}),
        answer(200, {"code": "deprecated_v1_order_endpoint"}),
    ],
)
def test_everything_else_is_doubt(response: HttpResponse) -> None:
    for action, kind in (
        (PLACE, RequestKind.PLACE),
        (AMEND, RequestKind.AMEND),
        (CANCEL, RequestKind.CANCEL),
    ):
        event = ask(action, response)
        assert isinstance(event, OrderInDoubt), (action, event)
        assert (event.kind, event.request_id, event.status) == (kind, action.request_id, response.status)
        assert event.client_order_id == "mine-1" and event.reason


def test_an_answer_about_another_order_is_doubt() -> None:
    assert isinstance(ask(AMEND, answer(200, {"order_id": "order-2"})), OrderInDoubt)
    assert isinstance(ask(CANCEL, answer(200, {"order_id": "order-2", "reduced_by": "1.00"})), OrderInDoubt)
    assert isinstance(ask(PLACE, answer(201, CREATED | {"client_order_id": "mine-2"})), OrderInDoubt)


def test_an_answer_that_counts_more_than_was_ordered_is_doubt() -> None:
    assert isinstance(ask(PLACE, answer(201, CREATED | {"fill_count": "0.51"})), OrderInDoubt)


def test_a_duplicate_id_on_create_probably_means_that_it_was_placed() -> None:
    body = {"error": {"code": "order_already_exists", "message": "order already exists"}}
    assert ask(PLACE, answer(409, body)) == OrderInDoubt(
        TS, 1, "mine-1", RequestKind.PLACE, 409, "order_already_exists"
    )
