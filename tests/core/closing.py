"""A bench for stories about closing positions: a bot that holds one, and what the exchange answers."""

from __future__ import annotations

from mm.core.actions import Alert, AlertLevel
from mm.core.events import OrderAck, PositionReport, Tick
from mm.core.settings import EngineSettings
from mm.core.units import CONTRACT
from tests.core.bench import Bench


def holding(count: float = 10, settings: EngineSettings | None = None) -> Bench:
    """A bot that is quoting 50:100 | 54:100, holds this position, and has nothing resting."""
    wish = f"50:{count:g} |" if count > 0 else f"| 54:{-count:g}"
    bench = Bench(settings).quoting(wishes=wish)
    bench.tick()
    bench.ack(1)
    bench.wishes["KXA"] = "|"
    bench.fill(bench.order(1), abs(count))
    assert bench.position == count and not bench.orders
    return bench


def took(bench: Bench, which: int, count: float) -> list[str]:
    """The exchange's answer to an order that takes: so much was filled, the rest of it is gone."""
    order = bench.order(which)
    filled = round(count * CONTRACT)
    lines = bench.step(OrderAck(bench.now, order.request_id, order.client_order_id, f"X{which}", filled, 0))
    return [*lines, *bench.fill(order, count)] if count else lines


def alerts(bench: Bench) -> list[tuple[AlertLevel, str]]:
    return [
        (action.level, action.message)
        for action in bench.actions
        if isinstance(action, Alert) and action.category == "flatten"
    ]


def ticks(bench: Bench, seconds: float) -> list[str]:
    """What is done in this time; the first line ends it."""
    for _ in range(round(seconds / 0.25)):
        if lines := bench.tick(0.25):
            return lines
    return []


def proven(bench: Bench, *positions: PositionReport) -> list[str]:
    """The next account read that is asked for shows nothing that rests."""
    for _ in range(20):
        bench.wait(0.25)
        if "read account" in bench.step(Tick(bench.now, 100, 100)):
            bench.wait(0.01)
            return bench.account(*positions)
    raise AssertionError("the account was not read")
