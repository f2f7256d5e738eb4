"""The REST face in process: bodies as the specification wants them, refusals as the exchange words them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mm.sim.buckets import BASIC
from mm.sim.rest import PREFIX
from mm.sim.rest_routes import ROUTES, find
from tests.sim.faces import OPEN, OTHER, SECOND, Face, order, spec


def traded() -> Face:
    """Ann bought 5 of Bob's 10 at .56 as a taker, and has a bid of 3 at .40 resting."""
    face = Face()
    face.create("bob", "ask", "0.56", "10", client_order_id="bob-1")
    face.create("ann", "bid", "0.60", "5", time_in_force="immediate_or_cancel", client_order_id="ann-1")
    face.create(
        "ann", "bid", "0.4000", "3.00", client_order_id="ann-2", expiration_time=face.now // SECOND + 60
    )
    return face


READS = [
    ("/exchange/status", "", "ExchangeStatus"),
    ("/exchange/user_data_timestamp", "", "GetUserDataTimestampResponse"),
    ("/account/limits", "", "GetAccountApiLimitsResponse"),
    ("/account/endpoint_costs", "", "GetAccountEndpointCostsResponse"),
    ("/series", "", "GetSeriesListResponse"),
    ("/series/KXTEST", "", "GetSeriesResponse"),
    ("/series/fee_changes", "", "GetSeriesFeeChangesResponse"),
    ("/events", "with_nested_markets=true", "GetEventsResponse"),
    ("/events/KXTEST-26", "", "GetEventResponse"),
    ("/markets", "", "GetMarketsResponse"),
    (f"/markets/{OPEN}", "", "GetMarketResponse"),
    (f"/markets/{OPEN}/orderbook", "", "GetMarketOrderbookResponse"),
    ("/markets/orderbooks", f"tickers={OPEN}&tickers={OTHER}", "GetMarketOrderbooksResponse"),
    ("/markets/trades", "", "GetTradesResponse"),
    ("/portfolio/balance", "", "GetBalanceResponse"),
    ("/portfolio/positions", "", "GetPositionsResponse"),
    ("/portfolio/fills", "", "GetFillsResponse"),
    ("/portfolio/orders", "", "GetOrdersResponse"),
    ("/portfolio/orders/queue_positions", "", "GetOrderQueuePositionsResponse"),
]


@pytest.mark.parametrize(("path", "query", "schema"), READS)
def test_reads_fit_the_specification(path: str, query: str, schema: str) -> None:
    spec("openapi").check(traded().get(path, query), schema)


def test_every_read_of_the_table_is_held_against_the_specification() -> None:
    checked = {found[0].pattern for path, _, _ in READS if (found := find("GET", PREFIX + path))}
    checked |= {  # these have a story below
        "/portfolio/settlements",
        "/portfolio/orders/{order_id}",
        "/portfolio/orders/{order_id}/queue_position",
    }
    assert checked == {route.pattern for route in ROUTES if route.method == "GET"}


def test_writes_fit_the_specification() -> None:
    face, api = Face(), spec("openapi")
    maker = face.create("bob", "ask", "0.56", "10")
    api.check(maker, "CreateOrderV2Response")
    assert (maker["fill_count"], maker["remaining_count"]) == ("0.00", "10.00")
    taker = face.create("ann", "bid", "0.99", "1", time_in_force="immediate_or_cancel", client_order_id="x")
    api.check(taker, "CreateOrderV2Response")
    assert taker["client_order_id"] == "x"
    assert (taker["average_fill_price"], taker["average_fee_paid"]) == ("0.5600", "0.0173")
    path = f"/portfolio/events/orders/{maker['order_id']}"
    amended = face.ask(
        "bob", "POST", f"{path}/amend", {"ticker": OPEN, "side": "ask", "price": "0.57", "count": "11"}
    )
    assert amended.status == 200
    api.check(json.loads(amended.body), "AmendOrderV2Response")
    assert json.loads(amended.body)["remaining_count"] == "10.00"
    decreased = face.ask("bob", "POST", f"{path}/decrease", {"reduce_by": "4"})
    api.check(json.loads(decreased.body), "DecreaseOrderV2Response")
    assert json.loads(decreased.body)["remaining_count"] == "6.00"
    canceled = face.ask("bob", "DELETE", path, query=f"market_ticker={OPEN}")
    api.check(json.loads(canceled.body), "CancelOrderV2Response")
    assert json.loads(canceled.body)["reduced_by"] == "6.00"
    again = face.ask("bob", "DELETE", path)
    assert again.status == 404
    assert json.loads(again.body) == {"error": {"code": "not_found", "message": "not found"}}


