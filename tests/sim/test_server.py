"""The server over real sockets: signed requests, a stream, two members who trade, and what can go wrong."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import random
import time
from typing import Any

import aiohttp
import pytest
import requests
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK, InvalidStatus
from websockets.sync.client import connect

from mm.sim.buckets import BASIC
from mm.sim.exchange import Exchange
from mm.sim.face_switches import FaceSwitches
from mm.sim.faults import Fault
from mm.sim.regimes import REGIMES
from mm.sim.server import CannotListen, ServerSettings, serve
from mm.sim.signatures import HEADERS
from mm.sim.venue import Venue
from mm.sim.words import VenueError
from mm.sim.world import demo_world
from tests.sim.doors import WAIT_S, Listener, Member, opened, wait_until
from tests.sim.faces import OPEN, order, spec
from tests.sim.test_stream import rebuilt

ORDERS = "/portfolio/events/orders"
BOOK = "orderbook_delta"


def test_two_members_trade_and_the_stream_agrees_with_rest() -> None:
    with opened() as door:
        ann, bob = Member("ann", door), Member("bob", door)
        assert bob.ask("POST", ORDERS, order("ask", "0.56", "10")).status_code == 201
        with ann.stream() as stream:
            stream.subscribe(BOOK, "fill", market_ticker=OPEN)
            frames = stream.until(lambda frame: frame["type"] == "orderbook_snapshot")
            taken = ann.ask("POST", ORDERS, order("bid", "0.56", "4", client_order_id="x"))
            rested = ann.ask("POST", ORDERS, order("bid", "0.40", "2.5"))
            frames += stream.until(lambda frame: frame["msg"].get("delta_fp") == "2.50")
            shown = requests.get(f"{door.server.rest_url}/markets/{OPEN}/orderbook", timeout=30)
        assert (taken.status_code, taken.json()["fill_count"]) == (201, "4.00")
        assert rested.headers["content-type"].startswith("application/json")
        book = rebuilt(frames, OPEN)
        for side in ("yes", "no"):
            levels = shown.json()["orderbook_fp"][f"{side}_dollars"]
            assert book[side] == {price: float(count) for price, count in levels}
        (fill,) = [frame["msg"] for frame in frames if frame["type"] == "fill"]
        assert (fill["order_id"], fill["client_order_id"]) == (taken.json()["order_id"], "x")
        positions = bob.ask("GET", "/portfolio/positions").json()
        spec("openapi").check(positions, "GetPositionsResponse")
        assert positions["market_positions"][0]["position_fp"] == "-4.00"
        door.call(door.exchange.venue.check)


def test_snapshot_and_deltas_of_busy_books_equal_later_snapshots() -> None:
    venue = Venue(seed=5, now=time.time_ns())
    world = demo_world(venue, 5, user_id="ann", regime=REGIMES["fast_15_minute"])
    tickers = [one for one in world.tickers if venue.markets[one].status == "active"]
    with (
        opened(venue, prepare=lambda exchange: exchange.crowds.append(world.flow)) as door,
        Member("ann", door).stream() as stream,
    ):
        stream.subscribe(BOOK, "trade", market_tickers=tickers)
        frames = [stream.next() for _ in range(300)]
        again = {"sids": [1], "action": "get_snapshot", "market_tickers": tickers}
        stream.say({"id": 9, "cmd": "update_subscription", "params": again})
        frames += stream.until(lambda frame: frame.get("id") == 9)
        later = [frames.pop()] + [stream.next() for _ in tickers[1:]]
    numbers = [frame["seq"] for frame in frames + later if frame.get("sid") == 1]
    assert numbers == list(range(1, len(numbers) + 1))
    assert {frame["type"] for frame in later} == {"orderbook_snapshot"}
    for ticker in tickers:
        assert rebuilt(frames, ticker) == rebuilt(later, ticker)


def changed(headers: dict[str, str], position: int, value: str | None) -> dict[str, str]:
    name = HEADERS[position]
    rest = {key: one for key, one in headers.items() if key != name}
    return rest if value is None else {**rest, name: value}


@pytest.mark.parametrize(
    ("position", "value", "expected"),
    [
        (
            0,
            None,
            {"code": "signature_is_missing_from_headers", "message": "signature is missing from headers"},
        ),
        (1, "12", {"code": "header_timestamp_expired", "message": "header timestamp expired"}),
        (1, "soon", {"code": "header_timestamp_expired", "message": "header timestamp expired"}),
        (
            0,
            "stranger",
            {"code": "authentication_error", "message": "authentication_error", "details": "NOT_FOUND"},
        ),
        *(
            (
                2,
                wrong,
                {
                    "code": "authentication_error",
                    "message": "authentication_error",
                    "details": "INCORRECT_API_KEY_SIGNATURE",
                },
            )
            for wrong in ("AAAA", "not base64!")
        ),
    ],
)
def test_bad_credentials_are_401_on_both_faces(position: int, value: str | None, expected: Any) -> None:
    with opened() as door:
        ann = Member("ann", door)
        path = "/trade-api/v2/portfolio/balance"
        headers = changed(ann.headers("GET", path), position, value)
        refused = requests.get(f"{door.server.rest_url}/portfolio/balance", headers=headers, timeout=30)
        assert (refused.status_code, refused.json()) == (401, {"error": expected})
        upgrade = changed(ann.headers("GET", "/trade-api/ws/v2"), position, value)
        with pytest.raises(InvalidStatus) as caught, connect(door.server.ws_url, additional_headers=upgrade):
            pass
        assert caught.value.response.status_code == 401


def test_a_signature_counts_for_its_method_path_and_time_only() -> None:
    with opened() as door:
        for name in ("ann", "bob"):
            member = Member(name, door)
            good = member.headers("GET", "/trade-api/v2/portfolio/balance")
            balance, orders = (f"{door.server.rest_url}/portfolio/{one}" for one in ("balance", "orders"))
            assert requests.get(f"{balance}?subaccount=0", headers=good, timeout=30).status_code == 200
            assert requests.get(orders, headers=good, timeout=30).status_code == 401
            assert requests.post(balance, headers=good, timeout=30).status_code == 401
            for skew_ms, status in ((8_000, 200), (-30_000, 401), (90_000, 401)):
                skewed = member.headers("GET", "/trade-api/v2/portfolio/orders", skew_ms=skew_ms)
                assert requests.get(orders, headers=skewed, timeout=WAIT_S).status_code == status


@pytest.mark.parametrize(
    ("age_ms", "is_accepted"),
    [(-10_001, False), (-10_000, True), (8_000, True), (10_000, True), (10_001, False)],
)
def test_a_signature_counts_for_ten_seconds_either_way(age_ms: int, is_accepted: bool) -> None:
    """By a clock that stands still: on the wire it grows older on its way."""
    with opened() as door:
        path = "/trade-api/v2/portfolio/orders"
        headers = Member("ann", door).headers("GET", path)
        now = (int(headers["KALSHI-ACCESS-TIMESTAMP"]) + age_ms) * 1_000_000
        if is_accepted:
            caller = door.keys.caller_of(now, "GET", path, headers)
            assert caller is not None and caller.user_id == "ann"
        else:
            with pytest.raises(VenueError, match="header_timestamp_expired"):
                door.keys.caller_of(now, "GET", path, headers)


def test_market_data_needs_no_signature_and_the_stream_does() -> None:
    with opened() as door:
        assert requests.get(f"{door.server.rest_url}/markets", timeout=30).status_code == 200
        with pytest.raises(InvalidStatus), connect(door.server.ws_url):
            pass


def test_batches_cancel_all_pages_and_paths_over_http() -> None:
    with opened() as door:
        ann = Member("ann", door)
        batch = {"orders": [order("bid", f"0.4{digit}", "1") for digit in range(5)]}
        placed = ann.ask("POST", f"{ORDERS}/batched", batch)
        ids = [one["order_id"] for one in placed.json()["orders"]]
        first = ann.ask("GET", "/portfolio/orders", query="limit=3").json()
        second = ann.ask("GET", "/portfolio/orders", query=f"limit=3&cursor={first['cursor']}").json()
        assert [one["order_id"] for one in first["orders"] + second["orders"]] == ids[::-1]
        gone = ann.ask("DELETE", f"{ORDERS}/batched", {"orders": [{"order_id": ids[0]}, {"order_id": "x"}]})
        assert [one["reduced_by"] for one in gone.json()["orders"]] == ["1.00", "0.00"]
        everything = ann.ask("DELETE", ORDERS)
        assert (everything.status_code, everything.content) == (204, b"")
        assert ann.ask("GET", "/portfolio/orders", query="status=resting").json()["orders"] == []
        assert ann.ask("GET", "/portfolio/orders/").status_code == 301
        assert ann.ask("GET", "/nowhere").status_code == 404
        assert ann.ask("POST", "/portfolio/orders", {}).status_code == 410
        for strange in ("/portfolio/orders/a%0Ab", "/portfolio/orders/a%0D%0A%00"):
            answer = ann.ask("GET", strange)
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
        assert ann.ask("GET", "/portfolio/orders", query="x=" + "%C3%A9" * 5_000).status_code == 200


def test_a_used_up_budget_is_429() -> None:
    with opened(tier=BASIC) as door:
        bob = Member("bob", door)
        batch = {"orders": [order("bid", "0.40", "1")] * 11}
        refused = bob.ask("POST", f"{ORDERS}/batched", batch)
        assert (refused.status_code, refused.json()) == (429, {"error": "too many requests"})
        assert bob.ask("GET", "/portfolio/orders").json()["orders"] == []


def test_faults_reach_the_wire() -> None:
    script = [
        Fault("after_accept", "reset", method="POST"),
        Fault("reply_body", "body", method="GET", contains="balance", body=b"<html>"),
        Fault("before_accept", "delay", method="GET", contains="fills", delay_ns=1_000_000),
        Fault("frame", "reset", contains="orderbook_snapshot"),
    ]
    with opened(script=script) as door:
        ann = Member("ann", door)
        with pytest.raises(requests.ConnectionError):
            ann.ask("POST", ORDERS, order("bid", "0.40", "1"))
        assert len(ann.ask("GET", "/portfolio/orders").json()["orders"]) == 1
        assert ann.ask("GET", "/portfolio/balance").text == "<html>"
        assert ann.ask("GET", "/portfolio/fills").json() == {"fills": [], "cursor": ""}
        with ann.stream() as stream:
            stream.subscribe(BOOK, market_ticker=OPEN)
            with pytest.raises(ConnectionClosedError):
                stream.until(lambda frame: False)


def test_a_client_that_falls_behind_gets_error_25() -> None:
    with opened(most_backlog=20_000) as door, Member("ann", door).stream() as stream:
        stream.subscribe(BOOK, market_ticker=OPEN)
        stream.until(lambda frame: frame["type"] == "orderbook_snapshot")

        def flood() -> None:  # within one turn of the loop, so that nothing can be written meanwhile
            exchange = door.exchange
            body = json.dumps(order("bid", "0.40", "1")).encode()
            for _ in range(200):
                exchange.request(exchange.venue.now, "bob", "POST", f"/trade-api/v2{ORDERS}", "", body)

        door.call(flood)
        frames = stream.until(lambda frame: frame["type"] == "error")
        assert frames[-1]["msg"]["code"] == 25
        assert [frame["seq"] for frame in frames] == list(range(2, len(frames) + 2))
        assert 10 < len(frames) < 200
        stream.subscribe(BOOK, market_ticker=OPEN)
        assert stream.next()["msg"]["sid"] == 2
        assert stream.next()["msg"]["yes_dollars_fp"] == [["0.4000", "200.00"]]


def test_a_client_that_reads_nothing_at_all_loses_its_subscription_and_not_its_connection() -> None:
    """Nothing of this is within one turn of the loop: the frames fill the buffers of a socket first, then
    the exchange's. Others are not held up meanwhile, and what the slow one reads at last has no gap."""
    with opened(most_backlog=200_000) as door:
        ann, bob = Member("ann", door), Member("bob", door)
        with (
            ann.dial(narrow=True, max_queue=1, compression=None) as slow,
            bob.stream() as quick,
        ):
            for stream in (Listener(slow), quick):
                stream.subscribe(BOOK, market_ticker=OPEN)
                stream.until(lambda frame: frame["type"] == "orderbook_snapshot")
            mine = door.exchange.connections[0]
            assert (mine.user_id, mine.sids) == ("ann", [1])
            seq = 1
            while mine.sids:
                door.call(lambda: flood(door.exchange, 100))
                seq += 100
                quick.until(lambda frame: bool(frame["seq"] == seq))  # noqa: B023 - used up at once
            frames = Listener(slow).until(lambda frame: frame["type"] == "error")
            assert frames[-1]["msg"]["code"] == 25
            assert [frame["seq"] for frame in frames] == list(range(2, len(frames) + 2))
            Listener(slow).subscribe(BOOK, market_ticker=OPEN)
            again = Listener(slow).until(lambda frame: frame["type"] == "orderbook_snapshot")
            assert [(frame["type"], frame.get("seq")) for frame in again] == [
                ("subscribed", None),
                ("orderbook_snapshot", 1),
            ]


