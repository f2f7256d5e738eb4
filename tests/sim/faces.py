"""A small exchange to talk to."""

from __future__ import annotations

import json
import random
from typing import Any

from mm.sim.buckets import TIERS, Tier
from mm.sim.exchange import Exchange
from mm.sim.face_switches import FaceSwitches
from mm.sim.faults import Fault, Faults
from mm.sim.rest import PREFIX, Response
from mm.sim.stream_connection import Connection
from mm.sim.switches import Switches
from mm.sim.venue import Venue
from mm.sim.words import Event, Market, Series
from tests.sim.specs import spec as spec

SECOND = 1_000_000_000
START = 1_790_000_000 * SECOND
OPEN = "KXTEST-26-A"
OTHER = "KXTEST-26-B"


def small_venue(start: int = START, rules: Switches = Switches()) -> Venue:  # noqa: B008 - it is frozen
    """Two open markets of one event, one still unopened in another; two members with $1,000 each."""
    venue = Venue(seed=7, switches=rules, now=start)
    venue.add_series(Series("KXTEST", "A test", fee_type="quadratic_with_maker_fees"))
    venue.add_event(Event("KXTEST-26", "KXTEST", "Which?"))
    venue.add_event(Event("KXTEST-27", "KXTEST", "Later?"))
    for number, (ticker, event, opens) in enumerate(
        ((OPEN, "KXTEST-26", 0), (OTHER, "KXTEST-26", 0), ("KXTEST-27-A", "KXTEST-27", 600))
    ):
        venue.add_market(
            Market(
                ticker,
                event,
                f"00000000-0000-4000-8000-00000000000{number}",
                f"market {ticker}",
                start + opens * SECOND,
                start + 3600 * SECOND,
            )
        )
    for user in ("ann", "bob"):
        venue.add_account(user, 1_000_000_000)
    return venue


class Face:
    """An exchange under a clock that the story moves."""

    def __init__(
        self,
        *,
        tier: Tier = TIERS["prestige"],
        read_lag_ns: int = 0,
        script: list[Fault] | None = None,
        most_backlog: int = 1_000_000,
        switches: FaceSwitches = FaceSwitches(),  # noqa: B008 - it is frozen
        rules: Switches = Switches(),  # noqa: B008 - it is frozen
    ) -> None:
        self.venue = small_venue(rules=rules)
        self.now = START
        self.exchange = Exchange(
            self.venue,
            random=random.Random(1),
            tier=tier,
            read_lag_ns=read_lag_ns,
            faults=Faults(script or []),
            most_backlog=most_backlog,
            switches=switches,
        )

    def ask(self, user: str | None, method: str, path: str, body: Any = None, query: str = "") -> Response:
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return self.exchange.request(self.now, user, method, PREFIX + path, query, raw)

    def get(self, path: str, query: str = "", user: str = "ann", status: int = 200) -> Any:
        response = self.ask(user, "GET", path, query=query)
        assert response.status == status, response.body
        return json.loads(response.body)

    def create(self, user: str, side: str, price: str, count: str, **more: Any) -> Any:
        response = self.ask(user, "POST", "/portfolio/events/orders", order(side, price, count, **more))
        assert response.status == 201, response.body
        return json.loads(response.body)

    def wait(self, ns: int) -> None:
        self.now += ns
        self.exchange.advance(self.now)


class Client:
    """A stream client that keeps every frame it got."""

    def __init__(self, face: Face, user: str, backlog: Any = None, subaccount: int | None = None) -> None:
        self.face = face
        self.frames: list[Any] = []
        self.resets = 0
        self.connection: Connection = face.exchange.connect(
            face.now,
            user,
            self._take,
            backlog=backlog or (lambda: 0),
            reset=self._reset,
            subaccount=subaccount,
        )

    def _take(self, frame: str) -> None:
        assert frame.endswith("\n")
        self.frames.append(json.loads(frame))

    def _reset(self) -> None:
        self.resets += 1

    def say(self, command: Any) -> list[Any]:
        """Send a command; returns the frames that came since the last call."""
        text = command if isinstance(command, str) else json.dumps(command)
        self.connection.command(self.face.now, text)
        return self.new()

    def subscribe(self, *channels: str, **params: Any) -> list[Any]:
        return self.say({"id": 1, "cmd": "subscribe", "params": {"channels": list(channels), **params}})

    def new(self) -> list[Any]:
        frames, self.frames = self.frames, []
        return frames


def order(side: str, price: str, count: str, **more: Any) -> dict[str, Any]:
    """The body of a good-till-canceled create on the open market."""
    return {
        "ticker": OPEN,
        "side": side,
        "price": price,
        "count": count,
        "time_in_force": "good_till_canceled",
        "self_trade_prevention_type": "taker_at_cross",
        **more,
    }


def traded() -> Face:
    """Ann bought 5 of Bob's 10 at .56 as a taker, and has a bid of 3 at .40 resting."""
    face = Face()
    face.create("bob", "ask", "0.56", "10", client_order_id="bob-1")
    face.create("ann", "bid", "0.60", "5", time_in_force="immediate_or_cancel", client_order_id="ann-1")
    face.create(
        "ann", "bid", "0.4000", "3.00", client_order_id="ann-2", expiration_time=face.now // SECOND + 60
    )
    return face
