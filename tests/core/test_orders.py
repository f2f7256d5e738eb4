"""The table of orders: found by either id, one request at a time, and notices that come unasked."""

from __future__ import annotations

import pytest

from mm.core.events import Fill, OrderAck, OrderAmended, OrderReport, OrderStatus, RequestKind
from mm.core.order import Order, OrderState, fall_in_doubt
from mm.core.orders import REMEMBERED_ORDERS, Orders
from mm.core.settings import EngineSettings
from mm.core.units import SECOND, Count, Side
from mm.core.upkeep import RequestIds, due_action, is_proof_of_absence

TEN = 1_000


def new(name: str = "c", ticker: str = "KXA") -> Order:
    return Order(name, "desk", ticker, Side.BID, 5_000, TEN, placed_at=0, request_id=1)


def resting() -> tuple[Orders, Order]:
    orders, order = Orders(), new()
    orders.add(order)
    orders.answer(OrderAck(1, 1, "c", "X", 0, TEN))
    return orders, order


def notice(status: OrderStatus, filled: Count = 0, remaining: Count = 0, name: str = "c") -> OrderReport:
    return OrderReport(2, 0, name, "X", "KXA", Side.BID, status, 5_000, filled, remaining)


def fill(count: Count, trade_id: str = "t", name: str = "c", order_id: str = "X") -> Fill:
    return Fill(3, trade_id, order_id, name, "KXA", Side.BID, 5_000, count, 0, False)


def test_an_order_is_found_by_our_id_by_the_exchanges_id_and_by_its_market() -> None:
    orders, order = resting()
    other = new("d", "KXB")
    orders.add(other)
    assert orders.find("c") is orders.find("", "X") is orders.find("unknown", "X") is order
    assert orders.find("", "") is None
    assert (orders.of_market("KXA"), orders.of_market("KXB"), orders.of_market("KXC")) == (
        [order],
        [other],
        [],
    )
    assert len(orders) == 2


def test_a_client_order_id_is_used_once() -> None:
    orders, _ = resting()
    with pytest.raises(AssertionError, match="used once"):
        orders.add(new())


def test_one_request_an_order_at_a_time() -> None:
    orders, order = resting()
    orders.amending(order, 5_100, TEN, 2)
    with pytest.raises(AssertionError):
        orders.amending(order, 5_200, TEN, 3)
    with pytest.raises(AssertionError):
        orders.canceling(order, 3, "no")


def test_a_request_that_was_not_sent_after_all_leaves_no_trace() -> None:
    orders, order = resting()
    orders.amending(order, 5_100, 2 * TEN, 2)
    orders.never_amended(order)
    assert (order.is_idle, order.open, order.worst_price) == (True, TEN, 5_000)
    other = new("d")
    orders.add(other)
    orders.never_placed(other)
    assert orders.find("d") is None
    assert orders.of_market("KXA") == [order]


def test_what_rests_is_told_anew_after_everything_that_happens_to_an_order() -> None:
    orders, order = resting()
    assert orders.resting("KXA") == ({5_000: TEN}, {})
    orders.fill(fill(400))
    assert orders.resting("KXA") == ({5_000: 600}, {})
    orders.amending(order, 5_100, TEN, 2)
    assert orders.resting("KXA") == ({5_000: 600}, {}), "until the exchange says otherwise"
    orders.answer(OrderAmended(4, 2, "c", "X", 5_100, 0, 600))
    assert orders.resting("KXA") == ({5_100: 600}, {})
    other = new("d")
    orders.add(other)
    assert orders.resting("KXA") == ({5_100: 600}, {}), "on its way"
    orders.suspect(other, 5)
    assert orders.resting("KXA") == ({5_100: 600, 5_000: TEN}, {}), "in doubt, so it may rest"
    orders.notice(notice(OrderStatus.CANCELED, filled=400))
    assert orders.resting("KXA") == ({5_000: TEN}, {})


# -- notices by WebSocket ------------------------------------------------------------------------------------
@pytest.mark.parametrize("state", [s for s in OrderState if s is not OrderState.CLOSING])
@pytest.mark.parametrize("status", [OrderStatus.EXECUTED, OrderStatus.CANCELED])
def test_an_end_is_believed_in_every_state(state: OrderState, status: OrderStatus) -> None:
    orders, order = resting()
    order.state = state
    if state is OrderState.PENDING_AMEND:
        order.next_count = 2 * TEN
    orders.notice(notice(status, filled=400))
    assert (order.state, order.open) == (OrderState.CLOSING, 400)
    orders.fill(fill(400))
    assert len(orders) == 0


@pytest.mark.parametrize("state", [s for s in OrderState if s is not OrderState.IN_DOUBT])
def test_a_notice_that_it_rests_may_be_old_and_changes_nothing(state: OrderState) -> None:
    orders, order = resting()
    order.state = state
    before = (order.open, order.price, order.count)
    orders.notice(notice(OrderStatus.RESTING, filled=300, remaining=100))
    assert (order.state, (order.open, order.price, order.count)) == (state, before)