def flood(exchange: Exchange, count: int) -> None:
    """So many changes of the book; the crowd has neither a purse nor tokens to run out of."""
    crowd = exchange.venue.crowd
    account = exchange.venue.accounts.get("flood") or crowd.join("flood")
    for _ in range(count // 2):
        crowd.withdraw(OPEN, crowd.rest(account, OPEN, "bid", 4_000, 100))
    exchange.flush()


def test_the_exchange_pings_every_ten_seconds() -> None:
    fields = {one.name: one.default for one in dataclasses.fields(ServerSettings)}
    assert fields["ping_s"] == 10.0


def test_the_server_pings_with_heartbeat() -> None:
    with opened(ping_s=0.01) as door:
        headers = Member("ann", door).headers("GET", "/trade-api/ws/v2")

        async def first_frame() -> aiohttp.WSMessage:
            async with (
                aiohttp.ClientSession() as session,
                session.ws_connect(door.server.ws_url, headers=headers, autoping=False) as socket,
            ):
                return await socket.receive(timeout=30)

        message = asyncio.run(first_frame())
        assert (message.type, message.data) == (aiohttp.WSMsgType.PING, b"heartbeat")


def test_a_ping_of_the_client_is_answered() -> None:
    with opened() as door, Member("ann", door).stream() as stream:
        assert stream.socket.ping(b"there?").wait(30)


def test_a_member_has_only_so_many_streams_at_once() -> None:
    with opened(switches=FaceSwitches(most_connections=2)) as door:
        ann, bob = Member("ann", door), Member("bob", door)
        with ann.stream() as first, ann.stream() as second:
            for stream in (first, second):
                stream.say({"id": 1, "cmd": "list_subscriptions"})
                stream.next()
            with pytest.raises(InvalidStatus) as caught, ann.stream():
                pass
            assert caught.value.response.status_code == 429
            with bob.stream() as other:
                other.say({"id": 1, "cmd": "list_subscriptions"})
                assert other.next()["type"] == "ok"
        open_still = door.exchange.has_room
        wait_until(lambda: bool(door.call(lambda: open_still("ann"))))
        with ann.stream() as again:
            again.say({"id": 1, "cmd": "list_subscriptions"})
            assert again.next()["type"] == "ok"


def test_stopping_says_goodbye_and_frees_the_port() -> None:
    with opened() as door:
        with Member("ann", door).stream() as stream:
            stream.say({"id": 1, "cmd": "list_subscriptions"})
            stream.next()
            door.stop()
            with pytest.raises(ConnectionClosedOK) as caught:
                stream.next()
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1001
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{door.server.rest_url}/markets", timeout=30)


def test_a_port_in_use_is_an_error_of_its_own() -> None:
    with opened() as door:
        exchange = Exchange(Venue(seed=1, now=time.time_ns()), random=random.Random(1))
        settings = ServerSettings(exchange, door.keys, port=door.server.port)
        with pytest.raises(CannotListen, match="in use"):
            asyncio.run(serve(settings))
