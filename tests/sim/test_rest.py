"""The REST face in process, reads: bodies as the specification wants them, filters, pages, lag."""

from __future__ import annotations

import json

import pytest

from mm.sim.buckets import BASIC, TIERS
from mm.sim.face_switches import FaceSwitches
from mm.sim.rest_numbers import time_text
from mm.sim.switches import Switches
from tests.sim.faces import OPEN, OTHER, SECOND, Face, spec, traded

READS = [
    ("/exchange/status", "", "ExchangeStatus"),
    ("/exchange/user_data_timestamp", "", "GetUserDataTimestampResponse"),
    ("/exchange/schedule", "", "GetExchangeScheduleResponse"),
    ("/account/limits", "", "GetAccountApiLimitsResponse"),
    ("/account/endpoint_costs", "", "GetAccountEndpointCostsResponse"),
    ("/series", "", "GetSeriesListResponse"),
    ("/series/KXTEST", "", "GetSeriesResponse"),
    ("/series/fee_changes", "", "GetSeriesFeeChangesResponse"),
    ("/events", "with_nested_markets=true", "GetEventsResponse"),
    ("/events/fee_changes", "", "GetEventFeeChangesResponse"),
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


def test_who_is_nobody_and_what_is_nowhere() -> None:
    face = Face()
    nobody = face.ask(None, "GET", "/portfolio/balance")
    assert nobody.status == 401
    assert json.loads(nobody.body)["error"]["code"] == "signature_is_missing_from_headers"
    assert face.ask(None, "GET", "/markets").status == 200
    assert face.ask("ann", "GET", "/nowhere").status == 404
    assert face.ask("ann", "PUT", "/markets").status == 404
    assert face.ask("stranger", "GET", "/portfolio/balance").status == 404


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


def test_an_empty_side_reads_as_recorded_before_and_after_a_first_order() -> None:
    face = Face()

    def sides() -> tuple[tuple[str, str], ...]:
        market = face.get(f"/markets/{OPEN}")["market"]
        return tuple((market[f"yes_{one}_dollars"], market[f"yes_{one}_size_fp"]) for one in ("bid", "ask"))

    assert sides() == (("0.0000", "0.00"), ("0.0000", "0.00"))
    face.create("ann", "bid", "0.40", "2")
    assert sides() == (("0.4000", "2.00"), ("1.0000", "0.00"))
    face.ask("ann", "DELETE", "/portfolio/events/orders")
    assert sides() == (("0.0000", "0.00"), ("1.0000", "0.00"))


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


def test_events_are_filtered_and_carry_their_markets_where_asked() -> None:
    face = Face()

    def events(query: str) -> list[str]:
        return [one["event_ticker"] for one in face.get("/events", query)["events"]]

    assert events("") == ["KXTEST-26", "KXTEST-27"]
    assert events("status=unopened") == ["KXTEST-27"]
    assert events("tickers=KXTEST-26&series_ticker=KXTEST") == ["KXTEST-26"]
    assert events("series_ticker=KXNONE") == []
    assert events(f"min_updated_ts={face.now // SECOND}") == ["KXTEST-26", "KXTEST-27"]
    assert events(f"min_updated_ts={face.now // SECOND + 1}") == []
    assert events(f"min_close_ts={face.now // SECOND + 3601}") == []
    beside = face.get("/events/KXTEST-26")
    assert [one["ticker"] for one in beside["markets"]] == [OPEN, OTHER]
    inside = face.get("/events/KXTEST-26", "with_nested_markets=true")
    assert inside == {"event": {**beside["event"], "markets": beside["markets"]}, "markets": []}
    assert face.get("/events/KXTEST-26", "exclude_markets=true")["markets"] == []
    assert face.get("/events/KXNONE", status=404)["error"]["code"] == "not_found"


def test_trades_of_all_markets_come_newest_first() -> None:
    face = Face()
    for ticker in (OPEN, OTHER, OPEN):
        face.wait(SECOND)
        face.create("bob", "ask", "0.56", "1", ticker=ticker)
        face.create("ann", "bid", "0.56", "1", ticker=ticker)
    trades = face.get("/markets/trades")["trades"]
    assert [one["ticker"] for one in trades] == [OPEN, OTHER, OPEN]
    assert [one["created_time"] for one in trades] == sorted(
        (one["created_time"] for one in trades), reverse=True
    )
    since = face.now // SECOND
    assert len(face.get("/markets/trades", f"min_ts={since}")["trades"]) == 1
    assert len(face.get("/markets/trades", f"max_ts={since - 1}")["trades"]) == 2


def test_the_dropped_liquidity_is_written_on_request_only() -> None:
    assert "liquidity_dollars" not in Face().get(f"/markets/{OPEN}")["market"]
    assert (
        Face(switches=FaceSwitches(liquidity=True)).get(f"/markets/{OPEN}")["market"]["liquidity_dollars"]
        == "0.0000"
    )


def test_scheduled_fees_are_listed_before_and_after_they_come() -> None:
    face = Face()
    day = 86_400 * SECOND
    face.venue.schedule_series_fees("KXTEST", "quadratic", 500_000, face.now + day)
    face.venue.schedule_event_fees("KXTEST-26", "quadratic", 2_000_000, face.now + day)
    face.venue.schedule_event_fees("KXTEST-26", None, None, face.now + 2 * day)

    def series(query: str = "") -> list[float]:
        rows = face.get("/series/fee_changes", query)
        spec("openapi").check(rows, "GetSeriesFeeChangesResponse")
        return [one["fee_multiplier"] for one in rows["series_fee_change_arr"]]

    assert (series(), series("series_ticker=KXNONE")) == ([0.5], [])
    events = face.get("/events/fee_changes", "event_ticker=KXTEST-26")
    spec("openapi").check(events, "GetEventFeeChangesResponse")
    assert [one["fee_multiplier_override"] for one in events["event_fee_changes"]] == [2.0, None]
    first = face.get("/events/fee_changes", "limit=1")
    second = face.get("/events/fee_changes", f"limit=1&cursor={first['cursor']}")
    assert first["event_fee_changes"] + second["event_fee_changes"] == events["event_fee_changes"]
    face.wait(day)
    assert (series(), series("show_historical=true")) == ([], [0.5])
    assert face.get("/series/KXTEST")["series"]["fee_multiplier"] == 0.5
    assert face.get("/events/KXTEST-26")["event"]["fee_multiplier_override"] == 2.0


def test_the_schedule_and_the_status_tell_of_the_weekly_pause_where_there_is_one() -> None:
    week = Face().get("/exchange/schedule")["schedule"]["standard_hours"][0]
    assert week["thursday"] == week["friday"] == [{"open_time": "00:00", "close_time": "00:00"}]
    face = Face(rules=Switches(weekly_pause=True))
    schedule = face.get("/exchange/schedule")
    spec("openapi").check(schedule, "GetExchangeScheduleResponse")
    assert schedule["schedule"]["standard_hours"][0]["thursday"][0]["close_time"] == "03:00"
    (window,) = schedule["schedule"]["maintenance_windows"]
    assert face.get("/exchange/status")["trading_active"] is True
    while face.get("/exchange/status")["trading_active"]:
        face.wait(600 * SECOND)
    status = face.get("/exchange/status")
    spec("openapi").check(status, "ExchangeStatus")
    assert window["start_datetime"] <= time_text(face.now) < window["end_datetime"]
    assert status["exchange_estimated_resume_time"] == window["end_datetime"]


def test_who_has_placed_an_order_may_have_the_advanced_tier() -> None:
    face = Face(tier=BASIC)
    upgrade = "/account/api_usage_level/upgrade"
    assert face.ask("ann", "POST", upgrade).status == 403
    face.wait(SECOND)
    face.create("ann", "bid", "0.40", "1")
    face.wait(SECOND)
    assert face.get("/account/limits")["grants"] == []
    done = face.ask("ann", "POST", upgrade)
    assert (done.status, done.body) == (201, b"")
    limits = face.get("/account/limits")
    spec("openapi").check(limits, "GetAccountApiLimitsResponse")
    assert (limits["usage_tier"], limits["write"]) == (
        "advanced",
        {"refill_rate": 300, "bucket_capacity": 600},
    )
    assert [one["level"] for one in limits["grants"]] == ["advanced"]
    placed = [face.ask("ann", "POST", "/portfolio/events/orders", {}).status for _ in range(61)]
    assert placed == [400] * 60 + [429]
    assert face.get("/account/limits", user="bob")["usage_tier"] == "basic"


def test_the_upgrade_takes_nothing_from_a_higher_tier() -> None:
    face = Face(tier=TIERS["prime"])
    face.create("ann", "bid", "0.40", "1")
    assert face.ask("ann", "POST", "/account/api_usage_level/upgrade").status == 201
    assert face.get("/account/limits")["usage_tier"] == "prime"
