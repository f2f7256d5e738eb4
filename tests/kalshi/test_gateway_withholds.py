"""All quotes are withdrawn while some have not left yet: those never leave (invariant I5)."""

from __future__ import annotations

from threading import Event

from mm.core.actions import AmendOrder
from mm.core.events import AmendReject, OrderAck, OrderCanceled, OrderReject
from mm.core.units import Side
from tests.kalshi import rest_server
from tests.kalshi.rest_server import PATIENCE, Request
from tests.kalshi.test_gateway import cancel, desk_at, place


def test_what_waits_when_quotes_are_withdrawn_never_leaves_but_cancels_and_later_quotes_do() -> None:
    entered, go_on, now = Event(), Event(), [0]

    def wait_first(request: Request) -> None:
        entered.set()
        go_on.wait(PATIENCE)
        rest_server.accept(request)

    with desk_at(wait_first, clock=lambda: now[0], read_timeout=PATIENCE) as (desk, server):
        desk.gateway.submit(place(1))
        assert entered.wait(PATIENCE)
        desk.gateway.submit(place(2))
        desk.gateway.submit(AmendOrder(3, "mine-1", "o-mine-1", "M", Side.BID, 1, 1))
        now[0] += 1
        desk.gateway.withhold()
        desk.gateway.submit(cancel(1))
        now[0] += 1
        desk.gateway.submit(place(4))
        go_on.set()
        events = [desk.events.get(timeout=PATIENCE) for _ in range(5)]
        kinds = (OrderAck, OrderReject, AmendReject, OrderCanceled, OrderAck)
        assert sorted(type(event).__name__ for event in events) == sorted(kind.__name__ for kind in kinds)
        refused = [event for event in events if isinstance(event, OrderReject | AmendReject)]
        assert [event.code for event in refused] == ["withheld", "withheld"]
        assert [method for method, _, _ in server.seen] == ["POST", "DELETE", "POST"]
