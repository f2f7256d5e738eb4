"""The bug was that a kill lost up to a quarter of a second of the files' lines: they waited for the beat."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import count

import pytest

from mm.core.actions import AnyAction, PlaceOrder, Stop
from mm.core.engine import Engine
from mm.core.events import AnyEvent, LinkUp, Tick
from mm.core.settings import EngineSettings
from mm.core.units import Nanos, Side
from mm.drivers.live import Live
from mm.drivers.runner import NoJournal, Runner
from mm.kalshi.calls import RequestAction

TICKS = 3


class Story(Engine):
    """Places an order at each Tick, while the next event already waits, and stops after the last."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(EngineSettings("kmm", "r", ()), {})
        self.lines = lines
        self.live: Live | None = None

    def on_event(self, event: AnyEvent) -> Sequence[AnyAction]:
        self.now = event.ts
        if not isinstance(event, Tick):
            return ()
        self.lines.append("Tick")
        number = self.lines.count("Tick")
        assert self.live is not None
        if number == TICKS:
            return (Stop(0, "the story is over"),)
        self.live.inbox.put((LinkUp(event.ts),))
        return (PlaceOrder(number, f"kmm-r-{number}", "KXA", Side.BID, 5_000, 100),)


class Place:
    """Where requests go, and what the rate limits allow."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines

    def submit(self, action: RequestAction) -> None:
        self.lines.append("sent")

    def resubscribe(self, ticker: str) -> None:
        raise AssertionError(ticker)

    def reconnect(self, reason: str) -> None:
        raise AssertionError(reason)

    def withhold(self) -> None:
        raise AssertionError("nothing is to be withheld here")

    def orders_allowed(self, now: Nanos) -> int:
        return 1

    def cancels_allowed(self, now: Nanos) -> int:
        return 1


def test_lines_are_written_after_the_requests_of_a_tick_and_before_the_next() -> None:
    lines: list[str] = []

    async def story() -> None:
        place, engine = Place(lines), Story(lines)
        clock = count(1)
        live = engine.live = Live(lambda: next(clock), place, 0, write=lambda: lines.append("written"))
        await live.run(Runner(engine, lambda action: live.carry_out(place, action), NoJournal()))

    asyncio.run(story())
    assert lines[: 3 * TICKS - 2] == ["Tick", "sent", "written"] * (TICKS - 1) + ["Tick"]


def test_a_fault_while_writing_ends_the_run() -> None:
    async def story() -> None:
        place, engine = Place([]), Story([])
        clock = count(1)

        def write() -> None:
            raise ZeroDivisionError

        live = engine.live = Live(lambda: next(clock), place, 0, write=write)
        await live.run(Runner(engine, lambda action: live.carry_out(place, action), NoJournal()))

    with pytest.raises(ZeroDivisionError):
        asyncio.run(story())
