"""Faults by script: what the client sees, and what the exchange did all the same."""

from __future__ import annotations

import json

import pytest

from mm.sim.faults import Fault
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
