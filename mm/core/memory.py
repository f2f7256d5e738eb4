"""What a restart must not forget of the breaker: trips, counters, and where each loss is counted from.

Plain facts, part of the settings with which the next run begins, so that a replay has them too.
"""

from __future__ import annotations

import msgspec

from mm.core.units import Money, Nanos, Price


class TripMemory(msgspec.Struct, frozen=True, gc=False):
    """That ``rule`` stopped a desk, or the account (``desk`` empty)."""

    rule: str
    reason: str
    ts: Nanos
    desk: str = ""


class DeskMemory(msgspec.Struct, frozen=True, gc=False):
    """``pnl`` over all runs; ``pnl_floor_base`` is what it was when a person last reset the breaker."""

    pnl: Money = 0
    pnl_floor_base: Money = 0
    losing_streak: int = 0


class BreakerMemory(msgspec.Struct, frozen=True):
    """``account`` names the account these figures are of: on another one all of them begin anew, trips stay.

    ``pnl`` and the bases are on one scale that goes on over restarts. ``worth`` is cash and positions at
    ``marks`` at that moment, ``None`` if it was never known: what it has lost since is a loss of that time.
    ``day`` counts days of the configured zone. ``stopped``: why the run ended in order, empty if not.
    ``reset_reason``: a person reset it since, while nothing ran.
    """

    account: str = ""
    saved_at: Nanos = 0
    trips: tuple[TripMemory, ...] = ()
    errors_in_a_row: int = 0
    losing_streak: int = 0
    pnl: Money = 0
    worth: Money | None = None
    pnl_floor_base: Money = 0
    day: int | None = None
    day_base: Money = 0
    day_equity: Money | None = None
    week_base: Money = 0
    marks: dict[str, Price] = {}
    desks: dict[str, DeskMemory] = {}
    stopped: str = ""
    reset_reason: str = ""


NOTHING = BreakerMemory()


def of_account(memory: BreakerMemory, account: str) -> BreakerMemory:
    """What of it concerns this account: money only if it is the same, trips always."""
    if memory.account == account:
        return memory
    return BreakerMemory(account=account, trips=memory.trips)
