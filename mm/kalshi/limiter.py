"""The exchange's token buckets, kept more carefully than it keeps them itself. Source: protocol section 13.

We use at most 80 % of both the refill and the capacity: the fifth of the capacity that is left absorbs
requests which arrive closer together than they were sent. Time is an argument; numbers are exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mm.core.units import SECOND, Nanos
from mm.kalshi.conversation import READS, Cost

SHARE_PERCENT: Final = 80
CANCEL_RESERVE_PERCENT: Final = 25
DEFAULT_COSTS: Final[Mapping[Cost, int]] = {
    Cost.CREATE: 10,
    Cost.AMEND: 10,
    Cost.CANCEL: 2,
    Cost.CANCEL_ALL: 2,
    Cost.READ_ORDER: 2,
    Cost.READ: 10,
    Cost.READ_BALANCE: 1,
}
_UNIT: Final = 100 * SECOND  # a token, so that a percentage of a refill per nanosecond is an integer


class Bucket:
    """One bucket: ``refill_rate`` tokens a second up to ``capacity``, of which we use ``share_percent``.
    ``taken`` is all that was ever spent."""

    def __init__(self, refill_rate: int, capacity: int, share_percent: int = SHARE_PERCENT) -> None:
        """:raises ValueError: unless all are positive and the share is at most 100."""
        self._share = share_percent
        self._gain = self._full = 0
        self._level = self.refill_rate = self.taken = 0
        self._at: Nanos | None = None
        self.resize(refill_rate, capacity)
        self._level = self._full

    def resize(self, refill_rate: int, capacity: int) -> None:
        """The exchange has said what it allows; what is in the bucket stays, as far as it fits.

        :raises ValueError: unless both are positive and the share is at most 100.
        """
        if refill_rate <= 0 or capacity <= 0 or not 0 < self._share <= 100:
            raise ValueError(f"no such bucket: {refill_rate}/s, {capacity} tokens, {self._share} %")
        self.refill_rate = refill_rate
        self._gain = refill_rate * self._share
        self._full = capacity * self._share * SECOND
        self._level = min(self._level, self._full)

    @property
    def capacity(self) -> int:
        """The whole tokens that we allow ourselves at most."""
        return self._full // _UNIT

    def level(self, now: Nanos) -> int:
        """Whole tokens there now; negative after an overdraft. A clock that goes back adds nothing."""
        if self._at is None:
            self._at = now
        elif now > self._at:
            self._level = min(self._full, self._level + (now - self._at) * self._gain)
            self._at = now
        return self._level // _UNIT

    def take(self, tokens: int, now: Nanos) -> None:
        """Spend; may overdraw, because some requests (cancel-all) cannot wait."""
        self.level(now)
        self.taken += tokens
        self._level -= tokens * _UNIT

    def drain(self, now: Nanos) -> None:
        """The exchange says that it is empty."""
        self.level(now)
        self._level = min(self._level, 0)

    def wait(self, tokens: int, now: Nanos) -> Nanos:
        """How long until ``tokens`` are there (or as many as it can ever hold)."""
        self.level(now)
        missing = min(tokens * _UNIT, self._full) - self._level
        return -(-missing // self._gain) if missing > 0 else 0


class Limiter:
    """How many orders and cancels may go now. What one allows, the other does not: both can be used up."""

    def __init__(
        self,
        write: Bucket,
        costs: Mapping[Cost, int] = DEFAULT_COSTS,
        cancel_reserve_percent: int = CANCEL_RESERVE_PERCENT,
    ) -> None:
        """:raises ValueError: for a cost that is not positive, or a reserve outside 0 to 99 percent."""
        if not 0 <= cancel_reserve_percent < 100:
            raise ValueError("the reserve for cancels is 0 to 99 percent")
        self._reserve_percent = cancel_reserve_percent
        self.learn(write, costs)

    def learn(self, write: Bucket, costs: Mapping[Cost, int]) -> None:
        """The exchange has said what it allows, and at what cost; nothing has been sent yet.

        :raises ValueError: for a cost that is not positive.
        """
        self._write = write
        self._costs = {**DEFAULT_COSTS, **costs}
        if any(cost <= 0 for cost in self._costs.values()):
            raise ValueError("a request that costs nothing")
        self._reserve = write.capacity * self._reserve_percent // 100
        self._order_cost = max(self._costs[Cost.CREATE], self._costs[Cost.AMEND])

    def resize(self, refill_rate: int, capacity: int, costs: Mapping[Cost, int]) -> None:
        """As `learn`, while we send: what has been spent stays spent.

        :raises ValueError: for what is not positive.
        """
        self._write.resize(refill_rate, capacity)
        self.learn(self._write, costs)

    @property
    def bucket(self) -> Bucket:
        """To look at, not to spend from."""
        return self._write

    def orders_allowed(self, now: Nanos) -> int:
        """Creates and amends together; the reserve for cancels is left untouched."""
        return max(0, self._write.level(now) - self._reserve) // self._order_cost

    def cancels_allowed(self, now: Nanos) -> int:
        """Cancels that can go besides all the orders allowed."""
        left = self._write.level(now) - self.orders_allowed(now) * self._order_cost
        return max(0, left) // self._costs[Cost.CANCEL]

    def spend(self, cost: Cost, now: Nanos, n: int = 1) -> None:
        """``n`` requests of this kind are being sent. Reads are not of this bucket and cost nothing here."""
        if cost not in READS:
            self._write.take(n * self._costs[cost], now)

    def penalize(self, now: Nanos) -> None:
        """The exchange answered 429: whatever we counted, there is nothing left."""
        self._write.drain(now)