def test_a_batch_answers_for_each_order_in_its_place() -> None:
    face, api = Face(), spec("openapi")
    wrong_price, numbers = order("bid", "0.405", "1"), {**order("bid", "0.41", "1"), "count": 1}
    placed = face.ask(
        "ann",
        "POST",
        "/portfolio/events/orders/batched",
        {"orders": [order("bid", "0.40", "1"), wrong_price, numbers]},
    )
    assert placed.status == 201
    body = json.loads(placed.body)
    api.check(body, "BatchCreateOrdersV2Response")
    assert body["orders"][0]["remaining_count"] == "1.00"
    assert body["orders"][1]["error"]["code"] == "invalid_price"
    assert body["orders"][2]["error"]["code"] == "bad_request"
    ids = [body["orders"][0]["order_id"], "no-such-order"]
    canceled = face.ask(
        "ann", "DELETE", "/portfolio/events/orders/batched", {"orders": [{"order_id": one} for one in ids]}
    )
    assert canceled.status == 200
    rows = json.loads(canceled.body)
    api.check(rows, "BatchCancelOrdersV2Response")
    assert [row["reduced_by"] for row in rows["orders"]] == ["1.00", "0.00"]
    assert rows["orders"][1]["order_id"] == "no-such-order"
    assert rows["orders"][1]["error"]["code"] == "not_found"


def test_cancel_all_is_204_without_a_body() -> None:
    face = traded()
    response = face.ask("ann", "DELETE", "/portfolio/events/orders")
    assert (response.status, response.body) == (204, b"")
    assert face.get("/portfolio/orders", "status=resting")["orders"] == []


@pytest.mark.parametrize(
    ("change", "status", "expected"),
    [
        (
            {"count": 1},
            400,
            {
                "code": "bad_request",
                "message": "bad request",
                "details": "json: cannot unmarshal number into Go struct field "
                "CreateOrderV2Request.count of type string",
            },
        ),
        ({"price": "1.0000"}, 400, "invalid_price"),
        ({"price": "0.5"}, 400, "invalid_price"),
        ({"price": "0.555"}, 400, "invalid_price"),
        ({"count": "1.234"}, 400, "invalid_order_size"),
        ({"count": "0"}, 400, "invalid_order_size"),
        ({"post_only": True, "price": "0.60"}, 400, "invalid_order"),
        ({"time_in_force": "fill_or_kill", "count": "50"}, 409, "fill_or_kill_insufficient_resting_volume"),
        ({"client_order_id": "ann-1"}, 409, "order_already_exists"),
        ({"ticker": "KXNONE"}, 404, "market_not_found"),
        ({"ticker": "KXTEST-27-A"}, 409, "market_not_open"),
        ({"subaccount": 3}, 404, "user_not_found"),
        ({"price": "0.99", "count": "5000"}, 400, "insufficient_balance"),
    ],
)
def test_a_create_is_refused_as_the_exchange_words_it(change: Any, status: int, expected: Any) -> None:
    face = traded()
    response = face.ask("ann", "POST", "/portfolio/events/orders", {**order("bid", "0.41", "1"), **change})
    body = json.loads(response.body)
    assert response.status == status
    assert (body if isinstance(expected, dict) else body["error"]["code"]) == expected


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"ticker":"KXTEST-26-A"}', b'{"side":"buy"}', b"\xff"])
def test_an_unreadable_create_is_a_flat_400(body: bytes) -> None:
    response = Face().ask("ann", "POST", "/portfolio/events/orders", body)
    assert response.status == 400
    assert json.loads(response.body)["code"] == "bad_request"


def test_unknown_keys_nulls_and_shorter_decimals_are_accepted() -> None:
    face = Face()
    placed = face.create(
        "ann", "bid", "0.41", "1.5", something={"new": 1}, order_group_id=None, exchange_index=-1
    )
    assert placed["remaining_count"] == "1.50"


def test_who_is_nobody_and_what_is_nowhere() -> None:
    face = Face()
    nobody = face.ask(None, "GET", "/portfolio/balance")
    assert nobody.status == 401
    assert json.loads(nobody.body)["error"]["code"] == "signature_is_missing_from_headers"
    assert face.ask(None, "GET", "/markets").status == 200
    assert face.ask("ann", "GET", "/nowhere").status == 404
    assert face.ask("ann", "PUT", "/markets").status == 404
    assert face.ask("stranger", "GET", "/portfolio/balance").status == 404


