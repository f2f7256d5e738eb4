"""The difference of wish and reality, drawn as two ladders: what is wanted, what is there, what is done."""

from __future__ import annotations

import pytest

from mm.core.diff import Amend, Cancel, Intent, Replace, diff
from mm.core.events import RequestKind
from mm.core.order import Order, OrderState
from mm.core.units import CENT, CONTRACT, SECOND, Side
from tests.core.words import cents, contracts, quotes

STATES = {
    "": OrderState.RESTING,
    "new": OrderState.PENDING_NEW,
    "amend": OrderState.PENDING_AMEND,
    "cancel": OrderState.PENDING_CANCEL,
    "doubt": OrderState.IN_DOUBT,
    "closing": OrderState.CLOSING,
}
NOW = 100 * SECOND


def order(name: str, text: str) -> Order:
    """``bid 10@50``; ``bid 6of10@50`` is filled in part; ``bid 10@50>52 amend`` is on its way to 52."""
    side, what, *state = text.split()
    size, price = what.split("@")
    price, _, next_price = price.partition(">")
    left, _, total = size.partition("of")
    made = Order(name, "desk", "KXA", Side(side), int(price) * CENT, 0, 0, 0, order_id="X" + name)
    made.count = round(float(total or left) * CONTRACT)
    made.filled = made.count - round(float(left) * CONTRACT)
    made.state = STATES[state[0] if state else ""]
    if next_price:
        made.next_price, made.next_count = int(next_price) * CENT, made.count
    if made.state is OrderState.IN_DOUBT:
        made.doubt = RequestKind.PLACE
    return made


def told(intent: Intent) -> str:
    if isinstance(intent, Cancel):
        return f"cancel {intent.order.client_order_id}"
    if isinstance(intent, Amend):
        size = contracts(intent.open_count)
        return f"amend {intent.order.client_order_id} {size}@{cents(intent.price)}"
    if isinstance(intent, Replace):
        new = intent.new
        return f"replace {intent.order.client_order_id} {contracts(new.count)}@{cents(new.price)}"
    return f"place {intent.side.value} {contracts(intent.count)}@{cents(intent.price)}"


def difference(wish: str, *have: str, refill: float = 0.5) -> list[str]:
    orders = [order("abcdef"[number], text) for number, text in enumerate(have)]
    return [told(intent) for intent in diff(list(quotes(wish)), orders, NOW, refill)]


