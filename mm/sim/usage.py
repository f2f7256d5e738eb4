"""Which usage tier each member has, and the token buckets that follow from it (protocol section 13)."""

from __future__ import annotations

from mm.sim.buckets import TIERS, Buckets, Tier

ADVANCED = TIERS["advanced"]


class Usage:
    """``tier`` is what everybody begins with."""

    def __init__(self, tier: Tier) -> None:
        self._tier = tier
        self._shared = Buckets(tier)
        self._granted: dict[str, Buckets] = {}

    def tier_of(self, user_id: str) -> Tier:
        return self._buckets(user_id).tier

    def is_granted(self, user_id: str) -> bool:
        """Whether this member has asked for, and got, the Advanced tier for good."""
        return user_id in self._granted

    def grant_advanced(self, user_id: str) -> None:
        """From now on at least Advanced, with full buckets; a higher tier stays as it is."""
        is_lower = self._tier.write.rate < ADVANCED.write.rate
        self._granted.setdefault(user_id, Buckets(ADVANCED) if is_lower else self._shared)

    def take(self, now: int, user_id: str, budgets: list[str], cost: int) -> bool:
        """As `Buckets.take`."""
        return self._buckets(user_id).take(now, user_id, budgets, cost)

    def _buckets(self, user_id: str) -> Buckets:
        return self._granted.get(user_id, self._shared)
