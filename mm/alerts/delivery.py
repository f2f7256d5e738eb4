"""All ways that leave the machine, as one sink: each alert goes to every way that wants its level."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from mm.alerts.courier import Courier, Pace, Report
from mm.alerts.letter import IMPORTANCE, importance, letter_of
from mm.alerts.outbox import Outbox, Scrub
from mm.alerts.way import Way
from mm.core.actions import Alert, AlertLevel
from mm.core.units import Nanos

PATIENCE_SECONDS: Final = 5.0


class Route(msgspec.Struct, frozen=True):
    """``least``: the least important level that goes this way."""

    way: Way
    least: AlertLevel


class Delivery:
    """`send` hands over and returns; each way has its own thread and its own part of ``home``, so that one
    that hangs holds up nobody. The constructor raises `StorageError`."""

    def __init__(
        self,
        routes: Sequence[Route],
        home: Path,
        scrub: Scrub,
        pace: Pace = Pace(),  # noqa: B008 (frozen)
    ) -> None:
        self._reports: deque[Report] = deque(maxlen=1_000)
        self.boxes = {route.way.name: Outbox(home / route.way.name, scrub) for route in routes}
        self._couriers = [
            (IMPORTANCE[route.least], Courier(route.way, self.boxes[route.way.name], self._told, pace))
            for route in routes
        ]
        self._is_closed = False

    def send(self, alert: Alert, ts: Nanos, repeats: int = 0) -> None:
        weight = importance(alert)
        for least, courier in self._couriers:
            if weight >= least:
                courier.put(letter_of(alert, ts, repeats))

    def settle(self) -> None:
        """Nothing to do: each way's own thread does what takes long."""

    def reports(self) -> list[Report]:
        """What happened since the last call; from any thread."""
        found = []
        while self._reports:
            found.append(self._reports.popleft())
        return found

    def dead(self) -> list[str]:
        """Ways whose thread a fault of ours has ended."""
        if self._is_closed:
            return []
        return [courier.name for _, courier in self._couriers if not courier.is_alive]

    def close(self, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """A last attempt by every way at once; what cannot be delivered stays on disk for the next start."""
        self._is_closed = True
        until = time.monotonic() + patience_seconds
        for _, courier in self._couriers:
            courier.begin_to_close()
        for _, courier in self._couriers:
            courier.join(until - time.monotonic())

    def _told(self, report: Report) -> None:
        self._reports.append(report)
