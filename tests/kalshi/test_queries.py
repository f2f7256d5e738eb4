"""Asking what became of an order and what the account holds: complete, or an error."""

from __future__ import annotations

from typing import Any

import pytest

from mm.core.actions import QueryAccount, QueryOrder
from mm.core.events import (
    AccountReport,
    ApiError,
    Fill,
    OrderReport,
    OrderStatus,
    PositionReport,
    RequestKind,
)
from mm.core.units import SECOND, Side
from mm.kalshi.calls import call
from mm.kalshi.conversation import Cost, HttpResponse
from tests.kalshi.talk import TS, answer, lost, talk

AS_OF = answer(200, {"as_of_time": "2026-06-11T06:29:20.866753Z"})
AS_OF_NANOS = 1_781_159_360_866_753_000
BY_ID = QueryOrder(5, "mine-1", "order-1", "M", sent_at=2_000 * SECOND)
BY_CLIENT_ID = QueryOrder(5, "mine-1", "", "M", sent_at=2_000 * SECOND)
ACCOUNT = QueryAccount(6, fills_from=3_000 * SECOND)


def order(order_id: str = "order-1", client_order_id: str = "mine-1", **more: Any) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "user_id": "u",
        "client_order_id": client_order_id,
        "ticker": "M",
        "outcome_side": "no",
        "book_side": "ask",
        "type": "limit",
        "status": "resting",
        "yes_price_dollars": "0.5600",
        "no_price_dollars": "0.4400",
        "fill_count_fp": "1.00",
        "remaining_count_fp": "9.00",
        "initial_count_fp": "10.00",
        **more,
    }


def orders(*rows: dict[str, Any], cursor: str = "") -> HttpResponse:
    return answer(200, {"orders": list(rows), "cursor": cursor})


REPORT = OrderReport(
    TS, 5, "mine-1", "order-1", "M", Side.ASK, OrderStatus.RESTING, 5_600, 100, 900, as_of=AS_OF_NANOS
)
ABSENT = OrderReport(TS, 5, "mine-1", "", "M", Side.BID, OrderStatus.ABSENT, 0, 0, 0, as_of=AS_OF_NANOS)


# -- one order ------------------------------------------------------------------------------------------
def test_by_order_id_the_freshness_is_read_first() -> None:
    event, requests = talk(call(BY_ID), AS_OF, answer(200, {"order": order()}))
    assert event == REPORT
    assert [r.path for r in requests] == ["/exchange/user_data_timestamp", "/portfolio/orders/order-1"]
    assert requests[1].cost is Cost.READ_ORDER


def test_an_order_that_is_not_there_is_absent_as_of_then() -> None:
    event, _ = talk(call(BY_ID), AS_OF, answer(404, {"error": {"code": "not_found"}}))
    assert isinstance(event, OrderReport)
    assert (event.status, event.as_of, event.order_id) == (OrderStatus.ABSENT, AS_OF_NANOS, "order-1")


def test_without_the_freshness_nothing_is_concluded() -> None:
    event, _ = talk(call(BY_ID), lost())
    assert event == ApiError(TS, 5, RequestKind.QUERY_ORDER, 0, "no_answer", "ReadTimeout")
    event, _ = talk(call(BY_CLIENT_ID), answer(200, {"as_of_time": "yesterday"}))
    assert isinstance(event, ApiError) and event.code == "unreadable"


def test_by_our_own_id_the_markets_orders_are_searched_page_by_page() -> None:
    pages = (orders(order("x", "theirs"), cursor="c1"), orders(order()))
    event, requests = talk(call(BY_CLIENT_ID), AS_OF, *pages)
    assert event == REPORT
    assert [r.query for r in requests[1:]] == [
        "limit=1000&ticker=M&min_ts=1940",
        "limit=1000&ticker=M&min_ts=1940&cursor=c1",
    ]


def test_not_found_on_any_page_is_absent() -> None:
    event, _ = talk(
        call(BY_CLIENT_ID), AS_OF, orders(cursor="c1"), answer(200, {"orders": None, "cursor": ""})
    )
    assert event == ABSENT


@pytest.mark.parametrize(
    "answers",
    [
        (orders(cursor="c1"), lost()),
        (orders(cursor="c1"), answer(500)),
        (orders(cursor="c1"), orders(cursor="c1")),
        (answer(200, {"cursor": ""}),),
        (answer(200, b'{"orders":[],"cur'),),
        (answer(429, {"error": "too many requests"}),),
        (orders(order(status="pondering")),),
        (orders(order(yes_price_dollars="7")),),
        (orders(order(book_side="left")),),
    ],
)
def test_an_incomplete_search_proves_nothing(answers: tuple[HttpResponse, ...]) -> None:
    event, _ = talk(call(BY_CLIENT_ID), AS_OF, *answers)
    assert isinstance(event, ApiError) and event.request_id == 5 and event.code


