"""The queue of one sending thread: requests of a market in order, cancels before other markets' creates."""

from __future__ import annotations

from collections import deque
from threading import Lock
from typing import TypeAlias

from mm.core.actions import AmendOrder, CancelAll, CancelOrder, PlaceOrder, QueryAccount, QueryOrder
from mm.core.units import Nanos

Job: TypeAlias = PlaceOrder | AmendOrder | CancelOrder | CancelAll | QueryOrder | QueryAccount


class Lane:
    """Safe to use from several threads. Each `put` is matched by one `take`."""

    def __init__(self) -> None:
        self._jobs: deque[tuple[Job, Nanos]] = deque()
        self._lock = Lock()

    def put(self, job: Job, ts: Nanos) -> None:
        with self._lock:
            self._jobs.append((job, ts))

    def take(self) -> tuple[Job, Nanos]:
        """The first cancel that overtakes no request of its own market, else the oldest request; and since
        when it waits.

        :raises IndexError: if there is none.
        """
        with self._lock:
            position = self._urgent()
            job = self._jobs[position]
            del self._jobs[position]
            return job

    def _urgent(self) -> int:
        seen: set[str] = set()
        for position, (job, _) in enumerate(self._jobs):
            ticker = getattr(job, "ticker", "")
            if isinstance(job, CancelOrder) and ticker not in seen:
                return position
            seen.add(ticker)
        return 0
