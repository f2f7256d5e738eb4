"""Every pair of a state and an answer in one table: what the order is then, and what may still fill."""

from __future__ import annotations

import pytest

from mm.core.events import (
    AmendReject,
    ApiError,
    CancelReject,
    OrderAck,
    OrderAmended,
    OrderCanceled,
    OrderInDoubt,
    OrderReject,
    OrderReport,
    OrderStatus,
    RequestKind,
)
from mm.core.order import NOT_FOUND, Answer, Order, OrderState
from mm.core.orders import Orders
from mm.core.units import Side

TEN = 1_000
ASKED = 7
S = OrderState


def report(status: OrderStatus, filled: int = 0, remaining: int = 0, request_id: int = ASKED) -> OrderReport:
    return OrderReport(
        *(5, request_id, "c", "" if status is OrderStatus.ABSENT else "X", "KXA"),
        *(Side.BID, status, 5_000, filled, remaining),
    )


ANSWERS: dict[str, Answer] = {
    "ack": OrderAck(5, ASKED, "c", "X", 0, TEN),
    "ack, 3 filled": OrderAck(5, ASKED, "c", "X", 300, 700),
    "ack, all filled": OrderAck(5, ASKED, "c", "X", TEN, 0),
    "ack, killed": OrderAck(5, ASKED, "c", "X", 0, 0),
    "reject": OrderReject(5, ASKED, "c", 400, "invalid_order"),
    "amended": OrderAmended(5, ASKED, "c", "X", 5_100, 0, 2_000),
    "amended, sizes untold": OrderAmended(5, ASKED, "c", "X", 5_100, None, None),
    "amended, nothing rests": OrderAmended(5, ASKED, "c", "X", 5_100, 2_000, 0),
    "amend refused": AmendReject(5, ASKED, "c", 400, "invalid_price"),
    "amend 404": AmendReject(5, ASKED, "c", 404, NOT_FOUND),
    "canceled": OrderCanceled(5, ASKED, "c", "X", TEN),
    "canceled, 4 had filled": OrderCanceled(5, ASKED, "c", "X", 600),
    "canceled, more than there was": OrderCanceled(5, ASKED, "c", "X", 1_100),
    "cancel refused": CancelReject(5, ASKED, "c", 409, "trading_is_paused"),
    "cancel 404": CancelReject(5, ASKED, "c", 404, NOT_FOUND),
    "place in doubt": OrderInDoubt(5, ASKED, "c", RequestKind.PLACE, 0, "timeout"),
    "amend in doubt": OrderInDoubt(5, ASKED, "c", RequestKind.AMEND, 503, "unavailable"),
    "cancel in doubt": OrderInDoubt(5, ASKED, "c", RequestKind.CANCEL, 0, "timeout"),
    "told: rests": report(OrderStatus.RESTING, 0, TEN),
    "told: executed": report(OrderStatus.EXECUTED, TEN),
    "told: canceled, 2 filled": report(OrderStatus.CANCELED, 200),
    "told: absent": report(OrderStatus.ABSENT),
    "question failed": ApiError(5, ASKED, RequestKind.QUERY_ORDER, 503, ""),
}
GONE = None
# What each answer makes of an order for 10 of which nothing is seen filled (an amend under way asks for 20):
# (state, contracts that may still fill). What is not named changes neither.
EXPECTED: dict[OrderState, dict[str, tuple[OrderState, int] | None]] = {
    S.PENDING_NEW: {
        "ack": (S.RESTING, TEN),
        "ack, 3 filled": (S.RESTING, TEN),
        "ack, all filled": (S.CLOSING, TEN),
        "ack, killed": GONE,
        "reject": GONE,
        "place in doubt": (S.IN_DOUBT, TEN),
        "amend in doubt": (S.IN_DOUBT, TEN),
        "cancel in doubt": (S.IN_DOUBT, TEN),
    },
    S.RESTING: {},
    S.PENDING_AMEND: {
        "amended": (S.RESTING, 2_000),
        "amended, sizes untold": (S.RESTING, 2_000),
        "amended, nothing rests": (S.IN_DOUBT, 2_000),
        "amend refused": (S.RESTING, TEN),
        "amend 404": (S.IN_DOUBT, TEN),
        "place in doubt": (S.IN_DOUBT, 2_000),
        "amend in doubt": (S.IN_DOUBT, 2_000),
        "cancel in doubt": (S.IN_DOUBT, 2_000),
    },
    S.PENDING_CANCEL: {
        "canceled": GONE,
        "canceled, 4 had filled": (S.CLOSING, 400),
        "canceled, more than there was": (S.IN_DOUBT, TEN),
        "cancel refused": (S.RESTING, TEN),
        "cancel 404": (S.IN_DOUBT, TEN),
        "place in doubt": (S.IN_DOUBT, TEN),
        "amend in doubt": (S.IN_DOUBT, TEN),
        "cancel in doubt": (S.IN_DOUBT, TEN),
    },
    S.IN_DOUBT: {
        "told: executed": (S.CLOSING, TEN),
        "told: canceled, 2 filled": (S.CLOSING, 200),
    },
    S.CLOSING: {},
}


