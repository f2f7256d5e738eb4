"""The circuit breaker: a list of rows. A new reason to stop is a new row.

Once tripped it stays tripped until a person resets it; what resets by itself is nobody's decision here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import msgspec

from mm.core.calls import CallRecord
from mm.core.picture import BreakerPicture
from mm.core.settings import BreakerLimits
from mm.core.units import MONEY_DOLLAR, SECOND, Money, Nanos

DAY: Nanos = 86_400 * SECOND
WEEK = 7
# The epoch was a Thursday; weeks begin on Monday.
EPOCH_WEEKDAY = 3
RECENT_ERRORS = 10


class Trip(msgspec.Struct, frozen=True):
    rule: str
    reason: str
    ts: Nanos


class Measures:
    """The figures that the rows compare, kept up to date by what happens."""

    def __init__(self) -> None:
        self.now: Nanos = 0
        self.calls = CallRecord()
        self.recent_errors: deque[tuple[Nanos, str]] = deque(maxlen=RECENT_ERRORS)
        self.pnl_floor_base: Money = 0
        self.pnl: Money = 0
        self.equity: Money | None = None
        self.imbalance = 0.0
        self.losing_streak = 0
        self.link_down_since: Nanos | None = None
        self._day: int | None = None
        self._week: int | None = None
        self.day_base: Money = 0
        self.week_base: Money = 0
        self.day_equity: Money | None = None

    # -- what happens ----------------------------------------------------------------------------------
    def call_answered(self, now: Nanos, error: str, window: Nanos) -> None:
        """One request was answered; ``error`` is empty if the exchange did its part."""
        if error:
            self.recent_errors.append((now, error))
        self.calls.answered(now, failed=bool(error))
        self.calls.forget(now - window)

    def time_is(self, now: Nanos, window: Nanos) -> None:
        """Days and weeks (UTC) begin with the P&L of their first moment."""
        self.now = now
        self.calls.forget(now - window)
        day = now // DAY
        if day != self._day:
            self._day, self.day_base, self.day_equity = day, self.pnl, self.equity
        week = (day + EPOCH_WEEKDAY) // WEEK
        if week != self._week:
            self._week, self.week_base = week, self.pnl
        if self.day_equity is None:
            self.day_equity = self.equity

    def begin_anew(self) -> None:
        """A person reset the breaker: what tripped it is forgiven, what happens next is not."""
        self.calls.clear()
        self.losing_streak = 0
        self.pnl_floor_base = self.day_base = self.week_base = self.pnl
        self.day_equity = self.equity


class Row(msgspec.Struct, frozen=True):
    """Trips when ``measure >= limit`` (``at_least``) or ``measure > limit``; both in the unit of ``unit``."""

    name: str
    measure: Callable[[Measures, BreakerLimits], float]
    limit: Callable[[BreakerLimits], float | None]
    at_least: bool
    text: str


def _dollars(money: Money) -> float:
    return money / MONEY_DOLLAR


def _optional_dollars(money: Money | None) -> float | None:
    return None if money is None else money / MONEY_DOLLAR


def _error_fraction(m: Measures, limits: BreakerLimits) -> float:
    return m.calls.error_fraction if m.calls.samples >= limits.error_min_samples else 0.0


def _daily_loss_fraction(m: Measures, limits: BreakerLimits) -> float:
    return (m.day_base - m.pnl) / m.day_equity if m.day_equity else 0.0


def _down_for(m: Measures, limits: BreakerLimits) -> float:
    return 0.0 if m.link_down_since is None else (m.now - m.link_down_since) / SECOND


ROWS: tuple[Row, ...] = (
    Row(
        "max_consecutive_errors",
        lambda m, _: m.calls.errors_in_a_row,
        lambda x: x.max_consecutive_errors,
        True,
        "{measure:.0f} API errors in a row (limit {limit:.0f})",
    ),
    Row(
        "pnl_threshold",
        lambda m, _: _dollars(m.pnl_floor_base - m.pnl),
        lambda x: -_dollars(x.pnl_threshold),
        True,
        "P&L is -${measure:.2f} (limit -${limit:.2f})",
    ),
    Row(
        "max_inventory_imbalance",
        lambda m, _: m.imbalance,
        lambda x: x.max_inventory_imbalance,
        False,
        "inventory is {measure:.0%} of the position limit (limit {limit:.0%})",
    ),
    Row(
        "max_error_fraction",
        _error_fraction,
        lambda x: x.max_error_fraction,
        False,
        "{measure:.1%} of API calls failed (limit {limit:.1%})",
    ),
    Row(
        "daily_loss_fraction",
        _daily_loss_fraction,
        lambda x: x.daily_loss_fraction,
        True,
        "lost {measure:.1%} of the day's opening equity (limit {limit:.1%})",
    ),
    Row(
        "daily_loss_dollars",
        lambda m, _: _dollars(m.day_base - m.pnl),
        lambda x: _optional_dollars(x.daily_loss),
        True,
        "lost ${measure:.2f} today (limit ${limit:.2f})",
    ),
    Row(
        "weekly_loss_dollars",
        lambda m, _: _dollars(m.week_base - m.pnl),
        lambda x: _optional_dollars(x.weekly_loss),
        True,
        "lost ${measure:.2f} this week (limit ${limit:.2f})",
    ),
    Row(
        "losing_round_trips",
        lambda m, _: m.losing_streak,
        lambda x: x.losing_round_trips,
        True,
        "{measure:.0f} losing round trips in a row (limit {limit:.0f})",
    ),
    Row(
        "feed_lost_seconds",
        _down_for,
        lambda x: None if x.feed_lost is None else x.feed_lost / SECOND,
        True,
        "market data lost for {measure:.0f} s (limit {limit:.0f} s)",
    ),
)


class Breaker:
    """Compares the measures with the limits; remembers the trip, not only that there was one."""

    def __init__(self, limits: BreakerLimits) -> None:
        self.limits = limits
        self.measures = Measures()
        self.trip: Trip | None = None

    def check(self, now: Nanos) -> Trip | None:
        """A trip that is new, or ``None``."""
        if self.trip is not None:
            return None
        for row in ROWS:
            limit = row.limit(self.limits)
            if limit is None:
                continue
            measure = row.measure(self.measures, self.limits)
            if measure > limit or (row.at_least and measure >= limit):
                return self.trip_for(row.name, row.text.format(measure=measure, limit=limit), now)
        return None

    def trip_for(self, rule: str, reason: str, now: Nanos) -> Trip:
        """Trip for a reason that is not a row: an anomaly, an operator's halt."""
        self.trip = Trip(rule, reason, now)
        return self.trip

    def reset(self) -> None:
        self.trip = None
        self.measures.begin_anew()

    def picture(self) -> BreakerPicture:
        trip = self.trip
        limits = {row.name: row.limit(self.limits) for row in ROWS}
        return BreakerPicture(
            trading_allowed=trip is None,
            trip_rule=trip.rule if trip else "",
            trip_reason=trip.reason if trip else "",
            trip_ts=trip.ts if trip else 0,
            consecutive_errors=self.measures.calls.errors_in_a_row,
            measures={row.name: float(row.measure(self.measures, self.limits)) for row in ROWS},
            thresholds={name: float(limit) for name, limit in limits.items() if limit is not None},
            recent_errors=tuple(text for _, text in self.measures.recent_errors),
        )
