"""The REST face in process, writes: what is accepted, refused and charged, in the words of the exchange."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mm.sim.buckets import BASIC
from mm.sim.rest import PREFIX
from tests.sim.faces import OPEN, SECOND, Face, order, spec, traded


def test_writes_fit_the_specification() -> None:
    face, api = Face(), spec("openapi")
    maker = face.create("bob", "ask", "0.56", "10")
    api.check(maker, "CreateOrderV2Response")
    assert (maker["fill_count"], maker["remaining_count"]) == ("0.00", "10.00")
    taker = face.create("ann", "bid", "0.99", "1", time_in_force="immediate_or_cancel", client_order_id="x")
    api.check(taker, "CreateOrderV2Response")
    assert taker["client_order_id"] == "x"
    assert (taker["average_fill_price"], taker["average_fee_paid"]) == ("0.5600", "0.0173")
    path = f"/portfolio/events/orders/{maker['order_id']}"
    amended = face.ask(
        "bob", "POST", f"{path}/amend", {"ticker": OPEN, "side": "ask", "price": "0.57", "count": "11"}
    )
    assert amended.status == 200
    api.check(json.loads(amended.body), "AmendOrderV2Response")
    assert json.loads(amended.body)["remaining_count"] == "10.00"
    decreased = face.ask("bob", "POST", f"{path}/decrease", {"reduce_by": "4"})
    api.check(json.loads(decreased.body), "DecreaseOrderV2Response")
    assert json.loads(decreased.body)["remaining_count"] == "6.00"
    canceled = face.ask("bob", "DELETE", path, query=f"market_ticker={OPEN}")
    api.check(json.loads(canceled.body), "CancelOrderV2Response")
    assert json.loads(canceled.body)["reduced_by"] == "6.00"
    again = face.ask("bob", "DELETE", path)
    assert again.status == 404
    assert json.loads(again.body) == {"error": {"code": "not_found", "message": "not found"}}


def test_a_batch_answers_for_each_order_in_its_place() -> None:
    face, api = Face(), spec("openapi")
    wrong_price, numbers = order("bid", "0.405", "1"), {**order("bid", "0.41", "1"), "count": 1}
    placed = face.ask(
        "ann",
        "POST",
        "/portfolio/events/orders/batched",
        {"orders": [order("bid", "0.40", "1"), wrong_price, numbers]},
    )
    assert placed.status == 201
    body = json.loads(placed.body)
    api.check(body, "BatchCreateOrdersV2Response")
    assert body["orders"][0]["remaining_count"] == "1.00"
    assert body["orders"][1]["error"]["code"] == "invalid_price"
    assert body["orders"][2]["error"]["code"] == "bad_request"
    ids = [body["orders"][0]["order_id"], "no-such-order"]
    canceled = face.ask(
        "ann", "DELETE", "/portfolio/events/orders/batched", {"orders": [{"order_id": one} for one in ids]}
    )
    assert canceled.status == 200
    rows = json.loads(canceled.body)
    api.check(rows, "BatchCancelOrdersV2Response")
    assert [row["reduced_by"] for row in rows["orders"]] == ["1.00", "0.00"]
    assert rows["orders"][1]["order_id"] == "no-such-order"
    assert rows["orders"][1]["error"]["code"] == "not_found"


def test_cancel_all_is_204_without_a_body() -> None:
    face = traded()
    response = face.ask("ann", "DELETE", "/portfolio/events/orders")
    assert (response.status, response.body) == (204, b"")
    assert face.get("/portfolio/orders", "status=resting")["orders"] == []


@pytest.mark.parametrize(
    ("change", "status", "expected"),
    [
        (
            {"count": 1},
            400,
            {
                "code": "bad_request",
                "message": "bad request",
                "details": "json: cannot unmarshal number into Go struct field "
                "CreateOrderV2Request.count of type string",
            },
        ),
        ({"price": "1.0000"}, 400, "invalid_price"),
        ({"price": "0.5"}, 400, "invalid_price"),
        ({"price": "0.555"}, 400, "invalid_price"),
        ({"count": "1.234"}, 400, "invalid_order_size"),
        ({"count": "0"}, 400, "invalid_order_size"),
        ({"post_only": True, "price": "0.60"}, 400, "invalid_order"),
        ({"time_in_force": "fill_or_kill", "count": "50"}, 409, "fill_or_kill_insufficient_resting_volume"),
        ({"client_order_id": "ann-1"}, 409, "order_already_exists"),
        ({"ticker": "KXNONE"}, 404, "market_not_found"),
        ({"ticker": "KXTEST-27-A"}, 409, "market_not_open"),
        ({"subaccount": 3}, 404, "user_not_found"),
        ({"price": "0.99", "count": "5000"}, 400, "insufficient_balance"),
    ],
)
def test_a_create_is_refused_as_the_exchange_words_it(change: Any, status: int, expected: Any) -> None:
    face = traded()
    response = face.ask("ann", "POST", "/portfolio/events/orders", {**order("bid", "0.41", "1"), **change})
    body = json.loads(response.body)
    assert response.status == status
    assert (body if isinstance(expected, dict) else body["error"]["code"]) == expected


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"ticker":"KXTEST-26-A"}', b'{"side":"buy"}', b"\xff"])
def test_an_unreadable_create_is_a_flat_400(body: bytes) -> None:
    response = Face().ask("ann", "POST", "/portfolio/events/orders", body)
    assert response.status == 400
    assert json.loads(response.body)["code"] == "bad_request"


def test_unknown_keys_nulls_and_shorter_decimals_are_accepted() -> None:
    face = Face()
    placed = face.create(
        "ann", "bid", "0.41", "1.5", something={"new": 1}, order_group_id=None, exchange_index=-1
    )
    assert placed["remaining_count"] == "1.50"


def test_the_first_order_paths_are_gone() -> None:
    face = Face()
    for method, path in (
        ("POST", ""),
        ("DELETE", "/some-id"),
        ("POST", "/batched"),
        ("POST", "/some-id/amend"),
    ):
        response = face.ask("ann", method, f"/portfolio/orders{path}", {})
        assert response.status == 410
        assert json.loads(response.body)["error"]["code"] == "deprecated_v1_order_endpoint"


def test_a_used_up_budget_is_429_and_fills_up_again() -> None:
    face = Face(tier=BASIC)
    for number in range(10):
        face.create("ann", "bid", "0.40", "1", client_order_id=str(number))
    refused = face.ask("ann", "POST", "/portfolio/events/orders", order("bid", "0.40", "1"))
    assert (refused.status, json.loads(refused.body)) == (429, {"error": "too many requests"})
    assert face.ask("bob", "POST", "/portfolio/events/orders", order("bid", "0.40", "1")).status == 201
    face.wait(SECOND // 50)
    assert face.ask("ann", "DELETE", "/portfolio/events/orders").status == 204
    assert face.ask("ann", "DELETE", "/portfolio/events/orders").status == 429


def test_a_batch_must_fit_the_budget_as_a_whole() -> None:
    face = Face(tier=BASIC)
    batch = {"orders": [order("bid", "0.40", "1")] * 11}
    assert face.ask("ann", "POST", "/portfolio/events/orders/batched", batch).status == 429
    assert face.get("/portfolio/orders")["orders"] == []
    batch["orders"].pop()
    assert face.ask("ann", "POST", "/portfolio/events/orders/batched", batch).status == 201


def test_the_balance_has_a_budget_of_its_own() -> None:
    face = Face(tier=BASIC)
    assert face.ask("ann", "GET", "/portfolio/balance").status == 200
    assert face.ask("ann", "GET", "/portfolio/balance").status == 429
    face.wait(SECOND)
    assert face.ask("ann", "GET", "/portfolio/balance").status == 200


def test_an_amend_tells_counts_only_where_it_traded_or_resized() -> None:
    face = Face()
    placed = face.create("bob", "ask", "0.56", "10")
    path = f"/portfolio/events/orders/{placed['order_id']}/amend"

    def amend(**change: Any) -> Any:
        body = {"ticker": OPEN, "side": "ask", "price": "0.56", "count": "10", **change}
        return json.loads(face.ask("bob", "POST", path, body).body)

    assert set(amend(price="0.57")) == {"order_id", "ts_ms"}
    assert amend(count="8", updated_client_order_id="new")["remaining_count"] == "8.00"
    face.create("ann", "bid", "0.50", "3")
    crossed = amend(price="0.50", count="8")
    assert (crossed["fill_count"], crossed["remaining_count"]) == ("3.00", "5.00")
    assert (crossed["average_fill_price"], crossed["client_order_id"]) == ("0.5000", "new")
    assert amend(side="bid")["error"]["code"] == "order_side_mismatch"
    assert amend(expiration_time=face.now)["code"] == "bad_request"


def test_the_limits_and_costs_are_those_that_are_charged() -> None:
    face = Face(tier=BASIC)
    assert face.get("/account/limits") == {
        "usage_tier": "basic",
        "read": {"refill_rate": 200, "bucket_capacity": 200},
        "write": {"refill_rate": 100, "bucket_capacity": 100},
        "grants": [],
    }
    costs = face.get("/account/endpoint_costs", user="bob")
    assert costs["default_cost"] == 10
    listed = {(one["method"], one["path"]): one["cost"] for one in costs["endpoint_costs"]}
    assert {key: cost for key, cost in listed.items() if key not in COSTED} == {}
    assert all(listed[key] == cost for key, cost in COSTED.items())


COSTED = {
    ("DELETE", f"{PREFIX}/portfolio/events/orders"): 2,
    ("DELETE", f"{PREFIX}/portfolio/events/orders/batched"): 2,
    ("DELETE", f"{PREFIX}/portfolio/events/orders/{{order_id}}"): 2,
    ("GET", f"{PREFIX}/portfolio/orders/{{order_id}}"): 2,
    ("POST", f"{PREFIX}/account/api_usage_level/upgrade"): 30,
}
