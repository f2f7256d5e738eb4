"""How fast the gateway may read: the exchange's buckets of reads, shared by all threads that read.

Sources: protocol sections 7 (the balance has a bucket of its own) and 13 (buckets and costs).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock
from typing import Final

from mm.core.units import SECOND, Nanos
from mm.kalshi.conversation import Cost
from mm.kalshi.limiter import DEFAULT_COSTS, Bucket

# Reads of the balance a second and at once, of every tier (protocol section 7).
BALANCE_READS: Final = (1, 1)


class _Queue:
    """One bucket. Who holds ``turn`` waits for tokens, the others for him; ``lock`` is never held long."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self.turn, self.lock = Lock(), Lock()


class ReadPace:
    """``reads``: the bucket of all reads but the balance's, used here only; ``None`` lets everything pass.
    ``pause`` is how to wait, given seconds. Safe to use from several threads."""

    def __init__(
        self, reads: Bucket | None, clock: Callable[[], Nanos], pause: Callable[[float], object]
    ) -> None:
        self._clock = clock
        self._pause = pause
        self._costs = dict(DEFAULT_COSTS)
        self._reads = None if reads is None else _Queue(reads)
        self._balance = _Queue(Bucket(*BALANCE_READS))

    def learn(self, refill_rate: int, capacity: int, costs: Mapping[Cost, int]) -> None:
        """The exchange has said what it allows, and at what cost.

        :raises ValueError: for numbers that are not positive.
        """
        self._costs = {**DEFAULT_COSTS, **costs}
        if self._reads is not None:
            with self._reads.lock:
                self._reads.bucket.resize(refill_rate, capacity)

    @property
    def bucket(self) -> Bucket | None:
        """Of all reads but the balance's, to look at."""
        return None if self._reads is None else self._reads.bucket

    def wait(self, kind: Cost) -> None:
        """Return when a read of this kind may leave."""
        queue = self._queue_of(kind)
        if queue is None:
            return
        cost = self._costs[kind]
        with queue.turn:
            with queue.lock:
                seconds = queue.bucket.wait(cost, self._clock()) / SECOND
            self._pause(seconds)
            with queue.lock:
                queue.bucket.take(cost, self._clock())

    def drain(self, kind: Cost) -> None:
        """The exchange answered 429 to such a read: whatever was counted, there is nothing left."""
        queue = self._queue_of(kind)
        if queue is not None:
            with queue.lock:
                queue.bucket.drain(self._clock())

    def _queue_of(self, kind: Cost) -> _Queue | None:
        return self._reads if self._reads is None or kind is not Cost.READ_BALANCE else self._balance
