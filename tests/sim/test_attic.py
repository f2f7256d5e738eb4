"""A long run: what is forgotten, and what is not."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from mm.sim import attic
from mm.sim.candles import MINUTE
from mm.sim.exchange import Exchange
from mm.sim.load import load_world
from mm.sim.venue import Venue
from mm.sim.words import OrderRequest
from tests.sim.faces import Face, order

START = 1_790_596_800 * 1_000_000_000
SECOND = 1_000_000_000


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(attic, "ORDERS_KEPT", 20)
    monkeypatch.setattr(attic, "MARKETS_KEPT", 2)
    monkeypatch.setattr(attic, "_AT_ONCE", 5)
    yield


def test_old_ended_orders_and_fills_are_forgotten_but_never_one_that_rests() -> None:
    face = Face()
    rests = face.create("ann", "bid", "0.10", "1", client_order_id="first")["order_id"]
    face.create("bob", "ask", "0.60", "1000")
    orders = [
        face.create(
            "ann", "bid", "0.60", "1", time_in_force="immediate_or_cancel", client_order_id=f"a{number}"
        )
        for number in range(100)
    ]
    assert len(face.venue.orders_of("ann")) <= 26
    assert len(face.venue.orders) <= 27
    listed = face.get("/portfolio/orders")["orders"]
    assert len(listed) <= 26
    assert [one["order_id"] for one in listed[:5]] == [one["order_id"] for one in reversed(orders[-5:])]
    assert listed[-1]["order_id"] == rests
    assert len(face.get("/portfolio/fills")["fills"]) <= 25
    assert face.ask("ann", "GET", f"/portfolio/orders/{orders[0]['order_id']}").status == 404
    assert face.get(f"/portfolio/orders/{rests}/queue_position")["queue_position_fp"] == "0.00"
    (position,) = face.get("/portfolio/positions")["market_positions"]
    assert position["position_fp"] == "100.00"
    face.venue.check()


def test_a_client_order_id_stays_used_up_after_its_order_is_forgotten() -> None:
    face = Face()
    face.create("bob", "ask", "0.60", "1000")
    for number in range(60):
        face.create(
            "ann", "bid", "0.60", "1", time_in_force="immediate_or_cancel", client_order_id=f"a{number}"
        )
    again = face.ask(
        "ann", "POST", "/portfolio/events/orders", order("bid", "0.60", "1", client_order_id="a0")
    )
    assert again.status == 409


def test_markets_settled_long_ago_keep_their_result_and_what_members_got() -> None:
    venue = Venue(seed=1, now=START)
    load = load_world(venue, 1, 4, 0, user_id="ann")
    exchange = Exchange(venue, random=random.Random(1))
    exchange.crowds.append(load)
    tickers = list(venue.markets)
    for number, ticker in enumerate(tickers):
        venue.create("ann", OrderRequest(ticker, "bid", 100, 9_900, "immediate_or_cancel", "taker_at_cross"))
        exchange.advance(START + (number + 1) * MINUTE)
        venue.determine(ticker, "yes")
        venue.settle(ticker)
    assert [len(venue.trades[ticker]) for ticker in tickers] == [0, 0, 1, 1]
    candles = [len(exchange._candles.read(ticker, 1, START, START + 3_600 * SECOND)) for ticker in tickers]
    assert candles[:2] == [0, 0]
    assert min(candles[2:]) > 0
    crowd = [account for account in venue.accounts.values() if account.is_crowd]
    assert {ticker for account in crowd for ticker in account.positions} == set(tickers[2:])
    assert [one.ticker for one in venue.settlements_of("ann")] == tickers
    assert {venue.markets[ticker].result for ticker in tickers} == {"yes"}
    venue.check()
