"""Incentive programs: rewards that the exchange promises for quoting or trading (protocol section 8).

They are only listed here; nobody scores or pays them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

IncentiveKind: TypeAlias = Literal["liquidity", "volume", "margin_maker_volume", "margin_taker_volume"]
IncentiveStatus: TypeAlias = Literal["upcoming", "active", "closed", "paid_out"]


@dataclass(frozen=True, slots=True)
class Incentive:
    """One program. Times in ns, ``target_size`` a count; rewards in centi-cents (1/10,000 dollar)."""

    incentive_id: str
    ticker: str
    kind: IncentiveKind
    description: str
    start_ns: int
    end_ns: int
    period_reward: int
    paid_out: bool = False
    discount_factor_bps: int | None = None
    target_size: int | None = None
    max_reward_per_account: int | None = None

    def status(self, now: int) -> IncentiveStatus:
        """Where the program stands at ``now`` (ns)."""
        if self.paid_out:
            return "paid_out"
        if now < self.start_ns:
            return "upcoming"
        return "active" if now < self.end_ns else "closed"
