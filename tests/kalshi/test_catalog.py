"""Markets with the events and series that decide on their fees; the terms of exchange and account."""

from __future__ import annotations

from typing import Any

import pytest

from mm.core.events import FeeSchedule, MarketState, MarketStatus
from mm.core.grid import CENT_GRID
from mm.core.units import SECOND
from mm.kalshi.catalog import read_event_markets, read_markets, read_open_markets, read_series_markets
from mm.kalshi.conversation import Cost, HttpResponse, ReadError
from mm.kalshi.listing import to_status
from mm.kalshi.venue import (
    BucketLimit,
    ExchangeStatus,
    bucket,
    read_costs,
    read_exchange_status,
    read_limits,
)
from tests.kalshi.talk import answer, lost, talk


def market(ticker: str = "E-1", **more: Any) -> dict[str, Any]:
    return {
        "ticker": ticker,
        "event_ticker": "E",
        "market_type": "binary",
        "status": "active",
        "open_time": "1970-01-01T00:00:10Z",
        "close_time": "1970-01-01T01:00:00Z",
        "yes_bid_dollars": "0.4000",
        "yes_ask_dollars": "0.4300",
        "yes_bid_size_fp": "10.00",
        "yes_ask_size_fp": "5.50",
        "volume_fp": "100.00",
        "volume_24h_fp": "7.00",
        "price_ranges": [{"start": "0.0000", "end": "1.0000", "step": "0.0100"}],
        **more,
    }


def markets(*rows: dict[str, Any], cursor: str = "") -> HttpResponse:
    return answer(200, {"markets": list(rows), "cursor": cursor})


def event(**more: Any) -> HttpResponse:
    return answer(200, {"event": {"event_ticker": "E", "series_ticker": "S", **more}, "markets": []})


def series(fee_type: str = "quadratic", multiplier: float = 1) -> HttpResponse:
    return answer(200, {"series": {"ticker": "S", "fee_type": fee_type, "fee_multiplier": multiplier}})


def test_a_market_is_read_with_its_event_and_series() -> None:
    (listing,), requests = talk(read_markets(["E-1"]), markets(market()), event(), series())
    assert [f"{r.path}?{r.query}" for r in requests] == [
        "/markets?limit=1000&tickers=E-1",
        "/events/E?",
        "/series/S?",
    ]
    assert (listing.bid, listing.ask, listing.liquidity) == ((4_000, 1_000), (4_300, 550), 1_550)
    assert to_status(listing, 9) == MarketStatus(
        9,
        "E-1",
        MarketState.ACTIVE,
        event_ticker="E",
        series_ticker="S",
        close_ts=3_600 * SECOND,
        grid=CENT_GRID,
        fees=FeeSchedule(70_000, 0),
        volume=10_000,
    )


@pytest.mark.parametrize(
    ("override", "fees"),
    [
        ({}, FeeSchedule(35_000, 8_750)),
        ({"fee_type_override": None, "fee_multiplier_override": None}, FeeSchedule(35_000, 8_750)),
        ({"fee_type_override": "quadratic"}, FeeSchedule(35_000, 0)),
        ({"fee_multiplier_override": 0}, FeeSchedule(0, 0)),
        ({"fee_multiplier_override": 1.0}, FeeSchedule(70_000, 17_500)),
    ],
)
def test_the_event_overrides_the_series(override: dict[str, Any], fees: FeeSchedule) -> None:
    answers = (markets(market()), event(**override), series("quadratic_with_maker_fees", 0.5))
    (listing,), _ = talk(read_event_markets("E"), *answers)
    assert listing.fees == fees


def test_a_waiver_in_the_future_makes_it_free() -> None:
    waived = market(fee_waiver_expiration_time="2030-01-01T00:00:00Z")
    (listing,), _ = talk(read_event_markets("E"), markets(waived), event(), series())
    assert listing.fees == FeeSchedule(0, 0)
    assert listing.terms.schedule(2**61) == FeeSchedule(70_000, 0)


def test_an_empty_side_is_known_by_its_size() -> None:
    row = market(yes_bid_size_fp="0.00", yes_ask_dollars="0.0000", yes_ask_size_fp="0.00")
    (listing,), _ = talk(read_event_markets("E"), markets(row), event(), series())
    assert listing.bid is None and listing.ask is None and listing.liquidity == 0


def test_a_series_is_read_in_pages_and_sorted() -> None:
    pages = (markets(market("E-2"), cursor="c"), markets(market("E-1")))
    listings, requests = talk(read_series_markets("S"), *pages, event(), series())
    assert [listing.ticker for listing in listings] == ["E-1", "E-2"]
    assert requests[0].query == "limit=1000&series_ticker=S&status=open"


def test_many_tickers_are_asked_for_in_portions_and_kept_in_order() -> None:
    tickers = [f"E-{number:03}" for number in range(60, 0, -1)]
    answers = (markets(*map(market, tickers[:50])), markets(*map(market, tickers[50:])))
    listings, _ = talk(read_markets(tickers), *answers, event(), series())
    assert [listing.ticker for listing in listings] == tickers
    assert talk(read_markets([]))[0] == []


def test_a_market_that_does_not_exist_is_named() -> None:
    with pytest.raises(ReadError, match="no_such_market E-9"):
        talk(read_markets(["E-1", "E-9"]), markets(market()))