def order_in(state: OrderState) -> tuple[Orders, Order]:
    """An order for 10 at 50 cents, with request 7 under way where the state has one."""
    orders = Orders()
    order = Order("c", "desk", "KXA", Side.BID, 5_000, TEN, placed_at=1, request_id=1)
    orders.add(order)
    if state is S.PENDING_NEW:
        order.request_id = ASKED
        return orders, order
    orders.answer(OrderAck(2, 1, "c", "X", 0, TEN))
    if state is S.PENDING_AMEND:
        orders.amending(order, 5_100, 2_000, ASKED)
    if state in (S.PENDING_CANCEL, S.IN_DOUBT):
        orders.canceling(order, ASKED if state is S.PENDING_CANCEL else 2, "wanted")
    if state is S.IN_DOUBT:
        orders.answer(OrderInDoubt(3, 2, "c", RequestKind.CANCEL, 0, "timeout"))
        orders.querying(order, ASKED)
    if state is S.CLOSING:
        orders.notice(report(OrderStatus.EXECUTED, TEN, request_id=0))
    assert order.state is state
    return orders, order


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("state", list(S), ids=lambda state: state.value)
def test_what_each_answer_means_in_each_state(state: OrderState, answer: str) -> None:
    orders, order = order_in(state)
    before = (order.state, order.open)
    orders.answer(ANSWERS[answer])
    expected = EXPECTED[state].get(answer, before)
    if expected is GONE:
        assert "c" not in orders.by_client_id
        assert "c" in orders.ended
    else:
        assert (order.state, order.open) == expected
        assert orders.find("c") is order


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("state", list(S), ids=lambda state: state.value)
def test_an_answer_that_comes_twice_counts_once(state: OrderState, answer: str) -> None:
    orders, order = order_in(state)
    orders.answer(ANSWERS[answer])
    once = (order.state, order.open, order.price, order.request_id, order.retries, len(orders))
    assert orders.answer(ANSWERS[answer]) is None
    assert (order.state, order.open, order.price, order.request_id, order.retries, len(orders)) == once


@pytest.mark.parametrize("answer", [name for name in ANSWERS if name != "question failed"])
@pytest.mark.parametrize("state", list(S), ids=lambda state: state.value)
def test_an_answer_to_another_request_changes_nothing(state: OrderState, answer: str) -> None:
    """Late ones: the request was given up or followed by another."""
    orders, order = order_in(state)
    order.request_id += 1
    before = (order.state, order.open, order.price)
    assert orders.answer(ANSWERS[answer]) is None
    assert (order.state, order.open, order.price) == before


def test_the_table_names_every_state_and_only_known_answers() -> None:
    assert set(EXPECTED) == set(S)
    assert all(set(row) <= set(ANSWERS) for row in EXPECTED.values())
