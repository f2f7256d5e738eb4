"""When a request had left: told after its answer, for requests about orders, and only if they left."""

from __future__ import annotations

import queue
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import pytest
import requests

from mm.core.actions import CancelAll
from mm.core.events import OrderAck, OrderReject
from mm.kalshi.endpoint import endpoint
from mm.kalshi.stamped import StampedAdapter
from tests.kalshi import rest_server
from tests.kalshi.rest_server import PATIENCE
from tests.kalshi.test_gateway import Desk, cancel, desk_at, place, self_signed

__all__ = ["self_signed"]
Times = tuple[int, int, int, int]


@contextmanager
def timed_desk(tls: ssl.SSLContext | None = None) -> Iterator[tuple[Desk, queue.Queue[Times]]]:
    """By a clock that shows a later time whenever somebody looks at it, and no other."""
    told: queue.Queue[Times] = queue.Queue()
    with desk_at(rest_server.accept, tls, clock=count(1).__next__, timed=lambda *times: told.put(times)) as (
        desk,
        _,
    ):
        yield desk, told


def test_each_request_about_an_order_tells_when_its_bytes_had_left() -> None:
    before = 0
    with timed_desk() as (desk, told):
        for number, action in ((1, place(1)), (1, cancel(1)), (2, place(2))):
            event = desk.ask(action)
            request_id, signing, written_at, answered_at = told.get(timeout=PATIENCE)
            assert request_id == number
            assert signing > 0
            assert before < written_at < answered_at == event.ts
            before = answered_at


def test_what_was_refused_here_never_left_and_tells_nothing() -> None:
    """Nor does it tell the times of the request before it."""
    with timed_desk() as (desk, told):
        assert isinstance(desk.ask(place(1)), OrderAck)
        told.get(timeout=PATIENCE)
        desk.gateway.close_gate()
        assert isinstance(desk.ask(place(2)), OrderReject)
        desk.ask(cancel(1))
        assert told.get(timeout=PATIENCE)[0] == 1
        assert told.empty()


def test_what_is_about_no_single_order_is_not_timed() -> None:
    with timed_desk() as (desk, told):
        desk.ask(CancelAll(7))
        desk.ask(place(8))
        assert told.get(timeout=PATIENCE)[0] == 8
        assert told.empty()


def test_an_exchange_that_is_not_there_was_told_nothing() -> None:
    told: list[Times] = []
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, but not listening: nobody else can be there
        where = endpoint(f"http://127.0.0.1:{closed.getsockname()[1]}/trade-api/v2")
        desk = Desk(where, timed=lambda *times: told.append(times))
        try:
            assert isinstance(desk.ask(place(1)), OrderReject)
        finally:
            desk.gateway.close()
    assert told == []


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_bytes_are_noted_behind_encryption_too(self_signed: ssl.SSLContext) -> None:
    stamps: list[int] = []
    server = rest_server.RestServer(rest_server.accept, self_signed)
    session = requests.Session()
    session.mount("https://", StampedAdapter(lambda: stamps.append(time.time_ns())))
    try:
        before = time.time_ns()
        order = b'{"client_order_id":"mine-1","count":"1.00"}'
        session.post(server.endpoint.url + "/portfolio/events/orders", data=order, verify=False)
        assert len(stamps) >= 2, "head and body"
        assert before <= stamps[0] <= stamps[-1] <= time.time_ns()
    finally:
        session.close()
        server.released.set()
        server.stop()