def test_an_answer_about_another_order_is_an_error() -> None:
    event, _ = talk(call(BY_ID), AS_OF, answer(200, {"order": order("order-2")}))
    assert isinstance(event, ApiError) and event.code == "another_order"


# -- the account ----------------------------------------------------------------------------------------
FILL = {
    "fill_id": "t-1",
    "trade_id": "t-1",
    "order_id": "order-1",
    "ticker": "M",
    "market_ticker": "M",
    "outcome_side": "no",
    "book_side": "ask",
    "count_fp": "1.00",
    "yes_price_dollars": "0.5600",
    "no_price_dollars": "0.4400",
    "is_taker": False,
    "fee_cost": "0.017500",
}
POSITION = {
    "ticker": "M",
    "exchange_index": 0,
    "position_fp": "-3.00",
    "market_exposure_dollars": "2.500000",
    "realized_pnl_dollars": "-0.100000",
    "fees_paid_dollars": "0.018900",
}
FILLS = answer(200, {"fills": [FILL], "cursor": ""})
POSITIONS = answer(200, {"market_positions": [POSITION], "event_positions": [], "cursor": ""})
BALANCE = answer(200, {"balance": 9801, "balance_dollars": "98.0186", "portfolio_value": 198})


def test_the_account_is_read_whole_and_in_order() -> None:
    event, requests = talk(
        call(ACCOUNT), AS_OF, orders(cursor="c1"), orders(order()), FILLS, POSITIONS, BALANCE
    )
    resting = OrderReport(
        TS, 6, "mine-1", "order-1", "M", Side.ASK, OrderStatus.RESTING, 5_600, 100, 900, as_of=AS_OF_NANOS
    )
    assert event == AccountReport(
        TS,
        6,
        as_of=AS_OF_NANOS,
        cash=98_018_600,
        positions=(PositionReport("M", -300, 2_500_000, -100_000, 18_900),),
        resting=(resting,),
        fills=(Fill(TS, "t-1", "order-1", "", "M", Side.ASK, 5_600, 100, 17_500, False),),
        fills_from=3_000 * SECOND,
    )
    assert [r.path.rsplit("/", 1)[1] + "?" + r.query for r in requests] == [
        "user_data_timestamp?",
        "orders?limit=1000&status=resting",
        "orders?limit=1000&status=resting&cursor=c1",
        "fills?limit=1000&min_ts=3000",
        "positions?limit=1000",
        "balance?",
    ]


def test_fills_are_told_in_the_order_in_which_they_happened() -> None:
    """The exchange lists the newest first: booked so, a purchase and the sale after it change places, and
    with them what each round trip earned."""
    pages = [[FILL | {"trade_id": "t-4"}, FILL | {"trade_id": "t-3"}], [FILL | {"trade_id": "t-2"}]]
    newest, oldest = (answer(200, {"fills": p, "cursor": c}) for p, c in zip(pages, ("c1", ""), strict=True))
    event, _ = talk(call(ACCOUNT), AS_OF, orders(), newest, oldest, POSITIONS, BALANCE)
    assert isinstance(event, AccountReport)
    assert [fill.trade_id for fill in event.fills] == ["t-2", "t-3", "t-4"]


def test_a_balance_in_cents_only_is_read_too() -> None:
    event, _ = talk(call(ACCOUNT), AS_OF, orders(), FILLS, POSITIONS, answer(200, {"balance": 9801}))
    assert isinstance(event, AccountReport) and event.cash == 98_010_000


GOOD = (AS_OF, orders(), FILLS, POSITIONS, BALANCE)
BAD: dict[str, HttpResponse] = {
    "no answer": lost(),
    "server error": answer(503, b"<html>"),
    "empty object": answer(200, {}),
    "truncated": answer(200, b'{"orders":[],"fills":[],"market_positions":['),
    "unauthorized": answer(401, {"error": {"code": "authentication_error"}}),
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("step", range(5))
def test_one_failure_anywhere_is_an_error_never_a_part(step: int, bad: str) -> None:
    event, requests = talk(call(ACCOUNT), *GOOD[:step], BAD[bad])
    assert isinstance(event, ApiError)
    assert (event.kind, event.request_id) == (RequestKind.QUERY_ACCOUNT, 6)
    assert len(requests) == step + 1


def test_one_unreadable_row_spoils_the_report() -> None:
    fills = answer(200, {"fills": [FILL, FILL | {"count_fp": "1.005"}], "cursor": ""})
    event, _ = talk(call(ACCOUNT), AS_OF, orders(), fills, POSITIONS, BALANCE)
    assert isinstance(event, ApiError) and event.code == "unreadable"
