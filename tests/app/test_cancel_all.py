"""Cancelling by hand, told by the exchange: what is ours goes, and only fresh reads prove it."""

from __future__ import annotations

from collections.abc import Iterator

from mm.app.cancel_all import Sweep, Swept
from mm.core.actions import CancelAll, CancelOrder, QueryAccount
from mm.core.events import (
    AccountReport,
    AnyEvent,
    ApiError,
    CancelAllDone,
    OrderCanceled,
    OrderReport,
    OrderStatus,
    RequestKind,
)
from mm.core.units import SECOND, Side
from mm.kalshi.calls import RequestAction

START = 1_000 * SECOND


class World:
    """An exchange whose reads lag, and a clock that only moves when somebody waits."""

    def __init__(self, *resting: str, lag: int = 2 * SECOND) -> None:
        self.now = START
        self.lag = lag
        self.canceled: list[str] = []
        self.asked: list[RequestAction] = []
        self.faults: Iterator[bool] = iter(())
        self._history: list[tuple[int, frozenset[str]]] = [(0, frozenset(resting))]

    def send(self, action: RequestAction) -> AnyEvent:
        self.asked.append(action)
        if isinstance(action, CancelOrder):
            return self._remove({action.client_order_id}, action)
        if isinstance(action, CancelAll):
            self._remove(set(self._history[-1][1]), None)
            return CancelAllDone(self.now, 0)
        assert isinstance(action, QueryAccount)
        if next(self.faults, False):
            return ApiError(self.now, 0, RequestKind.QUERY_ACCOUNT, 503, "busy", "later")
        as_of = self.now - self.lag
        seen = next(names for since, names in reversed(self._history) if since <= as_of)
        rows = tuple(_resting(name, as_of) for name in sorted(seen))
        return AccountReport(self.now, 0, as_of=as_of, cash=0, positions=(), resting=rows, fills=())

    def wait(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)

    def _remove(self, names: set[str], action: CancelOrder | None) -> AnyEvent:
        self.canceled += sorted(names & self._history[-1][1])
        self._history.append((self.now, self._history[-1][1] - names))
        name = action.client_order_id if action else ""
        return OrderCanceled(self.now, 0, name, f"id-{name}", 100)

    def swept(self, prefix: str = "kmm-", patience: float = 60.0) -> Swept:
        return Sweep(self.send, prefix, lambda: self.now, self.wait).run(patience)


def _resting(name: str, as_of: int) -> OrderReport:
    return OrderReport(
        as_of,
        0,
        name,
        f"id-{name}",
        "KXA",
        Side.BID,
        OrderStatus.RESTING,
        price=5_000,
        filled=0,
        remaining=100,
    )


def test_what_is_ours_goes_and_the_rest_stays() -> None:
    world = World("kmm-1-1", "kmm-1-2", "kmm2-1-1", "")
    swept = world.swept()
    assert world.canceled == ["kmm-1-1", "kmm-1-2"]
    assert (swept.is_proven, swept.found, swept.left, swept.others) == (
        True,
        {"kmm-1-1", "kmm-1-2"},
        set(),
        2,
    )
    assert not any(isinstance(action, CancelAll) for action in world.asked)


def test_everything_means_everything() -> None:
    world = World("kmm-1-1", "theirs", "")
    assert world.swept(prefix="").is_proven
    assert world.canceled == ["", "kmm-1-1", "theirs"]


def test_an_empty_read_from_before_is_no_proof() -> None:
    """Nothing rests; but a bot that died just now may have sent an order that these reads do not show yet."""
    world = World(lag=10 * SECOND)
    assert world.swept().is_proven
    assert world.now - world.lag >= START + SECOND, "read up to a moment after we began"


def test_reads_that_never_catch_up_prove_nothing() -> None:
    swept = World(lag=120 * SECOND).swept()
    assert not swept.is_proven and not swept.left


def test_a_read_that_fails_is_tried_again_and_told() -> None:
    world = World("kmm-1-1")
    world.faults = iter([True, True, False, False, True])
    swept = world.swept()
    assert swept.is_proven
    assert swept.faults == ["503 busy later"]


def test_an_exchange_that_never_answers_proves_nothing() -> None:
    world = World("kmm-1-1")
    world.faults = iter([True] * 1_000)
    swept = world.swept()
    assert (swept.is_proven, world.canceled) == (False, [])
