"""Markets as texts: what is kept of them is never older than the market."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest

from mm.sim.face_switches import Ages, FaceSwitches
from mm.sim.grids import price_ranges
from mm.sim.load import load_world
from mm.sim.rest_market_texts import MarketTexts, between
from mm.sim.venue import Venue
from mm.sim.words import Market
from tests.sim.faces import OPEN, OTHER, SECOND, START, Face, small_venue

NAMES = {"ticker", "event_ticker", "market_id"}
UNTOLD = {"dollar_volume", "last_trade_size", "determined_ns"}
TOLD = [one.name for one in fields(Market) if one.name not in NAMES | UNTOLD]
OTHERWISE: dict[str, Any] = {
    "title": 'Will it "rain"? ☂',
    "status": "closed",
    "price_level_structure": "deci_cent",
    "price_ranges": price_ranges("deci_cent"),
    "strike_type": "between",
    "floor_strike": 12.5,
    "cap_strike": 13.0,
    "result": "yes",
    "settlement_value": 3_300,
    "expiration_value": 4_711.25,
}


def fresh(venue: Venue, market: Market) -> Any:
    return json.loads(bytes(MarketTexts(venue, liquidity=False).one(market)))


@pytest.mark.parametrize("name", TOLD)
def test_whatever_changes_of_a_market_is_told_at_once(name: str) -> None:
    venue = small_venue()
    market = venue.markets[OPEN]
    market.result = "no"  # the value it was determined by is told beside a result
    texts = MarketTexts(venue, liquidity=False)
    before = json.loads(bytes(texts.one(market)))
    setattr(market, name, OTHERWISE.get(name, 7 * SECOND if name.endswith("_ns") else 7))
    after = json.loads(bytes(texts.one(market)))
    assert after == fresh(venue, market) != before


def test_under_load_a_kept_text_is_that_of_the_moment() -> None:
    venue = Venue(seed=1, now=START)
    load = load_world(venue, 1, 4, 2_000, user_id="ann")
    texts = MarketTexts(venue, liquidity=False)
    seen: set[bytes] = set()
    for turn in range(1, 400):
        venue.advance(START + turn * 2_000_000)
        load.wake(venue.now)
        for market in venue.markets.values():
            text = bytes(texts.one(market))
            assert json.loads(text) == fresh(venue, market)
            seen.add(text)
    assert len(seen) > 200, "too little happened"


def test_the_best_prices_told_are_those_of_the_book() -> None:
    face = Face()
    listed = face.get("/markets", f"tickers={OPEN}")["markets"]
    assert (listed[0]["yes_bid_dollars"], listed[0]["yes_ask_dollars"]) == ("0.0000", "0.0000")
    face.create("bob", "ask", "0.56", "2")
    face.create("ann", "bid", "0.41", "3")
    (market,) = face.get("/markets", f"tickers={OPEN}")["markets"]
    assert (market["yes_bid_dollars"], market["yes_bid_size_fp"]) == ("0.4100", "3.00")
    assert (market["yes_ask_dollars"], market["yes_ask_size_fp"]) == ("0.5600", "2.00")
    assert (market["no_bid_dollars"], market["no_ask_dollars"]) == ("0.4400", "0.5900")
    face.ask("ann", "DELETE", "/portfolio/events/orders")
    face.create("ann", "bid", "0.56", "2")
    (market,) = face.get("/markets", f"tickers={OPEN}")["markets"]
    assert (market["yes_bid_dollars"], market["yes_ask_dollars"]) == ("0.0000", "1.0000")
    assert (market["volume_fp"], market["open_interest_fp"]) == ("2.00", "2.00")
    assert (market["last_price_dollars"], market["volume_24h_fp"]) == ("0.5600", "2.00")


def test_a_market_reads_the_same_wherever_it_is_listed() -> None:
    for liquidity in (False, True):
        face = Face(switches=FaceSwitches(liquidity=liquidity))
        face.create("bob", "ask", "0.56", "2")
        alone = face.get(f"/markets/{OPEN}")["market"]
        assert alone.get("liquidity_dollars") == ("0.0000" if liquidity else None)
        nested = "with_nested_markets=true"
        places = [
            face.get("/markets")["markets"],
            face.get("/events", nested)["events"][0]["markets"],
            face.get("/events/KXTEST-26", nested)["event"]["markets"],
            face.get("/events/KXTEST-26")["markets"],
        ]
        assert [one[0] for one in places] == [alone] * 4
        assert [one["ticker"] for one in places[1]] == [OPEN, OTHER]


def test_lists_of_events_may_be_empty_and_so_may_the_events() -> None:
    face = Face(switches=FaceSwitches(ages=Ages(markets=SECOND)))
    nested = "with_nested_markets=true"
    assert face.get("/events", f"{nested}&tickers=KXNONE") == {"events": [], "cursor": ""}
    for ticker in (OPEN, OTHER):
        face.venue.determine(ticker, "yes")
        face.venue.settle(ticker)
    face.wait(2 * SECOND)
    empty, later = face.get("/events", nested)["events"]
    assert (empty["markets"], len(later["markets"])) == ([], 1)
    page = face.get("/events", f"{nested}&limit=1")
    assert [one["event_ticker"] for one in page["events"]] == ["KXTEST-26"]
    rest = face.get("/events", f"{nested}&cursor={page['cursor']}")
    assert [one["event_ticker"] for one in rest["events"]] == ["KXTEST-27"]
    assert all("markets" not in one for one in face.get("/events")["events"])


@pytest.mark.parametrize("pieces", [[], [b"1"], [b"1", b"2"], [b"1", b"2", b"3"]])
def test_pieces_between_two_ends(pieces: list[bytes]) -> None:
    kept = list(pieces)
    assert b",".join(between(b"[", pieces, b"]")) == b"[" + b",".join(pieces) + b"]"
    assert pieces == kept
