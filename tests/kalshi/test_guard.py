"""The last check, the queue of a sending thread, and the addresses that may be used."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm.core.actions import AmendOrder, CancelOrder, PlaceOrder
from mm.core.units import Side
from mm.kalshi.endpoint import FEED_URLS, REST_URLS, EndpointError, endpoint
from mm.kalshi.guard import Guard, HardCaps
from mm.kalshi.lane import Job, Lane

CAPS = HardCaps(max_count=1_000, max_value=4_000_000)  # 10 contracts, 4 dollars


def place(side: Side = Side.BID, price: int = 4_000, count: int = 1_000, ticker: str = "M") -> PlaceOrder:
    return PlaceOrder(1, "mine-1", ticker, side, price, count)


@pytest.mark.parametrize(
    ("order", "is_fine"),
    [
        (place(), True),
        (place(count=1_001), False),
        (place(price=4_001), False),
        (place(Side.ASK, price=6_000), True),
        (place(Side.ASK, price=5_999), False),
        (place(count=0), False),
        (place(count=-1), False),
        (place(price=0), False),
        (place(price=10_000, count=1), False),
        (AmendOrder(1, "mine-1", "o", "M", Side.BID, 4_000, 1_000), True),
        (AmendOrder(1, "mine-1", "o", "M", Side.BID, 4_000, 1_001), False),
    ],
)
def test_an_order_over_a_cap_does_not_leave(order: PlaceOrder | AmendOrder, is_fine: bool) -> None:
    objection = Guard(CAPS).objection(order)
    assert objection is None if is_fine else objection is not None and objection[0] == "hard_cap"


def test_a_closed_gate_stays_closed() -> None:
    guard = Guard(CAPS)
    assert guard.is_open
    guard.close()
    guard.close()
    objection = guard.objection(place())
    assert not guard.is_open and objection is not None and objection[0] == "gate_closed"


# -- the lane -------------------------------------------------------------------------------------------
def cancel(ticker: str) -> CancelOrder:
    return CancelOrder(1, "mine-1", "o", ticker)


def test_a_cancel_overtakes_other_markets_but_never_its_own() -> None:
    lane = Lane()
    jobs: list[Job] = [place(ticker="A"), place(ticker="B"), cancel("A"), cancel("C")]
    for job in jobs:
        lane.put(job, 0)
    assert [lane.take()[0] for _ in jobs] == [jobs[3], jobs[0], jobs[2], jobs[1]]
    with pytest.raises(IndexError):
        lane.take()


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.booleans()), max_size=20))
@settings(deadline=None)
def test_each_market_keeps_its_order_and_nothing_is_lost(wishes: list[tuple[str, bool]]) -> None:
    jobs: list[Job] = [
        cancel(t) if is_cancel else place(ticker=t, count=n) for n, (t, is_cancel) in enumerate(wishes)
    ]
    lane = Lane()
    for job in jobs:
        lane.put(job, 0)
    taken = [lane.take()[0] for _ in jobs]
    for ticker in "ABC":
        assert [j for j in taken if j.ticker == ticker] == [j for j in jobs if j.ticker == ticker]  # type: ignore[union-attr]


# -- addresses ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("url", [*REST_URLS.values(), *FEED_URLS.values()])
def test_the_exchanges_own_addresses_are_secure(url: str) -> None:
    assert endpoint(url).is_secure and endpoint(url).path.startswith("/trade-api/")


@pytest.mark.parametrize("host", ["127.0.0.1:80", "localhost", "[::1]:9", "127.8.8.8"])
def test_this_machine_may_be_spoken_to_in_the_clear(host: str) -> None:
    found = endpoint(f"http://{host}/trade-api/v2/")
    assert (found.url, found.path, found.is_secure) == (f"http://{host}/trade-api/v2", "/trade-api/v2", False)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/trade-api/v2",
        "ws://127.0.0.1.example.com/x",
        "http://localhost.example.com",
        "ftp://127.0.0.1/",
        "https:///trade-api/v2",
        "https://user:secret@example.com",
        "https://example.com?x=1",
        "https://example.com:99999/",
        "example.com",
        "https://[::1",
        "",
    ],
)
def test_other_addresses_are_refused_without_repeating_a_secret(url: str) -> None:
    with pytest.raises(EndpointError) as caught:
        endpoint(url)
    assert "secret" not in str(caught.value)


def test_plain_elsewhere_only_if_told() -> None:
    assert not endpoint("http://example.com/x", allow_plain=True).is_secure