@pytest.mark.parametrize(
    ("wish", "have", "done"),
    [
        # nothing there
        ("|", [], []),
        ("50:10 | 54:10", [], ["place bid 10@50", "place ask 10@54"]),
        ("49:5 50:10 |", [], ["place bid 10@50", "place bid 5@49"]),
        ("| 55:5 54:10", [], ["place ask 10@54", "place ask 5@55"]),
        # keep
        ("50:10 | 54:10", ["bid 10@50", "ask 10@54"], []),
        ("50:10 |", ["bid 6of10@50"], []),
        ("50:10 |", ["bid 5of10@50"], []),
        # shrink and refill
        ("50:4 |", ["bid 10@50"], ["amend a 4@50"]),
        ("50:10 |", ["bid 4.99of10@50"], ["amend a 10@50"]),
        ("50:10 |", ["bid 4@50"], ["amend a 10@50"]),
        # move away from the market
        ("49:10 |", ["bid 10@50"], ["amend a 10@49"]),
        ("49:10 | 55:10", ["bid 10@50", "ask 10@54"], ["amend a 10@49", "amend b 10@55"]),
        ("49:10 |", ["bid 3of10@50"], ["amend a 10@49"]),
        # move towards it: an amend might take
        ("51:10 |", ["bid 10@50"], ["replace a 10@51"]),
        ("51:10 | 53:10", ["bid 10@50", "ask 10@54"], ["replace a 10@51", "replace b 10@53"]),
        ("51:10 |", ["bid 3of10@50"], ["replace a 10@51"]),
        # both sides up, both sides down: what retreats goes first
        ("51:10 | 55:10", ["bid 10@50", "ask 10@54"], ["amend b 10@55", "replace a 10@51"]),
        ("49:10 | 53:10", ["bid 10@50", "ask 10@54"], ["amend a 10@49", "replace b 10@53"]),
        # cancel
        ("|", ["bid 10@50", "ask 10@54"], ["cancel a", "cancel b"]),
        ("50:10 |", ["bid 10@50", "ask 10@54"], ["cancel b"]),
        ("50:10 |", ["bid 10@50", "bid 10@49"], ["cancel b"]),
        ("50:10 |", ["bid 10@50", "bid 10@50"], ["cancel a"]),
        # several levels: those in place stay, the others move
        ("50:10 49:10 48:10 |", ["bid 10@50", "bid 10@49", "bid 10@48"], []),
        ("51:10 50:10 |", ["bid 10@50", "bid 10@49"], ["replace b 10@51"]),
        ("50:10 49:10 |", ["bid 10@52", "bid 10@50"], ["amend a 10@49"]),
        ("53:10 48:10 |", ["bid 10@50"], ["amend a 10@48", "place bid 10@53"]),
        ("51:10 50:10 49:10 |", ["bid 10@50", "bid 10@49"], ["place bid 10@51"]),
        ("52:10 51:10 |", ["bid 10@50"], ["replace a 10@52", "place bid 10@51"]),
        ("52:10 |", ["bid 10@50", "bid 10@49"], ["cancel b", "replace a 10@52"]),
        # what rests further away stands in for what is under way, and goes when that rests
        ("52:10 |", ["bid 10@50", "bid 10@52 new"], []),
        ("| 54:10", ["ask 10@56", "ask 10@54 new"], []),
        ("52:10 |", ["bid 10@50", "bid 10@52 doubt"], []),
        ("53:10 |", ["bid 10@50", "bid 10@52 new"], []),
        ("52:10 |", ["bid 10@50", "bid 10@52"], ["cancel a"]),
        ("53:10 |", ["bid 10@50", "bid 10@52"], ["cancel a", "replace b 10@53"]),
        ("52:10 |", ["bid 10@49", "bid 10@50", "bid 10@52 new"], ["cancel a"]),
        ("53:10 50:10 |", ["bid 10@50", "bid 10@49", "bid 10@53 new"], []),
        ("50:10 |", ["bid 10@50", "bid 10@52 new"], []),
        # but not where it is too near itself, nor for one that rests already
        ("49:10 |", ["bid 10@50", "bid 10@52 new"], ["amend a 10@49"]),
        ("|", ["bid 10@50", "bid 10@52 new"], ["cancel a"]),
        ("50:10 |", ["bid 10@49", "bid 10@52>50 amend"], ["cancel a"]),
        # a side never helps the other
        ("| 54:10", ["bid 10@50"], ["cancel a", "place ask 10@54"]),
        # what is under way is waited for
        ("50:10 |", ["bid 10@50 new"], []),
        ("51:10 |", ["bid 10@50 new"], []),
        ("|", ["bid 10@50 new"], []),
        ("52:10 |", ["bid 10@50>52 amend"], []),
        ("51:10 |", ["bid 10@50>52 amend"], []),
        ("51:10 50:10 |", ["bid 10@50 new"], ["place bid 10@51"]),
        ("51:10 50:10 |", ["bid 10@48 new"], ["place bid 10@51"]),
        ("51:10 50:10 |", ["bid 10@48 new", "bid 10@50"], []),
        ("50:10 |", ["bid 10@50 doubt"], []),
        ("51:10 |", ["bid 10@50 doubt"], []),
        # what is leaving holds no place
        ("50:10 |", ["bid 10@50 cancel"], ["place bid 10@50"]),
        ("50:10 |", ["bid 10@50 closing"], ["place bid 10@50"]),
        ("|", ["bid 10@50 cancel", "bid 1@50 closing"], []),
    ],
)
def test_what_is_wanted_and_what_is_there(wish: str, have: list[str], done: list[str]) -> None:
    assert difference(wish, *have) == done


def test_cancels_go_first_then_amends_then_replacements_then_new_orders() -> None:
    have = ["bid 10@50", "ask 10@54", "ask 10@55", "ask 10@56"]
    assert difference("49:10 47:10 | 55:10 53:10", *have) == [
        "cancel d",
        "amend a 10@49",
        "replace b 10@53",
        "place bid 10@47",
    ]


@pytest.mark.parametrize(("refill", "done"), [(0.0, []), (0.7, ["amend a 10@50"]), (1.0, ["amend a 10@50"])])
def test_the_refill_fraction_says_when_the_place_is_given_up(refill: float, done: list[str]) -> None:
    assert difference("50:10 |", "bid 6of10@50", refill=refill) == done


def test_an_order_that_was_just_refused_a_change_is_not_asked_again() -> None:
    refused = order("a", "bid 10@50")
    refused.retry_at = NOW + 1
    assert diff(list(quotes("50:4 |")), [refused], NOW, 0.5) == []
    assert [told(i) for i in diff(list(quotes("49:10 |")), [refused], NOW, 0.5)] == [
        "cancel a",
        "place bid 10@49",
    ]
    assert [told(i) for i in diff(list(quotes("51:10 |")), [refused], NOW, 0.5)] == ["replace a 10@51"]
    assert len(diff(list(quotes("50:4 |")), [refused], NOW + 1, 0.5)) == 1


def test_an_order_to_be_cancelled_is_no_order_to_keep() -> None:
    leaving = order("a", "bid 10@50")
    leaving.cancel_wanted = "left over"
    assert [told(i) for i in diff(list(quotes("50:10 |")), [leaving], NOW, 0.5)] == ["place bid 10@50"]
