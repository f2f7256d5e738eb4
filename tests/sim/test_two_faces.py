"""Two faces, one venue: the same story in process under virtual time, and over the port in real time, ends in
the same books, row by row, to the last micro-dollar."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from random import Random
from typing import Any

from mm.sim.flow import Flow
from mm.sim.regimes import REGIMES
from mm.sim.venue import Venue
from tests.sim.doors import Member, opened, wait_until
from tests.sim.faces import OPEN, OTHER, Client, Face, order, small_venue

WRITES = "/portfolio/events/orders"
Answer = tuple[int, Any]


@dataclass
class Told:
    """One line of the story: who asks for what. ``{name}`` in a path stands for the order called so."""

    user: str
    method: str
    path: str
    body: Any = None
    name: str = ""


def create(user: str, side: str, price: str, count: str, name: str = "", **more: Any) -> Told:
    return Told(user, "POST", WRITES, order(side, price, count, **more), name)


def amend(user: str, name: str, side: str, price: str, count: str) -> Told:
    body = {"ticker": OPEN, "side": side, "price": price, "count": count}
    return Told(user, "POST", f"{WRITES}/{{{name}}}/amend", body)


IMMEDIATE = {"time_in_force": "immediate_or_cancel"}
Line = Told | Callable[[Venue], object]
STORY: list[Line] = [
    create("bob", "ask", "0.56", "10", "wall", client_order_id="b1"),
    create("bob", "ask", "0.58", "4.50", "high"),
    create("ann", "bid", "0.57", "3.33", "taker", client_order_id="a1"),
    create("ann", "bid", "0.57", "1", client_order_id="a1"),  # 409
    create("ann", "bid", "0.60", "99", time_in_force="fill_or_kill"),  # 409
    create("ann", "bid", "0.56", "1", post_only=True),  # 400
    create("ann", "bid", "0.40", "5", "low", cancel_order_on_pause=True),
    create("ann", "ask", "0.40", "1", **IMMEDIATE),  # meets her own: nothing
    create("bob", "ask", "0.405", "1"),  # 400, off the grid
    amend("bob", "wall", "ask", "0.55", "9"),
    create("ann", "bid", "0.99", "20", **IMMEDIATE),
    create("ann", "ask", "0.41", "2", reduce_only=True, **IMMEDIATE),
    create("bob", "bid", "0.45", "7", "bid"),
    create("ann", "ask", "0.41", "2", reduce_only=True, **IMMEDIATE),
    Told("bob", "POST", f"{WRITES}/{{bid}}/decrease", {"reduce_by": "1.25"}),
    Told("ann", "DELETE", f"{WRITES}/{{bid}}"),  # 404, not hers
    Told("ann", "POST", "/portfolio/order_groups/create", {"contracts_limit": 3}),
    Venue.pause,
    create("ann", "bid", "0.30", "1"),  # 409
    Venue.resume,
    create("bob", "ask", "0.70", "2", ticker=OTHER),
    create("ann", "bid", "0.70", "2", ticker=OTHER),
    Told("bob", "DELETE", WRITES),
    lambda venue: venue.determine(OPEN, "yes"),
    lambda venue: venue.dispute(OPEN),
    lambda venue: venue.amend_result(OPEN, "scalar", 3_300),
    lambda venue: venue.settle(OPEN),
]


class Inside:
    """The face in process; the clock moves a little with each line."""

    def __init__(self) -> None:
        self.face = Face()
        self.venue = self.face.venue
        self.frames = Client(self.face, "ann")

    def ask(self, line: Told, path: str) -> Answer:
        self.face.wait(1_000_000)
        response = self.face.ask(line.user, line.method, path, line.body)
        return response.status, json.loads(response.body or b"null")

    def do(self, act: Callable[[Venue], object]) -> None:
        act(self.venue)
        self.face.exchange.flush()

    def listen(self, *channels: str) -> None:
        self.frames.subscribe(*channels)

    def heard(self) -> list[Any]:
        return self.frames.new()


class Outside:
    """The face on a port, in real time, behind signatures."""

    def __init__(self, door: Any, stream: Any, members: dict[str, Member]) -> None:
        self.door, self.stream, self.members = door, stream, members
        self.venue = door.exchange.venue

    def ask(self, line: Told, path: str) -> Answer:
        response = self.members[line.user].ask(line.method, path, line.body)
        return response.status_code, json.loads(response.content or b"null")

    def do(self, act: Callable[[Venue], object]) -> None:
        def acted() -> None:
            act(self.venue)
            self.door.exchange.flush()

        self.door.call(acted)

    def listen(self, *channels: str) -> None:
        self.stream.subscribe(*channels)
        for _ in channels:
            self.stream.next()

    def heard(self) -> list[Any]:
        self.stream.say({"id": 99, "cmd": "list_subscriptions"})
        return list(self.stream.until(lambda frame: frame.get("id") == 99))[:-1]


@contextmanager
def outside() -> Iterator[Outside]:
    with opened() as door:
        members = {name: Member(name, door) for name in ("ann", "bob")}
        with members["ann"].stream() as stream:
            yield Outside(door, stream, members)


CHANNELS = ("fill", "user_orders", "market_positions", "trade", "order_group_updates", "market_lifecycle_v2")
# What time and chance make different: moments, and the order between channels.
_MOMENTS = ("now", "ts", "time", "created", "updated", "determination", "settled", "close", "open")


def timeless(value: Any) -> Any:
    """The same without what says when."""
    if isinstance(value, dict):
        return {
            k: timeless(v) for k, v in value.items() if not any(word in k.split("_") for word in _MOMENTS)
        }
    return [timeless(one) for one in value] if isinstance(value, list) else value


def tell(face: Inside | Outside, story: list[Line] = STORY) -> tuple[list[Answer], list[Any]]:
    """The answers to the story, and the frames that ann heard, channel by channel."""
    names: dict[str, str] = {}
    answers: list[Answer] = []
    face.listen(*CHANNELS)
    for line in story:
        if not isinstance(line, Told):
            face.do(line)
            continue
        status, body = face.ask(line, line.path.format(**names))
        if line.name:
            names[line.name] = body["order_id"]
        answers.append((status, timeless(body)))
    frames = sorted(face.heard(), key=lambda frame: frame["sid"])
    return answers, [timeless(frame) for frame in frames]


def books(venue: Venue) -> Any:
    """Every row of every ledger of the venue."""
    accounts = {
        (owner.user_id, account.subaccount): {
            "cash": account.cash,
            "positions": {ticker: timeless(asdict(one)) for ticker, one in account.positions.items()},
            "settlements": [timeless(asdict(one)) for one in account.settlements],
            "orders": [timeless(asdict(one)) for one in account.orders],
            "resting": list(account.resting),
            "client_order_ids": len(account.client_order_ids),
        }
        for owner in venue.accounts.values()
        for account in owner.all()
    }
    trades = {ticker: [timeless(asdict(one)) for one in tape] for ticker, tape in venue.trades.items()}
    ladders = {ticker: venue.book(ticker) for ticker in venue.markets}
    markets = {
        ticker: (one.status, one.result, one.settlement_value, one.volume, one.open_interest, one.clock)
        for ticker, one in venue.markets.items()
    }
    return accounts, trades, ladders, markets, venue.fees_collected


def test_the_same_story_gives_the_same_answers_frames_and_ledgers() -> None:
    inside = Inside()
    said = tell(inside)
    with outside() as other:
        assert tell(other) == said
        assert books(other.venue) == books(inside.venue)
        for user in ("ann", "bob"):
            for path in ("balance", "positions", "fills", "settlements", "orders"):
                line = Told(user, "GET", f"/portfolio/{path}")
                status, body = inside.ask(line, line.path)
                assert other.ask(line, line.path)[0] == status == 200
                assert timeless(other.ask(line, line.path)[1]) == timeless(body)
    statuses = [status for status, _ in said[0]]
    assert {200, 201, 204, 400, 404, 409} <= set(statuses), "the story is to meet every kind of answer"
    assert inside.venue.fees_collected > 0
    assert {frame["type"] for frame in said[1]} >= {"fill", "user_order", "market_position", "trade"}


def test_a_story_that_differs_in_one_cent_is_not_the_same() -> None:
    inside, dearer = Inside(), Inside()
    tell(inside)
    tell(dearer, [create("bob", "ask", "0.55", "10", "wall", client_order_id="b1"), *STORY[1:]])
    assert books(inside.venue) != books(dearer.venue)


def test_the_same_crowd_does_the_same_at_the_same_moments() -> None:
    """A server in real time, and its twin in process, advanced to the same moment."""

    def crowded(venue: Venue) -> Flow:
        return Flow(venue, [OPEN, OTHER], Random(11), REGIMES["fast_15_minute"])

    start = time.time_ns()
    venue = small_venue(start)
    market = venue.markets[OPEN]
    with opened(venue, prepare=lambda exchange: exchange.crowds.append(crowded(venue))) as door:
        wait_until(lambda: market.volume > 0)
        moment, seen = door.call(lambda: (venue.now, books(venue)))
    twin = Face()
    twin.venue = small_venue(start)
    flow = crowded(twin.venue)
    while flow.next_wake() <= moment:
        twin.venue.advance(max(flow.next_wake(), twin.venue.now))
        flow.wake(twin.venue.now)
    twin.venue.advance(moment)
    assert books(twin.venue) == seen
