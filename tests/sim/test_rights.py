"""Scopes of keys: what each may do over HTTP and in process, and the 403 for the rest."""

from __future__ import annotations

import json

import pytest
from websockets.exceptions import InvalidStatus

from mm.sim.rest import PREFIX
from mm.sim.rest_routes import ROUTES
from mm.sim.rights import FULL, SCOPES, BadRights, Rights
from tests.sim.doors import Member, opened
from tests.sim.faces import Face, order

ORDERS = "/portfolio/events/orders"
# For each kind of key: what it may do, in the words of Route.scope.
GRANTS = {
    ("read", "write"): {"read", "write", "read::portfolio_balance", "write::trade", "write::transfer"},
    ("read",): {"read", "read::portfolio_balance"},
    ("read::portfolio_balance",): {"read::portfolio_balance"},
    ("write::trade",): {"write::trade"},
    ("write::transfer", "read"): {"write::transfer", "read", "read::portfolio_balance"},
    ("write::fcm_risk",): set(),
}


@pytest.mark.parametrize(("scopes", "granted"), GRANTS.items(), ids=lambda one: "+".join(sorted(one)))
def test_a_key_may_what_its_scopes_say_on_every_private_path(
    scopes: tuple[str, ...], granted: set[str]
) -> None:
    face, rights = Face(), Rights.of(scopes)
    for route in ROUTES:
        path = PREFIX + route.pattern
        answer = face.exchange.request(face.now, "ann", route.method, path, "", b"{}", rights=rights)
        face.wait(10_000_000_000)
        forbidden = answer.status == 403 and b"lacks the scope" in answer.body
        assert forbidden == (route.is_private and route.scope not in granted), route.operation
        if forbidden:
            error = json.loads(answer.body)["error"]
            assert error == {
                "code": "forbidden",
                "message": "forbidden",
                "details": f"this API key lacks the scope {route.scope}",
            }


def test_a_forbidden_order_is_not_placed_and_costs_nothing() -> None:
    with opened() as door:
        reader = Member("ann", door, Rights.of(["read"]))
        assert reader.ask("POST", ORDERS, order("bid", "0.40", "1")).status_code == 403
        assert reader.ask("GET", "/portfolio/orders").json()["orders"] == []
        with reader.stream() as stream:
            stream.say({"id": 1, "cmd": "list_subscriptions"})
            assert stream.next()["type"] == "ok"
        trader = Member("bob", door, Rights.of(["write::trade"]))
        assert trader.ask("POST", ORDERS, order("bid", "0.40", "1")).status_code == 201
        assert trader.ask("GET", "/portfolio/orders").status_code == 403
        with pytest.raises(InvalidStatus) as caught, trader.stream():
            pass
        assert caught.value.response.status_code == 403


def test_a_put_must_say_that_it_is_json() -> None:
    with opened() as door:
        ann = Member("ann", door)
        made = ann.ask("POST", "/portfolio/order_groups/create", {"contracts_limit": 5}).json()
        path = f"/portfolio/order_groups/{made['order_group_id']}/reset"
        refused = ann.ask("PUT", path, {})
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_content_type")
        assert ann.ask("PUT", path, {}, **{"Content-Type": "application/json"}).json() == {}


@pytest.mark.parametrize(
    ("scopes", "subaccount", "message"),
    [
        (["write"], None, "requires read"),
        (["trade"], None, "no scope: trade"),
        ([], None, "none given"),
        (["read"], 64, "0 to 63"),
        (["read"], -1, "0 to 63"),
    ],
)
def test_rights_that_no_key_has_are_refused(scopes: list[str], subaccount: int | None, message: str) -> None:
    with pytest.raises(BadRights, match=message):
        Rights.of(scopes, subaccount)


def test_a_new_key_may_everything() -> None:
    for scope in SCOPES:
        FULL.require(scope)
