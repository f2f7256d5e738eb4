"""Token buckets: how many requests an account may make a second (protocol section 13). Exact integers."""

from __future__ import annotations

from dataclasses import dataclass

NANO = 1_000_000_000
DEFAULT_COST = 10


@dataclass(frozen=True, slots=True)
class Limit:
    """``rate`` tokens flow in a second, up to ``capacity``."""

    rate: int
    capacity: int


@dataclass(frozen=True, slots=True)
class Tier:
    """One row of the exchange's table of usage levels. ``balance``: GET balance has a bucket of its own."""

    name: str
    read: Limit
    write: Limit
    balance: Limit


def _tier(name: str, read: int, write: int, *, read_seconds: int, write_seconds: int, balance: int) -> Tier:
    return Tier(
        name, Limit(read, read * read_seconds), Limit(write, write * write_seconds), Limit(balance, balance)
    )


# Basic as it was recorded (200/200 and 100/100), the others by the rate limits page; which of the two holds
# for the capacities is not known (protocol section 15 a), so an Exchange takes any Tier.
TIERS: dict[str, Tier] = {
    tier.name: tier
    for tier in (
        _tier("basic", 200, 100, read_seconds=1, write_seconds=1, balance=1),
        _tier("advanced", 300, 300, read_seconds=2, write_seconds=2, balance=1),
        _tier("expert", 600, 600, read_seconds=1, write_seconds=2, balance=5),
        _tier("premier", 1000, 1000, read_seconds=1, write_seconds=2, balance=5),
        _tier("paragon", 2000, 2000, read_seconds=1, write_seconds=2, balance=5),
        _tier("prime", 4000, 4000, read_seconds=1, write_seconds=2, balance=5),
        _tier("prestige", 10000, 8000, read_seconds=1, write_seconds=2, balance=5),
    )
}
BASIC = TIERS["basic"]


class Bucket:
    """One bucket, full at first. Kept in billionths of a token: no nanosecond of refill is rounded away."""

    def __init__(self, limit: Limit, now: int) -> None:
        self._rate = limit.rate
        self._full = limit.capacity * NANO
        self._level = self._full
        self._as_of = now

    def take(self, now: int, cost: int) -> bool:
        """Take ``cost`` tokens at ``now`` (ns) if that many are there; a refusal takes nothing."""
        if now > self._as_of:
            self._level = min(self._full, self._level + self._rate * (now - self._as_of))
            self._as_of = now
        if cost * NANO > self._level:
            return False
        self._level -= cost * NANO
        return True

    def give_back(self, cost: int) -> None:
        """Undo a `take` of this moment."""
        self._level += cost * NANO


class Buckets:
    """The buckets of every account, by the name of the budget: ``read``, ``write`` or ``balance``. Further
    ones of a kind, of the same size, have a number behind it: ``write 2``."""

    def __init__(self, tier: Tier = BASIC) -> None:
        self.tier = tier
        self._limits = {"read": tier.read, "write": tier.write, "balance": tier.balance}
        self._buckets: dict[tuple[str, str], Bucket] = {}

    def take(self, now: int, user_id: str, budgets: list[str], cost: int) -> bool:
        """True where ``user_id`` may make a request that costs ``cost`` of each of ``budgets`` at ``now``
        (ns); otherwise none of them is touched."""
        taken: list[Bucket] = []
        for budget in budgets:
            bucket = self._bucket(user_id, budget, now)
            if not bucket.take(now, cost):
                for one in taken:
                    one.give_back(cost)
                return False
            taken.append(bucket)
        return True

    def _bucket(self, user_id: str, budget: str, now: int) -> Bucket:
        key = (user_id, budget)
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(self._limits[budget.partition(" ")[0]], now)
        return bucket