def test_the_first_order_paths_are_gone() -> None:
    face = Face()
    for method, path in (
        ("POST", ""),
        ("DELETE", "/some-id"),
        ("POST", "/batched"),
        ("POST", "/some-id/amend"),
    ):
        response = face.ask("ann", method, f"/portfolio/orders{path}", {})
        assert response.status == 410
        assert json.loads(response.body)["error"]["code"] == "deprecated_v1_order_endpoint"


def test_pages_neither_repeat_nor_skip_while_orders_arrive() -> None:
    face = Face()
    ids = [face.create("ann", "bid", "0.40", "1")["order_id"] for _ in range(5)]
    first = face.get("/portfolio/orders", "limit=2")
    face.create("ann", "bid", "0.41", "1")
    second = face.get("/portfolio/orders", f"limit=2&cursor={first['cursor']}")
    third = face.get("/portfolio/orders", f"limit=2&cursor={second['cursor']}")
    seen = [one["order_id"] for page in (first, second, third) for one in page["orders"]]
    assert seen == ids[::-1]
    assert third["cursor"] == ""


def test_a_garbage_cursor_is_a_first_page_and_a_large_limit_is_refused() -> None:
    face = traded()
    whole = face.get("/portfolio/orders")
    for garbage in ("x", "%FF", "bm90LWFuLWlk"):
        assert face.get("/portfolio/orders", f"cursor={garbage}") == whole
    refusal = face.get("/markets", "limit=1001", status=400)
    assert refusal["msg"] == (
        "Parameter validation failed for GetMarkets: Key: 'GetMarketsParams.Limit' "
        "Error:Field validation for 'Limit' failed on the 'lte' tag"
    )
    assert face.get("/events", "limit=201", status=400)["msg"].startswith(
        "Parameter validation failed for GetEvents"
    )
    assert "msg" in face.get("/markets", "limit=many", status=400)


def test_markets_are_filtered_by_the_words_of_the_exchange() -> None:
    face = Face()

    def tickers(query: str) -> list[str]:
        return [one["ticker"] for one in face.get("/markets", query)["markets"]]

    assert tickers("status=open") == [OPEN, OTHER]
    assert tickers("status=unopened") == ["KXTEST-27-A"]
    assert tickers("event_ticker=KXTEST-27&series_ticker=KXTEST") == ["KXTEST-27-A"]
    assert tickers(f"tickers={OTHER},KXNONE") == [OTHER]
    assert tickers("mve_filter=only") == []
    assert tickers(f"min_close_ts={face.now // SECOND + 3601}") == []
    assert "msg" in face.get("/markets", "status=active", status=400)
    assert "msg" in face.get("/markets", "min_close_ts=1&min_created_ts=1", status=400)
    assert "msg" in face.get("/markets", "min_close_ts=1&status=open", status=400)


def test_a_book_is_written_with_the_best_last_and_no_prices_on_the_no_leg() -> None:
    face = Face()
    untouched = face.get(f"/markets/{OPEN}")["market"]
    assert (untouched["yes_ask_dollars"], untouched["no_bid_dollars"]) == ("0.0000", "1.0000")
    for side, price in (("bid", "0.40"), ("bid", "0.42"), ("ask", "0.55"), ("ask", "0.60")):
        face.create("ann", side, price, "2")
    book = face.get(f"/markets/{OPEN}/orderbook")["orderbook_fp"]
    assert book["yes_dollars"] == [["0.4000", "2.00"], ["0.4200", "2.00"]]
    assert book["no_dollars"] == [["0.4000", "2.00"], ["0.4500", "2.00"]]
    top = face.get(f"/markets/{OPEN}/orderbook", "depth=1")["orderbook_fp"]
    assert top == {"yes_dollars": [["0.4200", "2.00"]], "no_dollars": [["0.4500", "2.00"]]}
    market = face.get(f"/markets/{OPEN}")["market"]
    assert (market["yes_bid_dollars"], market["yes_ask_dollars"]) == ("0.4200", "0.5500")
    assert (market["no_bid_dollars"], market["no_ask_dollars"]) == ("0.4500", "0.5800")


