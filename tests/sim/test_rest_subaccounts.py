"""Subaccounts on both faces: cash and positions apart, reads of one or of all, and keys locked to one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mm.sim.rest import PREFIX, Response
from mm.sim.rights import LOCKED, Rights
from tests.sim.faces import OPEN, SECOND, Client, Face, order
from tests.sim.specs import spec

PATH = "/portfolio/subaccounts"
ORDERS = "/portfolio/events/orders"


def transfer_body(amount: int, number: int = 1, here: int = 0, there: int = 1) -> dict[str, Any]:
    return {
        "client_transfer_id": f"00000000-0000-4000-8000-{number:012d}",
        "from_subaccount": here,
        "to_subaccount": there,
        "amount_cents": amount,
    }


def with_subaccount(**more: Any) -> Face:
    """Ann has $900 in her primary account and $100 in subaccount 1."""
    face = Face(**more)
    face.wait(2 * SECOND)
    assert json.loads(face.ask("ann", "POST", PATH, {}).body) == {"subaccount_number": 1}
    assert face.ask("ann", "POST", f"{PATH}/transfer", transfer_body(10_000)).status == 200
    return face


def balances(face: Face) -> dict[int, str]:
    rows = face.get(f"{PATH}/balances")
    spec("openapi").check(rows, "GetSubaccountBalancesResponse")
    return {one["subaccount_number"]: one["balance"] for one in rows["subaccount_balances"]}


def test_money_moves_and_every_read_of_it_agrees() -> None:
    face = with_subaccount()
    assert balances(face) == {0: "900.0000", 1: "100.0000"}
    assert face.get("/portfolio/balance")["balance"] == 90_000
    assert face.get("/portfolio/balance", "subaccount=1")["balance"] == 10_000
    assert face.get("/portfolio/balance", "subaccount=7")["balance"] == 0
    face.ask("ann", "POST", f"{PATH}/transfer", transfer_body(10_000))  # the same one again
    face.ask("ann", "POST", f"{PATH}/transfer", transfer_body(2_500, 2, here=1, there=0))
    assert balances(face) == {0: "925.0000", 1: "75.0000"}
    listed = face.get(f"{PATH}/transfers")
    spec("openapi").check(listed, "GetSubaccountTransfersResponse")
    assert [one["amount_cents"] for one in listed["transfers"]] == [2_500, 10_000]


def test_reads_of_money_trail_the_engine() -> None:
    face = with_subaccount(read_lag_ns=SECOND)
    assert balances(face) == {0: "1000.0000", 1: "0.0000"}
    face.wait(SECOND)
    assert balances(face) == {0: "900.0000", 1: "100.0000"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (transfer_body(0, 9), 400),
        (transfer_body(-1, 9), 400),
        (transfer_body(100_001_00, 9), 400),
        (transfer_body(1, 9, 0, 0), 400),
        (transfer_body(1, 9, 0, 5), 404),
        ({**transfer_body(1), "client_transfer_id": "mine"}, 400),
        ({**transfer_body(1), "amount_cents": "1"}, 400),
        ({**transfer_body(1), "exchange_index": 2}, 404),
        ({"amount_cents": 1}, 400),
        (transfer_body(2), 409),  # the id of another transfer
    ],
)
def test_a_transfer_that_cannot_be_moves_nothing(body: dict[str, Any], status: int) -> None:
    face = with_subaccount()
    assert face.ask("ann", "POST", f"{PATH}/transfer", body).status == status
    assert balances(face) == {0: "900.0000", 1: "100.0000"}


def trade_in_both(face: Face) -> None:
    """Ann buys 4 in the primary account and 2 in subaccount 1, and leaves a bid resting in each."""
    face.create("bob", "ask", "0.50", "6")
    for count, subaccount in (("4", 0), ("2", 1)):
        face.create("ann", "bid", "0.50", count, subaccount=subaccount)
        face.create("ann", "bid", "0.40", "1", subaccount=subaccount)


def test_orders_fills_and_settlements_are_of_all_and_positions_of_the_primary_one_by_default() -> None:
    face = with_subaccount()
    trade_in_both(face)
    for path, name in (("orders", "orders"), ("fills", "fills")):
        rows = [face.get(f"/portfolio/{path}", query)[name] for query in ("", "subaccount=0", "subaccount=1")]
        assert [len(one) for one in rows] == [len(rows[1]) * 2, len(rows[1]), len(rows[1])]
        assert {one["subaccount_number"] for one in rows[2]} == {1}

    def positions(query: str) -> list[str]:
        return [one["position_fp"] for one in face.get("/portfolio/positions", query)["market_positions"]]

    assert (positions(""), positions("subaccount=1"), positions("subaccount=2")) == (["4.00"], ["2.00"], [])
    queue = "/portfolio/orders/queue_positions"
    assert len(face.get(queue)["queue_positions"]) == len(face.get(queue, "subaccount=1")["queue_positions"])
    face.venue.determine(OPEN, "yes")
    face.venue.settle(OPEN)
    settled = [
        len(face.get("/portfolio/settlements", query)["settlements"]) for query in ("", "subaccount=1")
    ]
    assert settled == [2, 1]
    pages = face.get("/portfolio/settlements", "limit=1")
    rest = face.get("/portfolio/settlements", f"limit=1&cursor={pages['cursor']}")
    assert {one["settlements"][0]["yes_count_fp"] for one in (pages, rest)} == {"4.00", "2.00"}


def test_an_order_is_found_in_its_own_subaccount_only_and_cancel_all_reaches_all() -> None:
    face = with_subaccount()
    placed = face.create("ann", "bid", "0.40", "5", subaccount=1)["order_id"]
    amend = {"ticker": OPEN, "side": "bid", "price": "0.41", "count": "5"}
    for query, status in (("", 404), ("subaccount=1", 200)):
        assert face.ask("ann", "POST", f"{ORDERS}/{placed}/amend", amend, query).status == status
        assert (
            face.ask("ann", "POST", f"{ORDERS}/{placed}/decrease", {"reduce_by": "1"}, query).status == status
        )
        assert face.ask("ann", "DELETE", f"{ORDERS}/{placed}", query=query).status == status
    face.create("ann", "bid", "0.40", "1")
    face.create("ann", "bid", "0.40", "1", subaccount=1)
    assert face.ask("ann", "DELETE", ORDERS, query="subaccount=1").status == 204
    assert [
        one["subaccount_number"] for one in face.get("/portfolio/orders", "status=resting")["orders"]
    ] == [0]
    face.create("ann", "bid", "0.40", "1", subaccount=1)
    assert face.ask("ann", "DELETE", ORDERS).status == 204
    assert face.get("/portfolio/orders", "status=resting")["orders"] == []


def test_the_stream_names_the_subaccount_and_tells_a_locked_key_of_its_own_only() -> None:
    face = with_subaccount()
    client, locked = Client(face, "ann"), Client(face, "ann", subaccount=1)
    channels = ("fill", "user_orders", "market_positions", "order_group_updates")
    for one in (client, locked):
        one.subscribe(*channels)
        one.new()
    trade_in_both(face)
    for number in (0, 1):
        group = {"contracts_limit": 5, "subaccount": number}
        made = json.loads(face.ask("ann", "POST", "/portfolio/order_groups/create", group).body)
        path = f"/portfolio/order_groups/{made['order_group_id']}"
        assert face.ask("ann", "DELETE", path, query=f"subaccount={number}").status == 200
    everything, own = client.new(), locked.new()

    def numbers(frames: list[Any]) -> set[int]:
        msgs = [one["msg"] for one in frames if one["type"] != "order_group_updates"]
        return {one.get("subaccount", one.get("subaccount_number")) for one in msgs}

    assert (numbers(everything), numbers(own)) == ({0, 1}, {1})
    assert len(everything) == 2 * len(own)


# -- keys ---------------------------------------------------------------------------------------------------
def ask(face: Face, rights: Rights, method: str, path: str, body: Any = None, query: str = "") -> Response:
    raw = b"" if body is None else json.dumps(body).encode()
    return face.exchange.request(face.now, "ann", method, PREFIX + path, query, raw, rights=rights)


def test_a_locked_key_acts_in_its_subaccount_without_naming_it() -> None:
    face, locked = with_subaccount(), Rights(subaccount=1)
    face.create("ann", "bid", "0.30", "1")
    placed = ask(face, locked, "POST", ORDERS, order("bid", "0.40", "1"))
    assert placed.status == 201
    mine = json.loads(ask(face, locked, "GET", "/portfolio/orders").body)["orders"]
    assert [one["subaccount_number"] for one in mine] == [1]
    assert json.loads(ask(face, locked, "GET", "/portfolio/balance").body)["balance"] == 10_000
    own = json.loads(ask(face, locked, "GET", f"{PATH}/balances").body)["subaccount_balances"]
    assert [one["subaccount_number"] for one in own] == [1]
    assert ask(face, locked, "DELETE", ORDERS).status == 204
    (left,) = face.get("/portfolio/orders", "status=resting")["orders"]
    assert left["subaccount_number"] == 0
    assert ask(face, locked, "GET", f"/portfolio/orders/{left['order_id']}").status == 404
    assert ask(face, locked, "GET", f"/portfolio/orders/{left['order_id']}/queue_position").status == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "query"),
    [
        ("POST", ORDERS, order("bid", "0.40", "1", subaccount=0), ""),
        (
            "POST",
            f"{ORDERS}/batched",
            {"orders": [order("bid", "0.40", "1", subaccount=n) for n in (1, 0)]},
            "",
        ),
        ("DELETE", f"{ORDERS}/batched", {"orders": [{"order_id": "x", "subaccount": 2}]}, ""),
        ("DELETE", ORDERS, None, "subaccount=0"),
        ("GET", "/portfolio/orders", None, "subaccount=0"),
        ("GET", "/portfolio/positions", None, "subaccount=2"),
        ("GET", "/portfolio/balance", None, "subaccount=0"),
        ("POST", "/portfolio/order_groups/create", {"contracts_limit": 1, "subaccount": 0}, ""),
        ("POST", PATH, {}, ""),
        ("POST", f"{PATH}/transfer", transfer_body(1, 9), ""),
        ("GET", f"{PATH}/transfers", None, ""),
    ],
)
def test_a_locked_key_is_forbidden_everything_else(method: str, path: str, body: Any, query: str) -> None:
    face = with_subaccount()
    refused = ask(face, Rights(subaccount=1), method, path, body, query)
    assert refused.status == 403
    error = json.loads(refused.body)["error"]
    assert (error["code"], error["details"]) == ("forbidden", LOCKED)
    assert face.get("/portfolio/orders")["orders"] == []  # not even the good half of a batch
    assert balances(face) == {0: "900.0000", 1: "100.0000"}


def test_netting_is_off_and_stays_off() -> None:
    face = with_subaccount()
    rows = face.get(f"{PATH}/netting")
    spec("openapi").check(rows, "GetSubaccountNettingResponse")
    assert [one["enabled"] for one in rows["netting_configs"]] == [False, False]
    for enabled, number, status in ((False, 1, 200), (True, 1, 400), (False, 2, 400)):
        wish = {"subaccount_number": number, "enabled": enabled}
        assert face.ask("ann", "PUT", f"{PATH}/netting", wish).status == status
