"""Orders that asked to go in a pause, on the port: what is done to them, and told of them, in either kind of
pause (protocol sections 5.1, 5.6 and 8.1)."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.sim.doors import Door, Listener, Member, opened
from tests.sim.faces import OPEN, order, spec

ORDERS = "/portfolio/events/orders"
TOKEN = "a-token-of-this-test"
BOTH = pytest.mark.parametrize("whole", [False, True], ids=["trading", "exchange"])


def tell(door: Door, path: str, body: Any = None) -> Any:
    """Say something to the operator's door."""
    url, headers = f"{door.server.admin_url}{path}", {"Authorization": f"Bearer {TOKEN}"}
    answer = requests.post(url, json=body, headers=headers, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


def create(member: Member, side: str, price: str, count: str, name: str, **more: Any) -> str:
    answer = member.ask("POST", ORDERS, order(side, price, count, client_order_id=name, **more))
    assert answer.status_code == 201, answer.text
    order_id: str = answer.json()["order_id"]
    return order_id


def news(stream: Listener, count: int) -> list[Any]:
    """The next ``count`` messages that are about orders or books, each held against the specification."""
    frames: list[Any] = []
    while len(frames) < count:
        frame = stream.next()
        spec("asyncapi").check_frame(frame)
        if frame["type"] in ("user_order", "orderbook_delta"):
            frames.append(frame)
    return frames


def of_kind(frames: list[Any], kind: str) -> list[Any]:
    return [frame["msg"] for frame in frames if frame["type"] == kind]


@BOTH
def test_a_pause_cancels_the_order_that_asked_for_it_and_says_so(whole: bool) -> None:
    with opened(admin_token=TOKEN) as door:
        ann, bob = Member("ann", door), Member("bob", door)
        goes = create(ann, "bid", "0.41", "3", "goes", cancel_order_on_pause=True, post_only=True)
        create(bob, "ask", "0.41", "1", "bob-1", time_in_force="immediate_or_cancel")
        stays = create(ann, "bid", "0.40", "2", "stays", cancel_order_on_pause=False)
        with ann.stream() as stream:
            stream.subscribe("user_orders", "orderbook_delta", market_ticker=OPEN)
            stream.until(lambda frame: frame["type"] == "orderbook_snapshot")
            assert tell(door, "/pause", {"exchange": whole})["trading_active"] is False
            frames = news(stream, 2)
        (said,), (delta,) = of_kind(frames, "user_order"), of_kind(frames, "orderbook_delta")
        assert (said["order_id"], said["client_order_id"], said["ticker"]) == (goes, "goes", OPEN)
        assert (said["status"], said["last_update_reason"]) == ("canceled", "HaltCancel")
        counts = ("fill_count_fp", "remaining_count_fp", "initial_count_fp")
        assert [said[name] for name in counts] == ["1.00", "0.00", "3.00"]
        assert (delta["price_dollars"], delta["delta_fp"]) == ("0.4100", "-2.00")
        assert delta["client_order_id"] == "goes"
        assert rest_of(ann) == {goes: ("canceled", True), stays: ("resting", False)}
        assert ann.ask("DELETE", f"{ORDERS}/{goes}").status_code == 404
        left = ann.ask("DELETE", f"{ORDERS}/{stays}", query=f"market_ticker={OPEN}")
        assert left.status_code == (409 if whole else 200)
        assert ann.ask("POST", ORDERS, order("bid", "0.30", "1")).status_code == 409
        tell(door, "/resume")
        again = ann.ask("POST", ORDERS, order("bid", "0.30", "1", client_order_id="goes"))
        assert (again.status_code, again.json()["error"]["code"]) == (409, "order_already_exists")


def rest_of(member: Member) -> dict[str, tuple[str, bool]]:
    """Status and the word on pauses of each order that was named, as it reads."""
    rows = member.ask("GET", "/portfolio/orders").json()["orders"]
    for row in rows:
        spec("openapi").check(row, "Order")
    return {row["order_id"]: (row["status"], row["cancel_order_on_pause"]) for row in rows}


@BOTH
def test_an_amended_order_still_goes_and_what_comes_after_the_pause_stays(whole: bool) -> None:
    with opened(admin_token=TOKEN) as door:
        ann = Member("ann", door)
        with ann.stream() as stream:
            stream.subscribe("user_orders")
            assert stream.next()["type"] == "subscribed"
            moved = create(ann, "ask", "0.60", "1", "moved", cancel_order_on_pause=True)
            body = {"ticker": OPEN, "side": "ask", "price": "0.61", "count": "2"}
            assert ann.ask("POST", f"{ORDERS}/{moved}/amend", body).status_code == 200
            tell(door, "/pause", {"exchange": whole})
            tell(door, "/resume")
            later = create(ann, "ask", "0.62", "1", "later", cancel_order_on_pause=True)
            said = of_kind(news(stream, 4), "user_order")
        told = [(one["order_id"], one["status"], one.get("last_update_reason")) for one in said]
        assert told == [
            (moved, "resting", None),
            (moved, "resting", "Amend"),
            (moved, "canceled", "HaltCancel"),
            (later, "resting", None),
        ]


def test_a_trading_pause_that_becomes_one_of_the_exchange_cancels_nothing_more() -> None:
    with opened(admin_token=TOKEN) as door:
        ann = Member("ann", door)
        orders = [
            create(ann, "bid", price, "1", price, cancel_order_on_pause=asks)
            for price, asks in (("0.41", True), ("0.40", False))
        ]
        for whole in (False, True):
            tell(door, "/pause", {"exchange": whole})
            assert [rest_of(ann)[one][0] for one in orders] == ["canceled", "resting"]