def test_a_trade_shows_in_every_read() -> None:
    face = traded()
    (trade,) = face.get("/markets/trades", f"ticker={OPEN}")["trades"]
    assert (trade["yes_price_dollars"], trade["count_fp"], trade["taker_book_side"]) == (
        "0.5600",
        "5.00",
        "bid",
    )
    (fill,) = face.get("/portfolio/fills")["fills"]
    assert (fill["trade_id"], fill["is_taker"], fill["fee_cost"]) == (trade["trade_id"], True, "0.086300")
    (position,) = face.get("/portfolio/positions")["market_positions"]
    assert (position["position_fp"], position["market_exposure_dollars"]) == ("5.00", "2.800000")
    (short,) = face.get("/portfolio/positions", user="bob")["market_positions"]
    assert (short["position_fp"], short["market_exposure_dollars"]) == ("-5.00", "2.200000")
    done, resting = (
        face.get("/portfolio/orders", "status=executed"),
        face.get("/portfolio/orders", "status=resting"),
    )
    assert done["orders"][0]["yes_price_dollars"] == "0.6000"
    assert done["orders"][0]["taker_fill_cost_dollars"] == "2.800000"
    assert resting["orders"][0]["expiration_time"].endswith("Z")
    balance = face.get("/portfolio/balance")
    assert (balance["balance"], balance["balance_dollars"], balance["portfolio_value"]) == (
        99711,
        "997.1137",
        280,
    )
    (queue,) = face.get("/portfolio/orders/queue_positions", f"market_tickers={OPEN}")["queue_positions"]
    assert queue["queue_position_fp"] == "0.00"
    one = face.get(f"/portfolio/orders/{queue['order_id']}")
    spec("openapi").check(one, "GetOrderResponse")
    single = face.get(f"/portfolio/orders/{queue['order_id']}/queue_position")
    assert single == {"queue_position_fp": "0.00"}


def test_a_settled_position_leaves_the_positions_for_the_settlements() -> None:
    face = traded()
    face.venue.determine(OPEN, "yes")
    face.venue.settle(OPEN)
    assert face.get("/portfolio/positions")["market_positions"] == []
    (settled,) = face.get("/portfolio/positions", "settlement_status=settled")["market_positions"]
    assert settled["position_fp"] == "0.00"
    paid = face.get("/portfolio/settlements")
    spec("openapi").check(paid, "GetSettlementsResponse")
    assert (paid["settlements"][0]["revenue"], paid["settlements"][0]["value"]) == (500, 100)
    assert face.get("/portfolio/balance")["balance_dollars"] == "1002.1137"


def test_reads_trail_the_engine_and_say_so() -> None:
    face = Face(read_lag_ns=SECOND // 2)
    face.wait(SECOND)
    placed = face.create("ann", "bid", "0.40", "1")
    path = f"/portfolio/orders/{placed['order_id']}"
    assert face.ask("ann", "GET", path).status == 404
    face.wait(SECOND // 2)
    assert face.get(path)["order"]["status"] == "resting"
    assert face.ask("ann", "DELETE", f"/portfolio/events/orders/{placed['order_id']}").status == 200
    assert face.get(path)["order"]["status"] == "resting"
    assert face.ask("ann", "DELETE", f"/portfolio/events/orders/{placed['order_id']}").status == 404
    before = face.get("/exchange/user_data_timestamp")["as_of_time"]
    face.wait(SECOND // 2)
    assert face.get(path)["order"]["status"] == "canceled"
    assert face.get("/exchange/user_data_timestamp")["as_of_time"] > before


def test_a_used_up_budget_is_429_and_fills_up_again() -> None:
    face = Face(tier=BASIC)
    for number in range(10):
        face.create("ann", "bid", "0.40", "1", client_order_id=str(number))
    refused = face.ask("ann", "POST", "/portfolio/events/orders", order("bid", "0.40", "1"))
    assert (refused.status, json.loads(refused.body)) == (429, {"error": "too many requests"})
    assert face.ask("bob", "POST", "/portfolio/events/orders", order("bid", "0.40", "1")).status == 201
    face.wait(SECOND // 50)
    assert face.ask("ann", "DELETE", "/portfolio/events/orders").status == 204
    assert face.ask("ann", "DELETE", "/portfolio/events/orders").status == 429


def test_a_batch_must_fit_the_budget_as_a_whole() -> None:
    face = Face(tier=BASIC)
    batch = {"orders": [order("bid", "0.40", "1")] * 11}
    assert face.ask("ann", "POST", "/portfolio/events/orders/batched", batch).status == 429
    assert face.get("/portfolio/orders")["orders"] == []
    batch["orders"].pop()
    assert face.ask("ann", "POST", "/portfolio/events/orders/batched", batch).status == 201


def test_the_balance_has_a_budget_of_its_own() -> None:
    face = Face(tier=BASIC)
    assert face.ask("ann", "GET", "/portfolio/balance").status == 200
    assert face.ask("ann", "GET", "/portfolio/balance").status == 429
    face.wait(SECOND)
    assert face.ask("ann", "GET", "/portfolio/balance").status == 200
