"""The exchange's clock on the stream: all that one action changes has the same, no two actions share one."""

from __future__ import annotations

from typing import Any

from tests.sim.faces import OPEN, OTHER, Client, Face


def told(client: Client, ticker: str = OPEN) -> list[Any]:
    """The clocks of a market's deltas that came since."""
    return [
        one["msg"]["clock"]
        for one in client.new()
        if one["type"] == "orderbook_delta" and one["msg"]["market_ticker"] == ticker
    ]


def watched() -> tuple[Face, Client]:
    face = Face()
    client = Client(face, "ann")
    client.subscribe("orderbook_delta", market_tickers=[OPEN, OTHER])
    return face, client


def test_an_order_that_takes_three_levels_and_rests_is_one_action() -> None:
    face, client = watched()
    for price in ("0.50", "0.51", "0.52"):
        face.create("bob", "ask", price, "1")
    before = told(client)
    assert before == sorted(set(before)) and len(before) == 3
    face.create("ann", "bid", "0.55", "5")
    clocks = told(client)
    assert len(clocks) == 4 and len(set(clocks)) == 1
    assert clocks[0] > before[-1]


def test_a_cancel_all_is_one_action_on_all_books_and_an_amend_one_too() -> None:
    face, client = watched()
    orders = [face.create("ann", "bid", price, "1")["order_id"] for price in ("0.40", "0.41")]
    before = told(client)
    moved = {"ticker": OPEN, "side": "bid", "price": "0.42", "count": "2"}
    assert face.ask("ann", "POST", f"/portfolio/events/orders/{orders[0]}/amend", moved).status == 200
    amended = told(client)
    assert len(amended) == 2 and len(set(amended)) == 1 and amended[0] > before[-1]
    assert face.ask("ann", "DELETE", "/portfolio/events/orders").status == 204
    swept = told(client)
    assert len(swept) == 2 and len(set(swept)) == 1 and swept[0] > amended[0]


def test_a_snapshot_holds_all_up_to_its_clock_and_nothing_later() -> None:
    face, client = watched()
    face.create("bob", "ask", "0.50", "1")
    (last,) = told(client)
    (snapshot,) = client.say(
        {
            "id": 2,
            "cmd": "update_subscription",
            "params": {"sid": 1, "action": "get_snapshot", "market_ticker": OPEN},
        }
    )
    assert snapshot["msg"]["clock"] == last
    face.create("bob", "ask", "0.50", "1")
    assert min(told(client)) > last
