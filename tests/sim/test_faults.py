"""Faults by script: what the client sees, and what the exchange did all the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mm.sim.faults import Fault, Faults, Line
from tests.sim.faces import OPEN, SECOND, Client, Face, order

BOOK = "orderbook_delta"


def test_frames_are_dropped_doubled_swapped_and_held_by_script() -> None:
    script = [
        Fault("frame", "drop", contains='"seq":2,'),
        Fault("frame", "duplicate", contains='"seq":3,'),
        Fault("frame", "reorder", contains='"seq":4,'),
        Fault("frame", "delay", contains='"seq":6,', delay_ns=SECOND),
        Fault("frame", "reset", contains='"seq":8,'),
    ]
    face = Face(script=script)
    client = Client(face, "ann")
    client.subscribe(BOOK, market_ticker=OPEN)
    client.new()
    for _ in range(6):
        face.create("bob", "bid", "0.40", "1")
    assert [one["seq"] for one in client.new()] == [3, 3, 5, 4]
    assert face.exchange.next_wake() == face.now + SECOND
    face.wait(SECOND)
    assert [one["seq"] for one in client.new()] == [6, 7]
    face.create("bob", "bid", "0.40", "1")
    assert client.resets == 1


@pytest.mark.parametrize(
    ("fault", "status", "resting"),
    [
        (Fault("before_parse", "reset"), 0, 0),
        (Fault("before_accept", "status", status=503, body=b"<html>"), 503, 0),
        (Fault("after_accept", "status", status=504), 504, 1),
        (Fault("after_accept", "reset"), 0, 1),
        (Fault("reply_body", "body", body=b'{"order'), 201, 1),
    ],
)
def test_the_four_points_of_a_request_differ_in_what_the_exchange_did(
    fault: Fault, status: int, resting: int
) -> None:
    face = Face(script=[fault])
    response = face.ask("ann", "POST", "/portfolio/events/orders", order("bid", "0.40", "1"))
    assert response.reset == (fault.kind == "reset")
    if not response.reset:
        assert response.status == status
    assert len(face.get("/portfolio/orders")["orders"]) == resting


def test_delays_hold_a_request_on_its_way_in_or_its_answer_on_its_way_out() -> None:
    held = Fault("before_accept", "delay", method="POST", delay_ns=3)
    late = Fault("after_accept", "delay", contains="/orders", delay_ns=5)
    face = Face(script=[held, late])
    path = "/trade-api/v2/portfolio/events/orders"
    assert face.exchange.faults.hold_ns("GET", path) == 0
    assert face.exchange.faults.hold_ns("POST", path) == 3
    response = face.ask("ann", "POST", "/portfolio/events/orders", order("bid", "0.40", "1"))
    assert (response.status, response.delay_ns) == (201, 5)
    assert json.loads(response.body)["remaining_count"] == "1.00"


def test_a_fault_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="before_parse cannot be 'body'"):
        Fault("before_parse", "body")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"point": "somewhere"}, "no point"),
        ({"kind": "dance"}, "cannot be"),
        ({"times": -1}, "negative"),
        ({"probability": 1.5}, "probability"),
        ({"status": 42}, "no status"),
    ],
)
def test_nonsense_in_a_fault_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Fault(**{"point": "frame", "kind": "drop", **changes})


def streaming(*script: Fault) -> tuple[Face, Client]:
    """A client that follows the book; bob's orders make one frame each, from seq 2."""
    face = Face(script=list(script))
    client = Client(face, "ann")
    client.subscribe(BOOK, market_ticker=OPEN)
    client.new()
    return face, client


def bid(face: Face, times: int = 1) -> None:
    for _ in range(times):
        face.create("bob", "bid", "0.40", "1")


@pytest.mark.parametrize("kind", ["stall", "freeze"])
def test_a_stall_holds_all_frames_for_its_time_and_then_lets_them_go_in_order(kind: Any) -> None:
    face, client = streaming(Fault("frame", kind, contains='"seq":3,', delay_ns=5 * SECOND))
    bid(face, 3)
    face.wait(4 * SECOND)
    bid(face)
    assert [one["seq"] for one in client.new()] == [2]
    assert client.connection.line.is_frozen(face.now) == (kind == "freeze")
    assert face.exchange.next_wake() == face.now + SECOND
    face.wait(SECOND)
    assert not client.connection.line.is_frozen(face.now)
    bid(face)
    assert [one["seq"] for one in client.new()] == [3, 4, 5, 6]


def test_a_stall_without_a_time_lasts_until_the_script_is_cleared() -> None:
    face, client = streaming(Fault("frame", "freeze", contains='"seq":2,'))
    bid(face, 2)
    face.wait(3_000 * SECOND)
    assert client.new() == []
    face.exchange.faults.clear()
    assert not client.connection.line.is_frozen(face.now)
    face.wait(0)
    assert [one["seq"] for one in client.new()] == [2, 3]
    bid(face)
    assert [one["seq"] for one in client.new()] == [4]


def test_frames_are_cut_short_or_replaced_by_rubbish() -> None:
    face = Face(
        script=[
            Fault("frame", "truncate", contains='"seq":2,'),
            Fault("frame", "garbage", contains='"seq":3,', body=b"\x00"),
            Fault("frame", "garbage", contains='"seq":4,'),
        ]
    )
    raw: list[str] = []
    connection = face.exchange.connect(face.now, "ann", raw.append)
    command = {"id": 1, "cmd": "subscribe", "params": {"channels": [BOOK], "market_ticker": OPEN}}
    connection.command(face.now, json.dumps(command))
    del raw[:]
    bid(face, 4)
    whole = json.loads(raw[3])
    assert raw[0].startswith('{"type":"orderbook_delta"')
    with pytest.raises(json.JSONDecodeError):
        json.loads(raw[0])
    assert raw[1] == "\x00"
    assert raw[2].startswith("<html>")
    assert whole["seq"] == 5


def test_a_fault_with_a_chance_strikes_as_its_seed_says() -> None:
    struck = []
    for _ in range(2):
        face, client = streaming(Fault("frame", "drop", times=100, probability=0.5))
        bid(face, 40)
        struck.append([one["seq"] for one in client.new()])
    assert struck[0] == struck[1]
    assert 5 < len(struck[0]) < 35


def test_a_stalled_client_overflows_like_one_that_does_not_read() -> None:
    face = Face(script=[Fault("frame", "stall", contains='"seq":2,')], most_backlog=2_000)
    client = Client(face, "ann")
    client.subscribe(BOOK, market_ticker=OPEN)
    client.new()
    bid(face, 100)
    assert client.new() == []
    assert client.connection.line.held_bytes < 3_000
    face.exchange.faults.clear()
    face.wait(0)
    frames = client.new()
    assert frames[-1]["msg"]["code"] == 25
    assert [one["seq"] for one in frames] == list(range(2, len(frames) + 2))
    assert client.connection.line.held_bytes == 0
    client.subscribe(BOOK, market_ticker=OPEN)
    bid(face)
    assert client.new()[-1]["type"] == BOOK


def test_what_comes_after_a_clear_does_not_overtake_what_was_held() -> None:
    sent: list[str] = []
    faults = Faults([Fault("frame", "stall", contains="first")])
    line = Line(sent.append, faults, lambda: None)
    line.push(1, "first")
    line.push(2, "second")
    assert sent == []
    faults.clear()
    line.push(3, "third")
    assert sent == ["first", "second", "third"]
