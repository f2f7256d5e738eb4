"""Portfolio reads: what a locked key is not told, filters with bounds, what was traded, what is history."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mm.sim.face_switches import Ages, FaceSwitches
from mm.sim.rest import PREFIX
from mm.sim.rights import Rights
from tests.sim.faces import OPEN, OTHER, SECOND, Face, spec


def test_the_breakdown_of_a_balance_is_not_for_a_key_that_is_locked_to_a_subaccount() -> None:
    face = Face()
    assert face.get("/portfolio/balance")["balance_breakdown"] == [
        {"exchange_index": 0, "balance": "1000.0000"}
    ]
    rights = Rights.of(["read"], subaccount=0)
    face.wait(SECOND)
    answer = face.exchange.request(face.now, "ann", "GET", f"{PREFIX}/portfolio/balance", rights=rights)
    body = json.loads(answer.body)
    assert body["balance"] == 100_000
    assert "balance_breakdown" not in body
    spec("openapi").check(body, "GetBalanceResponse")


@pytest.mark.parametrize("path", ["orders", "fills", "positions"])
def test_a_list_takes_no_negative_shard_and_shows_nothing_of_one_that_is_not_there(path: str) -> None:
    face = Face()
    assert "'gte' tag" in face.get(f"/portfolio/{path}", "exchange_index=-1", status=400)["msg"]
    assert face.get(f"/portfolio/{path}", "exchange_index=9")["cursor"] == ""


@pytest.mark.parametrize(("path", "name"), [("orders", "event_ticker"), ("fills", "ticker")])
def test_a_filter_names_a_hundred_at_most(path: str, name: str) -> None:
    face = Face()
    hundred = ",".join(f"KX-{number}" for number in range(100))
    assert face.get(f"/portfolio/{path}", f"{name}={hundred}")[path] == []
    assert "'max' tag" in face.get(f"/portfolio/{path}", f"{name}={hundred},KX-100", status=400)["msg"]


def test_the_shares_of_an_event_are_those_that_were_traded_and_not_those_that_are_held() -> None:
    face = Face()
    for ticker in (OPEN, OTHER):
        face.create("bob", "ask", "0.56", "4", ticker=ticker)
        face.create("ann", "bid", "0.56", "4", ticker=ticker)
    face.create("bob", "bid", "0.40", "3")
    face.create("ann", "ask", "0.40", "3")
    (event,) = face.get("/portfolio/positions")["event_positions"]
    assert event["total_cost_shares_fp"] == "11.00"


def test_a_settlement_is_listed_until_its_position_is_history() -> None:
    face = Face(switches=FaceSwitches(ages=Ages(positions=60 * SECOND)))
    face.create("bob", "ask", "0.56", "4")
    face.create("ann", "bid", "0.56", "4")
    face.venue.determine(OPEN, "yes")
    face.venue.settle(OPEN)

    def listed() -> list[Any]:
        return [one["ticker"] for one in face.get("/portfolio/settlements")["settlements"]]

    assert listed() == [OPEN]
    face.wait(61 * SECOND)
    assert listed() == []
    assert [one["ticker"] for one in face.get("/historical/positions")["market_positions"]] == [OPEN]


def test_the_resting_orders_are_those_of_all_that_rest() -> None:
    """They are kept apart: a maker asks for them every few seconds, and has had thousands that ended."""
    face = Face()
    ids = [face.create("ann", "bid", f"0.{40 + number}", "2")["order_id"] for number in range(6)]
    assert face.ask("ann", "DELETE", f"/portfolio/events/orders/{ids[1]}").status == 200
    face.create("bob", "ask", "0.45", "2")  # fills the best
    face.create("bob", "ask", "0.44", "1")  # and half of the next
    resting = face.get("/portfolio/orders", "status=resting")["orders"]
    every = face.get("/portfolio/orders")["orders"]
    assert [one for one in every if one["status"] == "resting"] == resting
    assert [one["order_id"] for one in resting] == [ids[4], ids[3], ids[2], ids[0]]
    assert resting[0]["remaining_count_fp"] == "1.00"
