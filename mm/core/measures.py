"""The figures that the breaker's rows compare, kept up to date by what happens.

P&L is on one scale that goes on over restarts (`carried` is what former runs contribute), so that a day, a
week and a floor are counted from where they began, however often the process ended in between.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from mm.core.calls import CallRecord
from mm.core.cycles import Cycles
from mm.core.days import day_of, week_of
from mm.core.memory import NOTHING, BreakerMemory, DeskMemory
from mm.core.settings import BreakerLimits
from mm.core.units import SIDES, Money, Nanos, Side

RECENT_ERRORS = 10


class DeskMeasures:
    """Of one desk. ``reject_runs``: by market and side, the code of the latest refusal and how many of it
    came in a row. ``round_trips`` are those that ended in this run, ``round_trips_won`` with a profit."""

    def __init__(self, memory: DeskMemory) -> None:
        self.pnl = memory.pnl
        self.pnl_floor_base = memory.pnl_floor_base
        self.losing_streak = memory.losing_streak
        self.round_trips = self.round_trips_won = 0
        self.imbalance = 0.0
        self.cycles = Cycles()
        self.reject_runs: dict[tuple[str, Side], tuple[str, int]] = {}
        self._pnl_of: dict[str, Money] = {}

    def earned(self, ticker: str, pnl: Money) -> None:
        """A market's P&L of this run is now this."""
        self.pnl += self.gain(ticker, pnl)
        self._pnl_of[ticker] = pnl

    def gain(self, ticker: str, pnl: Money) -> Money:
        """What `earned` would add."""
        return pnl - self._pnl_of.get(ticker, 0)

    def retired(self, ticker: str, pnl: Money) -> None:
        """A market is over; it earned this at last, and nothing else about it counts any more."""
        self.pnl += self.gain(ticker, pnl)
        self._pnl_of.pop(ticker, None)
        for side in SIDES:
            self.reject_runs.pop((ticker, side), None)
        self.cycles.retired(ticker)

    def carry(self, ticker: str, pnl: Money) -> None:
        """What a position that was there at the start shows already is in what former runs left."""
        self._pnl_of[ticker] = pnl

    def trip_ended(self, pnl: Money) -> None:
        self.round_trips += 1
        self.round_trips_won += pnl > 0
        self.losing_streak = self.losing_streak + 1 if pnl < 0 else 0

    def refused(self, ticker: str, side: Side, code: str) -> None:
        known, count = self.reject_runs.get((ticker, side), ("", 0))
        self.reject_runs[ticker, side] = (code, count + 1 if known == code else 1)

    def accepted(self, ticker: str, side: Side) -> None:
        self.reject_runs.pop((ticker, side), None)

    @property
    def worst_rejects(self) -> tuple[int, str]:
        """How many times in a row, and what was refused where."""
        runs = ((count, f"{ticker}: {code}") for (ticker, _), (code, count) in self.reject_runs.items())
        return max(runs, default=(0, ""))

    def begin_anew(self) -> None:
        """A person reset the breaker: what tripped it is forgiven, what happens next is not."""
        self.pnl_floor_base = self.pnl
        self.losing_streak = 0
        self.cycles.clear()
        self.reject_runs.clear()

    def memory(self, pnl: Money) -> DeskMemory:
        """``pnl``: as of now."""
        return DeskMemory(pnl, self.pnl_floor_base, self.losing_streak)


class Measures:
    """Of the account; ``desks`` by name. ``killed`` is the kill switch's reason, empty while it is off."""

    def __init__(
        self, limits: BreakerLimits, memory: BreakerMemory = NOTHING, desks: Iterable[str] = ()
    ) -> None:
        self.limits = limits
        self.now: Nanos = 0
        self.calls = CallRecord(memory.errors_in_a_row)
        self.recent_errors: deque[tuple[Nanos, str]] = deque(maxlen=RECENT_ERRORS)
        self.carried: Money = 0
        self.pnl = memory.pnl
        self.pnl_floor_base = memory.pnl_floor_base
        self.equity: Money | None = None
        self.losing_streak = memory.losing_streak
        self.link_down_since: Nanos | None = None
        self.storage_lost_since: Nanos | None = None
        self.storage_fault = ""
        self.killed = ""
        self.unknown_orders = 0
        self.mismatches: dict[str, str] = {}
        self.day, self.day_base = memory.day, memory.day_base
        self.day_equity = memory.day_equity
        self.week_base = memory.week_base
        self.has_new_day = False
        self.desks = {name: DeskMeasures(memory.desks.get(name, DeskMemory())) for name in desks}
        self._same_day_until: Nanos = 0

    # -- what happens ----------------------------------------------------------------------------------
    def call_answered(self, now: Nanos, error: str) -> None:
        """One request was answered; ``error`` is empty if the exchange did its part."""
        if error:
            self.recent_errors.append((now, error))
        self.calls.answered(now, failed=bool(error))
        self.calls.forget(now - self.limits.error_window)

    def time_is(self, now: Nanos) -> None:
        """Windows move on; days and weeks begin with the P&L of their first moment."""
        self.now = now
        self.calls.forget(now - self.limits.error_window)
        for desk in self.desks.values():
            desk.cycles.forget(now - self.limits.cycle_window)
        if now >= self._same_day_until:
            self._look_at_the_calendar(now)
        if self.day_equity is None:
            self.day_equity = self.equity

    def _look_at_the_calendar(self, now: Nanos) -> None:
        """A day never ends twice: where a clock is put back over midnight, the new day goes on."""
        day, self._same_day_until = day_of(now, self.limits.zone_offsets)
        before = self.day
        if before is not None and day <= before:
            return
        self.day, self.day_base, self.day_equity = day, self.pnl, self.equity
        if before is None or week_of(day) != week_of(before):
            self.week_base = self.pnl
        self.has_new_day = before is not None

    def limits_are(self, limits: BreakerLimits) -> None:
        """From now on; another zone may have another day."""
        self.limits = limits
        self._same_day_until = 0

    def begin_anew(self) -> None:
        """A person reset the breaker: what tripped it is forgiven, what happens next is not."""
        self.calls.clear()
        self.losing_streak = 0
        self.unknown_orders = 0
        self.pnl_floor_base = self.day_base = self.week_base = self.pnl
        self.day_equity = self.equity

    # -- sums over desks -------------------------------------------------------------------------------
    @property
    def cycles(self) -> int:
        total = 0
        for desk in self.desks.values():
            total += desk.cycles.total
        return total