def test_a_notice_that_it_rests_does_not_end_the_doubt_about_a_cancel_or_an_amend() -> None:
    for kind in (RequestKind.CANCEL, RequestKind.AMEND):
        orders, order = resting()
        fall_in_doubt(order, kind)
        orders.notice(notice(OrderStatus.RESTING, remaining=TEN))
        assert order.state is OrderState.IN_DOUBT


def test_a_notice_before_the_ack_tells_the_exchanges_id() -> None:
    orders, order = Orders(), new()
    orders.add(order)
    orders.notice(notice(OrderStatus.RESTING, remaining=TEN))
    assert (order.state, orders.find("", "X")) == (OrderState.PENDING_NEW, order)
    orders.notice(notice(OrderStatus.CANCELED))
    assert len(orders) == 0
    assert orders.answer(OrderAck(4, 1, "c", "X", 0, TEN)) is None
    assert "c" in orders.ended


def test_notices_of_strangers_are_ignored() -> None:
    orders, _ = resting()
    stranger = OrderReport(2, 0, "z", "Z", "KXA", Side.BID, OrderStatus.CANCELED, 5_000, 0, 0)
    assert orders.notice(stranger) is None
    assert orders.fill(fill(100, name="z", order_id="Z")) is None
    assert len(orders) == 1


# -- fills ---------------------------------------------------------------------------------------------------
def test_fills_end_an_order_when_they_are_all_of_it() -> None:
    orders, order = resting()
    orders.fill(fill(400))
    assert order.open == 600
    orders.fill(fill(600, "t2"))
    assert len(orders) == 0
    assert orders.find("", "X") is None


def test_fills_of_all_do_not_end_an_order_whose_total_may_have_grown() -> None:
    orders, order = resting()
    orders.amending(order, 5_000, 2 * TEN, 2)
    orders.fill(fill(TEN))
    assert (len(orders), order.open) == (1, TEN)


def test_ends_and_unclaimed_fills_are_not_remembered_without_bound() -> None:
    orders = Orders()
    for number in range(REMEMBERED_ORDERS + 10):
        name = f"c{number}"
        orders.fill(fill(TEN, name="", order_id=f"Z{number}"))
        orders.add(new(name))
        orders.fill(fill(TEN, name=name, order_id=f"X{number}"))
    assert len(orders) == 0
    assert len(orders.ended) == REMEMBERED_ORDERS
    assert "c0" not in orders.ended


# -- upkeep --------------------------------------------------------------------------------------------------
def test_what_upkeep_does_in_each_state() -> None:
    cases = {
        OrderState.PENDING_NEW: None,
        OrderState.RESTING: "CancelOrder",
        OrderState.PENDING_AMEND: None,
        OrderState.PENDING_CANCEL: None,
        OrderState.CLOSING: None,
        OrderState.IN_DOUBT: "CancelOrder",
    }
    for state, expected in cases.items():
        orders, order = resting()
        order.state, order.cancel_wanted, order.doubt = state, "wanted", RequestKind.CANCEL
        action = due_action(order, orders, RequestIds(), now=10)
        assert (type(action).__name__ if action else None) == expected, state


def test_upkeep_asks_about_what_it_cannot_cancel() -> None:
    orders, order = resting()
    fall_in_doubt(order, RequestKind.CANCEL)
    order.is_gone = True
    assert type(due_action(order, orders, RequestIds(), 10)).__name__ == "QueryOrder"
    assert due_action(order, orders, RequestIds(), 10) is None, "asked already"


@pytest.mark.parametrize(
    ("status", "doubt", "filled", "order_id", "seconds", "is_proof"),
    [
        (OrderStatus.ABSENT, RequestKind.PLACE, 0, "", 31, True),
        (OrderStatus.ABSENT, RequestKind.PLACE, 0, "", 30.999, False),
        (OrderStatus.ABSENT, RequestKind.CANCEL, 0, "X", 60, False),
        (OrderStatus.ABSENT, RequestKind.PLACE, 1, "", 60, False),
        (OrderStatus.ABSENT, RequestKind.PLACE, 0, "X", 60, False),
        (OrderStatus.RESTING, RequestKind.PLACE, 0, "", 60, False),
    ],
)
def test_only_a_late_complete_read_proves_absence(
    status: OrderStatus, doubt: RequestKind, filled: Count, order_id: str, seconds: float, is_proof: bool
) -> None:
    order = new()
    order.doubt, order.filled, order.order_id = doubt, filled, order_id
    report = OrderReport(*(0, 2, "c", "", "KXA", Side.BID, status, 0, 0, 0), as_of=round(seconds * SECOND))
    assert is_proof_of_absence(order, report, EngineSettings("bot", "run", ())) == is_proof
