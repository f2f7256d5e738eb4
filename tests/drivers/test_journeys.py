"""Requests in virtual time under a script of faults: what the bot hears, and what the exchange did."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from random import Random

import pytest

from mm.app.simulated import Scene
from mm.config.model import Config
from mm.core.actions import PlaceOrder
from mm.core.events import AnyEvent, OrderAck, OrderInDoubt
from mm.core.units import MILLISECOND, SECOND, Count, Nanos, Price, Side
from mm.drivers.journeys import Journeys
from mm.drivers.network import CALM, Network
from mm.kalshi.conversation import Cost
from mm.kalshi.limiter import Bucket, Limiter
from mm.sim.faults import Fault, Faults
from mm.sim.words import OrderChanged
from tests.sim.faces import OPEN, START, Face

WRITES = "/portfolio/events/orders"


class Clock:
    """An agenda of its own: time goes from one plan to the next."""

    def __init__(self) -> None:
        self.now: Nanos = START
        self.heard: list[tuple[Nanos, AnyEvent]] = []
        self._plans: list[tuple[Nanos, int, Callable[[], None]]] = []
        self._number = 0

    def at(self, when: Nanos, happen: Callable[[], None]) -> None:
        self._number += 1
        heapq.heappush(self._plans, (when, self._number, happen))

    def hear(self, event: AnyEvent) -> None:
        self.heard.append((self.now - START, event))

    def venue_moved(self) -> None:
        pass

    def run(self) -> None:
        while self._plans:
            self.now, _, happen = heapq.heappop(self._plans)
            happen()


def placed_under(*script: Fault) -> tuple[Nanos, AnyEvent, list[Nanos]]:
    """One order through a calm network: when its sender heard what, and when the exchange accepted it."""
    face, clock = Face(script=list(script)), Clock()
    accepted: list[Nanos] = []
    face.venue.listeners.add(lambda told: accepted.append(told.now - START), OrderChanged)
    limiter = Limiter(Bucket(1_000, 1_000), dict.fromkeys(Cost, 10))
    journeys = Journeys(clock, face.exchange, "ann", limiter, Network(CALM, Random(1)))
    journeys.begin(PlaceOrder(1, "c1", OPEN, Side.BID, Price(4_000), Count(100)))
    clock.run()
    ((when, event),) = clock.heard
    return when, event, accepted


def test_without_a_fault_an_order_is_acknowledged_after_two_ways() -> None:
    when, event, (accepted,) = placed_under()
    assert isinstance(event, OrderAck)
    assert 10 * MILLISECOND <= accepted + 5 * MILLISECOND <= when < SECOND


@pytest.mark.parametrize(
    ("fault", "was_accepted", "status"),
    [
        (Fault("before_parse", "reset"), False, 0),
        (Fault("before_accept", "status", status=503), False, 503),
        (Fault("after_accept", "status", status=504), True, 504),
        (Fault("after_accept", "reset"), True, 0),
        (Fault("reply_body", "body", body=b'{"order'), True, 201),
    ],
)
def test_at_each_point_the_sender_is_in_doubt_and_only_the_exchange_knows(
    fault: Fault, was_accepted: bool, status: int
) -> None:
    _, event, accepted = placed_under(fault)
    assert isinstance(event, OrderInDoubt)
    assert (event.status, bool(accepted)) == (status, was_accepted)


@pytest.mark.parametrize("point", ["before_parse", "before_accept"])
def test_a_request_is_held_at_the_door_and_then_done(point: str) -> None:
    _, _, (unheld,) = placed_under()
    when, event, (accepted,) = placed_under(Fault(point, "delay", delay_ns=SECOND))  # type: ignore[arg-type]
    assert isinstance(event, OrderAck)
    assert accepted == unheld + SECOND < when


def test_an_answer_may_be_late_though_the_order_is_not() -> None:
    usual, _, (unheld,) = placed_under()
    when, event, (accepted,) = placed_under(Fault("after_accept", "delay", delay_ns=SECOND))
    assert isinstance(event, OrderAck)
    assert (when, accepted) == (usual + SECOND, unheld)


@pytest.mark.parametrize("point", ["before_parse", "after_accept"])
def test_what_outlasts_the_senders_patience_is_in_doubt_once_and_done_all_the_same(point: str) -> None:
    fault = Fault(point, "delay", delay_ns=60 * SECOND)  # type: ignore[arg-type]
    when, event, accepted = placed_under(fault)
    assert isinstance(event, OrderInDoubt) and len(accepted) == 1
    assert (when, event.status) == (CALM.timeout, 0)


# -- the whole bot ------------------------------------------------------------------------------------------
SCRIPT = [
    Fault("before_parse", "reset", method="POST", contains=WRITES, skip=3, times=2),
    Fault("after_accept", "reset", method="POST", contains=WRITES, skip=5, times=2),
    Fault("after_accept", "status", method="DELETE", contains=WRITES, status=502, body=b"<html>"),
    Fault("before_accept", "delay", method="POST", delay_ns=700 * MILLISECOND, skip=10, times=5),
    Fault("reply_body", "body", method="POST", contains=WRITES, body=b"{", skip=20),
    Fault("frame", "drop", contains="orderbook_delta", skip=50, times=3),
    Fault("frame", "reorder", contains="orderbook_delta", skip=200),
    Fault("frame", "stall", contains="user_order", skip=5, delay_ns=2 * SECOND),
    Fault("frame", "reset", contains="orderbook_delta", skip=400),
    Fault("after_accept", "status", status=503, times=10**6, probability=0.01),
]


def script() -> list[Fault]:
    """A fresh copy: it is used up."""
    fields = Fault.__slots__
    return [Fault(**{name: getattr(one, name) for name in fields}) for one in SCRIPT]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_bot_under_a_script_keeps_its_limits_and_its_books_and_every_fault_strikes(
    config: Config, seed: int
) -> None:
    faults = script()
    scene = Scene(config, seed, faults=faults)
    scene.run(60)
    assert scene.wrong() == []
    scene.venue.check()
    assert [one.kind for one in faults if one.times and one.probability == 1] == []


def test_the_same_seed_and_script_give_the_same_run(config: Config) -> None:
    digests = set()
    for seed, faults in ((4, script()), (4, script()), (4, []), (5, script())):
        scene = Scene(config, seed, faults=faults)
        scene.run(20)
        digests.add((seed, bool(faults), scene.simulation.digest))
    assert len(digests) == 3


def test_chances_are_drawn_from_the_seed() -> None:
    def struck(seed: int) -> list[bool]:
        one = Faults([Fault("frame", "drop", times=1_000, probability=0.5)], Random(seed))
        return [one.at("frame", "", "x") is not None for _ in range(50)]

    assert struck(1) == struck(1) != struck(2)