@pytest.mark.parametrize(
    "answers",
    [
        (lost(),),
        (answer(500),),
        (answer(200, b"<html>"),),
        (markets(market()), lost()),
        (markets(market()), answer(503, b"<html>")),
        (markets(market()), event(), answer(429, {"error": "too many requests"})),
    ],
)
def test_what_was_not_answered_is_an_error(answers: tuple[HttpResponse, ...]) -> None:
    with pytest.raises(ReadError):
        talk(read_event_markets("E"), *answers)


@pytest.mark.parametrize(
    "odd",
    [
        {"status": "pondering"},
        {"price_ranges": []},
        {"price_ranges": None},
        {"close_time": "soon"},
        {"yes_bid_size_fp": "-1.00"},
        {"volume_fp": 7},
    ],
)
def test_one_odd_market_does_not_hide_the_others(odd: dict[str, Any]) -> None:
    rows = markets(market("E-1"), market("E-2", **odd))
    listings, _ = talk(read_event_markets("E"), rows, event(), series())
    assert [listing.ticker for listing in listings] == ["E-1"]
    assert list(listings.unread) == ["E-2"] and listings.unread["E-2"]
    assert listings.remnants["E-2"].terms_unknown == bool({"status", "price_ranges"} & odd.keys())


def test_of_a_market_that_is_over_its_end_is_read_although_its_grid_is_gone() -> None:
    row = market(status="finalized", price_ranges=[], settlement_value_dollars="1.0000")
    listings, _ = talk(read_event_markets("E"), markets(row), event(), series())
    over = MarketStatus(0, "E-1", MarketState.SETTLED, settlement_value=10_000, terms_unknown=True)
    assert listings == [] and listings.remnants == {"E-1": over}


@pytest.mark.parametrize("status", [200, 404])
def test_an_event_that_cannot_be_understood_costs_its_own_markets_only(status: int) -> None:
    rows = markets(market("E-1"), market("F-1", event_ticker="F"))
    answers = (rows, event(), answer(status, {"error": {"code": "not_found"}}), series())
    listings, _ = talk(read_series_markets("S"), *answers)
    assert [listing.ticker for listing in listings] == ["E-1"]
    assert list(listings.unread) == ["F-1"] and listings.remnants["F-1"].terms_unknown


@pytest.mark.parametrize(
    "terms", [series("flat"), answer(200, {"series": {"ticker": "S", "fee_type": "quadratic"}})]
)
def test_without_terms_that_are_known_a_market_is_left_out(terms: HttpResponse) -> None:
    """`flat` is a word of the specification whose meaning is not known (protocol section 12)."""
    listings, _ = talk(read_event_markets("E"), markets(market()), event(), terms)
    assert listings == [] and list(listings.unread) == ["E-1"]
    assert listings.remnants["E-1"].terms_unknown


def test_a_market_that_is_listed_no_more_is_named_beside_the_others() -> None:
    answers = (markets(market()), event(), series())
    listings, _ = talk(read_markets(["E-1", "E-9"], may_be_missing=True), *answers)
    assert [listing.ticker for listing in listings] == ["E-1"]
    assert list(listings.unread) == ["E-9"] and not listings.remnants


def test_combinations_are_not_asked_for_with_all_markets() -> None:
    """There are many times more of them, and their events are listed elsewhere (protocol section 8)."""
    _, (request,) = talk(read_open_markets(), markets())
    assert request.query == "limit=1000&status=open&mve_filter=exclude"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("initialized", MarketState.UNOPENED),
        ("inactive", MarketState.PAUSED),
        ("closed", MarketState.CLOSED),
        ("disputed", MarketState.DETERMINED),
        ("finalized", MarketState.SETTLED),
    ],
)
def test_every_status_has_its_state(status: str, state: MarketState) -> None:
    row = market(status=status, settlement_value_dollars="1.0000")
    (listing,), _ = talk(read_event_markets("E"), markets(row), event(), series())
    assert (listing.state, listing.settlement_value) == (state, 10_000)


# -- the exchange and the account -------------------------------------------------------------------------
def test_the_exchange_says_that_it_is_closed_even_with_an_error_status() -> None:
    body = {"exchange_active": True, "trading_active": False}
    for status in (200, 503):
        assert talk(read_exchange_status(), answer(status, body))[0] == ExchangeStatus(True, False)
    with pytest.raises(ReadError):
        talk(read_exchange_status(), answer(503, b"<html>"))


def test_limits_become_buckets() -> None:
    body = {
        "usage_tier": "basic",
        "read": {"refill_rate": 200, "bucket_capacity": 400},
        "write": {"refill_rate": 100, "bucket_capacity": 100},
        "grants": [],
    }
    limits, _ = talk(read_limits(), answer(200, body))
    assert limits.read == BucketLimit(200, 400)
    assert bucket(limits.write).capacity == 80
    with pytest.raises(ReadError):
        talk(read_limits(), answer(200, body | {"write": {"refill_rate": 0, "bucket_capacity": 1}}))


def test_costs_are_read_however_the_routes_are_written() -> None:
    rows = [
        {"method": "DELETE", "path": "/trade-api/v2/portfolio/events/orders/:order_id", "cost": 2},
        {"method": "DELETE", "path": "/portfolio/events/orders", "cost": 3},
        {"method": "GET", "path": "/portfolio/orders/{order_id}", "cost": 4},
        {"method": "POST", "path": "/communications/quotes", "cost": 5},
    ]
    costs, _ = talk(read_costs(), answer(200, {"default_cost": 10, "endpoint_costs": rows}))
    assert costs == {
        Cost.CREATE: 10,
        Cost.AMEND: 10,
        Cost.CANCEL: 2,
        Cost.CANCEL_ALL: 3,
        Cost.READ_ORDER: 4,
        Cost.READ: 10,
    }
