"""Pauses of the whole exchange: by hand, and every Thursday night (protocol section 8.1).

In a trading pause nothing is created or amended, but cancels pass; in an exchange pause nothing passes. Time
goes on in both: markets close and orders expire.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Literal, NamedTuple, TypeAlias

from mm.sim.floor import Floor
from mm.sim.trading import Trading

SECOND = 1_000_000_000
Depth: TypeAlias = Literal["none", "trading", "exchange"]

_THURSDAY = 3  # of datetime.weekday()
_BEGINS = time(3)
_LASTS = timedelta(hours=2)
_STANDARD, _SUMMER = timedelta(hours=-5), timedelta(hours=-4)  # New York against UTC
_EPOCH = datetime(1970, 1, 1)


class Window(NamedTuple):
    """A maintenance window in ns since the epoch; the end is outside."""

    begin: int
    end: int


def window_after(now: int) -> Window:
    """The first Thursday 03:00 to 05:00 in New York that has not ended at ``now`` (ns)."""
    local = _EPOCH + timedelta(seconds=now // SECOND) + _STANDARD
    day = local.date() - timedelta(days=1)  # a day's grace: the window is compared in UTC below
    while True:
        day += timedelta(days=1)
        if day.weekday() == _THURSDAY:
            begin = datetime.combine(day, _BEGINS) - _offset(day.year, datetime.combine(day, _BEGINS))
            window = Window(_nanos(begin), _nanos(begin + _LASTS))
            if now < window.end:
                return window


def _offset(year: int, local: datetime) -> timedelta:
    """US daylight saving time: second Sunday of March, 02:00, to first Sunday of November, 02:00
    (15 U.S.C. 260a)."""
    begins, ends = _sunday(year, 3, 2), _sunday(year, 11, 1)
    return _SUMMER if begins <= local < ends else _STANDARD


def _sunday(year: int, month: int, which: int) -> datetime:
    first = datetime(year, month, 1, 2)
    return first + timedelta(days=(6 - first.weekday()) % 7 + 7 * (which - 1))


def _nanos(moment: datetime) -> int:
    return int(moment.replace(tzinfo=UTC).timestamp()) * SECOND


class Pauses:
    """The two reasons to pause, kept apart, so that the end of one does not end the other."""

    def __init__(self, floor: Floor, trading: Trading) -> None:
        self._floor = floor
        self._trading = trading
        self._by_hand: Depth = "none"
        self._window: Window | None = None
        if floor.switches.weekly_pause:
            self._plan(window_after(floor.now))

    @property
    def estimated_resume_ns(self) -> int | None:
        """When the maintenance window that is on will end; ``None`` outside of one."""
        return None if self._window is None else self._window.end

    def pause(self, depth: Depth) -> None:
        """By hand. Orders that asked for it are canceled."""
        self._by_hand = depth
        self._apply()

    def resume(self) -> None:
        """End what was begun by hand; a maintenance window goes on."""
        self._by_hand = "none"
        self._apply()

    def _plan(self, window: Window) -> None:
        if window.begin <= self._floor.now:
            self._begin(window)
        else:
            self._floor.at(window.begin, partial(self._begin, window))

    def _begin(self, window: Window) -> None:
        self._window = window
        self._floor.at(window.end, self._end)
        self._apply()

    def _end(self) -> None:
        self._window = None
        self._apply()
        self._plan(window_after(self._floor.now))

    def _apply(self) -> None:
        floor = self._floor
        floor.exchange_active = self._by_hand != "exchange"
        floor.trading_active = self._by_hand == "none" and self._window is None
        if not floor.trading_active:
            self._cancel_who_asked()

    def _cancel_who_asked(self) -> None:
        self._floor.begin()
        for account in self._floor.ledger.everyone():
            for interest in list(account.resting.values()):
                order = interest.order
                if order is not None and order.request.cancel_on_pause:
                    self._trading.withdraw(interest, order.ticker, "HaltCancel")
