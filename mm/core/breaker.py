"""The circuit breaker: compares the measures with the limits of its table, warns before, remembers its trips.

A trip of the account stops all desks, a trip of a desk that desk alone. A person's reset, which forgives all
that a scope has counted, ends it; what else may, each row says. A tripped scope goes on being watched for
what would be harder to end: an error that a restart forgives must not hide a loss that it does not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from mm.core.actions import Alert, AlertLevel
from mm.core.breaker_rows import ACCOUNT_ROWS, DESK_ROWS, Resets, Row, heals, resets_of
from mm.core.measures import Measures
from mm.core.memory import NOTHING, BreakerMemory, TripMemory
from mm.core.picture import BreakerPicture
from mm.core.settings import BreakerLimits
from mm.core.units import Nanos

ACCOUNT = ""
IMBALANCE = "max_inventory_imbalance"
MISMATCH = "position_mismatch"
# A warning is over when the measure is back below this part of where it came.
CALM_FRACTION = 0.8
NEVER = float("inf")


@dataclass(slots=True)
class _Guard:
    """One row on one scope, its limits made ready. ``lowest``: nothing is to be done below it while ``is_up``
    is false: neither has it warned, nor has it tripped and waits to heal."""

    row: Row[Any]
    scope: str
    measures: Any
    limit: float = NEVER
    warning: float = NEVER
    lowest: float = NEVER
    is_warned: bool = False
    is_up: bool = False

    def set(self, limits: BreakerLimits) -> None:
        limit = self.row.limit(limits)
        self.limit = NEVER if limit is None else float(limit)
        fraction = limits.warn_fraction if self.row.is_warned_of else None
        self.warning = NEVER if fraction is None else self.limit * fraction
        if self.row.name == IMBALANCE:
            self.warning = NEVER if limits.warn_imbalance is None else limits.warn_imbalance
        self.lowest = min(self.limit, self.warning)

    def is_over(self, measure: float) -> bool:
        return measure > self.limit or (measure == self.limit and not self.row.is_strict)

    def text(self, measure: float) -> str:
        return self.row.told(self.measures, measure, self.limit)

    def alert(self, level: AlertLevel, text: str, measure: float) -> Alert:
        details = (("rule", self.row.name), ("measure", measure), ("limit", self.limit))
        return Alert(level, self.row.warns_as, text, self.scope, details)


@dataclass(slots=True)
class Change:
    """What one look at the rows found: trips that are new, trips that are over, and what to tell besides."""

    trips: list[TripMemory] = field(default_factory=list)
    ended: list[TripMemory] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)


class Breaker:
    """``memory``: what former runs of the same account left; its trips hold from the first moment."""

    def __init__(
        self, limits: BreakerLimits, memory: BreakerMemory = NOTHING, desks: Iterable[str] = ()
    ) -> None:
        self.limits = limits
        self.measures = Measures(limits, memory, desks)
        self.trips: dict[str, dict[str, TripMemory]] = {
            ACCOUNT: {},
            **{name: {} for name in self.measures.desks},
        }
        for trip in memory.trips:
            self._inherit(trip)
        self._guards: list[_Guard] = []
        self.reconfigure(limits)

    def _inherit(self, trip: TripMemory) -> None:
        """Of a former run. What ends by itself is looked at anew; a mismatch that was never explained stays,
        although the ledger begins anew. A desk that is no more stops everybody."""
        if resets_of(trip.rule) is Resets.WHEN_OVER:
            return
        self.trips.get(trip.desk, self.trips[ACCOUNT])[trip.rule] = trip
        if trip.rule == MISMATCH:
            self.measures.mismatches[""] = trip.reason

    def reconfigure(self, limits: BreakerLimits) -> None:
        """Other limits, from the next look on. What has warned or tripped stays so."""
        self.limits = limits
        self.measures.limits_are(limits)
        up = {(guard.scope, guard.row.name): guard for guard in self._guards}
        guards = [_Guard(row, ACCOUNT, self.measures) for row in ACCOUNT_ROWS]
        for name, desk in self.measures.desks.items():
            guards += [_Guard(row, name, desk) for row in DESK_ROWS]
        for guard in guards:
            guard.set(limits)
            known = up.get((guard.scope, guard.row.name))
            guard.is_warned = known is not None and known.is_warned
            guard.is_up = guard.is_warned or self._waits_to_heal(guard)
        self._guards = guards
        # Looked at with every Tick and every answer: unpacked beforehand, without the rules that are off.
        self._watched = [
            (guard.row.measure, guard.measures, guard.lowest, guard)
            for guard in guards
            if guard.lowest != NEVER or guard.is_up
        ]

    # -- looking ---------------------------------------------------------------------------------------
    def check(self, now: Nanos) -> Change | None:
        """What is new since the last look; ``None`` if nothing is."""
        change: Change | None = None
        if self.measures.has_new_day:
            change = self._begin_day()
        for measure_of, measures, lowest, guard in self._watched:
            measure = measure_of(measures)
            if measure < lowest and not guard.is_up:
                continue
            change = change or Change()
            self._look(guard, measure, now, change)
        return change if change is not None and (change.trips or change.ended or change.alerts) else None

    def _look(self, guard: _Guard, measure: float, now: Nanos, change: Change) -> None:
        trips, name = self.trips[guard.scope], guard.row.name
        if guard.is_over(measure):
            if name not in trips and self._may_join(guard.row, trips.values()):
                change.trips.append(self.trip_for(name, guard.text(measure), now, guard.scope))
                guard.is_warned = guard.row.is_warned_of
        elif guard.row.heals and name in trips:
            change.ended.append(trips.pop(name))
        if guard.warning != NEVER:
            self._warn(guard, measure, change, is_tripped=name in trips)
        guard.is_up = guard.is_warned or self._waits_to_heal(guard)

    def _warn(self, guard: _Guard, measure: float, change: Change, *, is_tripped: bool) -> None:
        if not guard.is_warned and measure >= guard.warning:
            guard.is_warned = True
            text = f"warning: {guard.text(measure)}"
            change.alerts.append(guard.alert(AlertLevel.WARNING, text, measure))
        elif guard.is_warned and measure < guard.warning * CALM_FRACTION and not is_tripped:
            guard.is_warned = False
            text = f"over: {guard.text(measure)}"
            change.alerts.append(guard.alert(AlertLevel.INFO, text, measure))

    def _waits_to_heal(self, guard: _Guard) -> bool:
        return guard.row.heals and guard.row.name in self.trips[guard.scope]

    @staticmethod
    def _may_join(row: Row[Any], trips: Iterable[TripMemory]) -> bool:
        """Beside those that heal by themselves, only what is harder to end than what is there."""
        hardest = max((resets_of(trip.rule).value for trip in trips if not heals(trip.rule)), default=-1)
        return row.heals or row.resets.value > hardest

    def _begin_day(self) -> Change:
        """The daily losses are those of another day now."""
        self.measures.has_new_day = False
        trips = self.trips[ACCOUNT]
        over = [trip for trip in trips.values() if resets_of(trip.rule) is Resets.NEW_DAY]
        for trip in over:
            del trips[trip.rule]
        return Change(ended=over)

    # -- tripping and ending ----------------------------------------------------------------------------
    def trip_for(self, rule: str, reason: str, now: Nanos, desk: str = ACCOUNT) -> TripMemory:
        """Trip, by a row or for a reason that is none: an operator's halt."""
        trip = self.trips[desk][rule] = TripMemory(rule, reason, now, desk)
        return trip

    def reset(self, desk: str | None = None) -> list[TripMemory]:
        """A person's word, for one desk, the account (``ACCOUNT``) or all (``None``): what was ended. What is
        not a person's to forgive stays: the kill switch, a disk that refuses."""
        ended: list[TripMemory] = []
        for scope in self.trips if desk is None else (desk,):
            over = self._resettable(scope)
            for trip in over:
                del self.trips[scope][trip.rule]
            ended += over
            (self.measures.desks[scope] if scope else self.measures).begin_anew()
            self._calm(scope)
        return ended

    def is_resettable(self, desk: str | None = None) -> bool:
        """Whether `reset` would end anything."""
        return any(self._resettable(scope) for scope in self.trips if desk is None or scope == desk)

    def _resettable(self, scope: str) -> list[TripMemory]:
        trips = self.trips[scope].values()
        return [trip for trip in trips if resets_of(trip.rule) is not Resets.WHEN_OVER]

    def _calm(self, scope: str) -> None:
        for guard in self._guards:
            if guard.scope == scope:
                guard.is_warned = False
                guard.is_up = self._waits_to_heal(guard)

    # -- to be seen ------------------------------------------------------------------------------------
    @property
    def has_stopped_all(self) -> bool:
        """By a trip of the account."""
        return bool(self.trips[ACCOUNT])

    def has_tripped(self, rule: str) -> bool:
        """Whether the account is stopped for this reason, beside others or alone."""
        return rule in self.trips[ACCOUNT]

    def has_stopped(self, desk: str) -> bool:
        return bool(self.trips[ACCOUNT] or self.trips.get(desk))

    @property
    def trip(self) -> TripMemory | None:
        """Why nothing is quoted: the account's first trip, or the first desk's if all desks have tripped."""
        found = _first(self.trips[ACCOUNT])
        desks = [trips for scope, trips in self.trips.items() if scope != ACCOUNT]
        if found is None and desks and all(desks):
            return _first(desks[0])
        return found

    def all_trips(self) -> tuple[TripMemory, ...]:
        return tuple(trip for trips in self.trips.values() for trip in trips.values())

    def picture(self, desk: str = ACCOUNT) -> BreakerPicture:
        """Of the account, or what holds for one desk: its own trips and the account's."""
        scopes = (ACCOUNT, desk) if desk else (ACCOUNT,)
        trips = tuple(trip for scope in scopes for trip in self.trips[scope].values())
        trip = (_first(self.trips[ACCOUNT]) or _first(self.trips[desk])) if desk else self.trip
        guards = [guard for guard in self._guards if guard.scope in scopes]
        return BreakerPicture(
            trading_allowed=trip is None,
            trip_rule=trip.rule if trip else "",
            trip_reason=trip.reason if trip else "",
            trip_ts=trip.ts if trip else 0,
            consecutive_errors=self.measures.calls.errors_in_a_row,
            measures={guard.row.name: float(guard.row.measure(guard.measures)) for guard in guards},
            thresholds={guard.row.name: guard.limit for guard in guards if guard.limit != NEVER},
            recent_errors=tuple(text for _, text in self.measures.recent_errors),
            trips=trips,
        )


def _first(trips: dict[str, TripMemory]) -> TripMemory | None:
    """The kill switch before all others: it says what a person wants."""
    return trips.get("kill_switch") or next(iter(trips.values()), None)
