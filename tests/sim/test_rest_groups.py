"""Order groups on both faces: limits in both spellings, triggers, and what the stream tells of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.sim.faces import OPEN, Client, Face, order
from tests.sim.specs import spec

GROUPS = "/portfolio/order_groups"


def say(face: Face, method: str, path: str, body: Any = None, query: str = "", user: str = "ann") -> Any:
    response = face.ask(user, method, f"{GROUPS}{path}", {} if body is None else body, query)
    return response.status, json.loads(response.body)


def group(face: Face, contracts: int = 5, **more: Any) -> str:
    status, body = say(face, "POST", "/create", {"contracts_limit": contracts, **more})
    assert status == 201, body
    spec("openapi").check(body, "CreateOrderGroupResponse")
    return str(body["order_group_id"])


def test_a_group_lives_from_create_to_delete_and_the_stream_tells() -> None:
    face = Face()
    ann, bob = Client(face, "ann"), Client(face, "bob")
    for client in (ann, bob):
        client.subscribe("order_group_updates")
        client.new()
    name = group(face)
    first = face.create("ann", "bid", "0.40", "1", order_group_id=name)
    assert say(face, "GET", f"/{name}") == (
        200,
        {
            "is_auto_cancel_enabled": True,
            "contracts_limit_fp": "5.00",
            "exchange_index": 0,
            "orders": [first["order_id"]],
        },
    )
    assert say(face, "PUT", f"/{name}/trigger") == (200, {})
    assert face.get(f"/portfolio/orders/{first['order_id']}")["order"]["status"] == "canceled"
    refused = face.ask(
        "ann", "POST", "/portfolio/events/orders", order("bid", "0.40", "1", order_group_id=name)
    )
    assert refused.status == 400
    assert say(face, "GET", "")[1]["order_groups"][0]["is_auto_cancel_enabled"] is False
    assert say(face, "PUT", f"/{name}/reset") == (200, {})
    face.create("ann", "bid", "0.40", "1", order_group_id=name)
    assert say(face, "PUT", f"/{name}/limit", {"contracts_limit_fp": "7.50"}) == (200, {})
    assert say(face, "DELETE", f"/{name}") == (200, {})
    assert say(face, "GET", "") == (200, {"order_groups": []})
    frames = ann.new()
    for frame in frames:
        spec("asyncapi").check_frame(frame)
    told = [(one["msg"]["event_type"], one["msg"].get("contracts_limit_fp")) for one in frames]
    assert told == [
        ("created", "5.00"),
        ("triggered", None),
        ("reset", None),
        ("limit_updated", "7.50"),
        ("deleted", None),
    ]
    assert [one["seq"] for one in frames] == [1, 2, 3, 4, 5]
    assert bob.new() == []


def test_matches_trigger_and_the_user_order_names_its_group() -> None:
    face = Face()
    client = Client(face, "ann")
    client.subscribe("order_group_updates", "user_orders")
    client.new()
    name = group(face, 3)
    face.create("ann", "bid", "0.50", "3", order_group_id=name)
    face.create("ann", "bid", "0.40", "3", order_group_id=name)
    face.create("bob", "ask", "0.50", "3")
    frames = client.new()
    assert "triggered" in [one["msg"].get("event_type") for one in frames]
    orders = [one["msg"] for one in frames if one["type"] == "user_order"]
    assert {one["order_group_id"] for one in orders} == {name}
    assert [one["status"] for one in orders if one["yes_price_dollars"] == "0.4000"][-1] == "canceled"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"contracts_limit": 0},
        {"contracts_limit": -5},
        {"contracts_limit": 1_000_001},
        {"contracts_limit": 10**30},
        {"contracts_limit": 2.5},
        {"contracts_limit": "5"},
        {"contracts_limit_fp": 5},
        {"contracts_limit_fp": "five"},
        {"contracts_limit": 5, "contracts_limit_fp": "6.00"},
    ],
)
def test_a_limit_that_is_none_is_refused(body: Any) -> None:
    face = Face()
    name = group(face)
    assert say(face, "POST", "/create", body)[0] == 400
    assert say(face, "PUT", f"/{name}/limit", body)[0] == 400
    assert say(face, "GET", "")[1]["order_groups"][0]["contracts_limit_fp"] == "5.00"


def test_both_spellings_of_a_limit_may_agree_and_other_shards_are_nowhere() -> None:
    face = Face()
    both = {"contracts_limit": 5, "contracts_limit_fp": "5.00"}
    assert say(face, "POST", "/create", both)[0] == 201
    assert say(face, "POST", "/create", {**both, "exchange_index": 1})[0] == 404
    assert say(face, "POST", "/create", {**both, "subaccount": 9})[0] == 404


@pytest.mark.parametrize(
    ("method", "tail"),
    [("GET", ""), ("DELETE", ""), ("PUT", "/reset"), ("PUT", "/trigger"), ("PUT", "/limit")],
)
def test_strangers_and_unknown_groups_are_404(method: str, tail: str) -> None:
    face = Face()
    name = group(face)
    body = {"contracts_limit": 1}
    assert say(face, method, f"/{name}{tail}", body, user="bob")[0] == 404
    assert say(face, method, f"/nothing{tail}", body)[0] == 404
    assert say(face, method, f"/{name}{tail}", body, query="subaccount=1")[0] == 404
    assert face.get(f"/markets/{OPEN}")  # and the exchange goes on
    assert say(face, "GET", f"/{name}")[1]["contracts_limit_fp"] == "5.00"
