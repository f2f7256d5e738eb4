"""What a start must know of the runs before it: read from the breaker's status files, and the rules by which
a trip ends between two runs.

A crash or an automatic restart resets nothing. A run that a person ended in order, and a start after it,
reset what is no loss. A loss needs a person's reason, or, if it was a daily one, the next day: that the
engine sees.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from mm.core.actions import Alert, AlertLevel
from mm.core.breaker_rows import CATEGORY, Resets, resets_of
from mm.core.memory import NOTHING, BreakerMemory, DeskMemory, TripMemory
from mm.core.picture import BreakerPicture
from mm.core.units import SECOND, Nanos
from mm.observe.first_files import last_status, write_status
from mm.observe.status import BreakerStatus

UNKNOWN = "unknown"
Statuses = Mapping[str, BreakerStatus | None]


class Recalled(msgspec.Struct, frozen=True):
    """What the engine is to be given, and what to tell: each trip that stays, or was ended, and by what."""

    memory: BreakerMemory
    alerts: tuple[Alert, ...] = ()


def recall(statuses: Statuses, reset_reason: str = "") -> Recalled:
    """The memory with which to start. ``reset_reason``: a person's, empty if nobody resets anything."""
    memory = remembered(statuses)
    told: tuple[Alert, ...] = ()
    if memory.reset_reason:
        text = f"the breaker was reset while nothing ran: {memory.reset_reason}"
        told = (Alert(AlertLevel.INFO, CATEGORY, text),)
    if memory.trips and reset_reason:
        ended = (_ended(trip, reset_reason) for trip in memory.trips)
        return Recalled(forgiven(memory), (*told, *ended))
    if not memory.stopped:
        return Recalled(memory, (*told, *map(_still, memory.trips)))
    over = [trip for trip in memory.trips if resets_of(trip.rule) is Resets.RESTART]
    kept = tuple(trip for trip in memory.trips if trip not in over)
    word = f"by a stop in order ({memory.stopped}) and this start"
    told += (*(_ended(trip, word) for trip in over), *map(_still, kept))
    return Recalled(msgspec.structs.replace(memory, trips=kept, errors_in_a_row=0), told)


def remembered(statuses: Statuses) -> BreakerMemory:
    """What the files say together: the newest memory, what only a desk's own file knows of it, and every trip
    that no memory explains (a file that cannot be read, one of an older version): in doubt it is tripped."""
    known = {name: status for name, status in statuses.items() if status is not None}
    newest = max(filter(None, (status.memory for status in known.values())), key=_saved_at, default=NOTHING)
    trips = [trip for trip in newest.trips if not trip.desk or trip.desk in known]
    desks = dict(newest.desks)
    for name, status in known.items():
        own = status.memory
        if own is not None and name not in newest.desks:
            trips += [trip for trip in own.trips if trip.desk == name]
            desks[name] = own.desks.get(name, DeskMemory())
        elif own is None and not status.is_open:
            trips.append(_unexplained(status))
    lasting = tuple(trip for trip in trips if resets_of(trip.rule) is not Resets.WHEN_OVER)
    return msgspec.structs.replace(newest, trips=lasting, desks=desks)


def forgiven(memory: BreakerMemory, desk: str = "") -> BreakerMemory:
    """After a person's reset, of one desk or of everything: losses count from here, rows of bad luck anew."""
    desks = {
        name: DeskMemory(known.pnl, known.pnl, 0) if desk in ("", name) else known
        for name, known in memory.desks.items()
    }
    if desk:
        trips = tuple(trip for trip in memory.trips if trip.desk != desk)
        return msgspec.structs.replace(memory, trips=trips, desks=desks)
    return msgspec.structs.replace(
        memory,
        trips=(),
        errors_in_a_row=0,
        losing_streak=0,
        pnl_floor_base=memory.pnl,
        day_base=memory.pnl,
        day_equity=None,
        week_base=memory.pnl,
        desks=desks,
    )


def reset_files(
    home: Path, names: Iterable[str], reason: str, now: Nanos, desk: str = ""
) -> tuple[TripMemory, ...]:
    """A person's reset while nothing runs; the caller holds the lock. What was ended; if that is nothing,
    nothing is written. The next start tells the reason.

    :raises StorageError: if a file cannot be replaced; those before it are.
    """
    statuses = {name: last_status(home, name) for name in names}
    memory = remembered(statuses)
    after = forgiven(memory, desk)
    ended = tuple(trip for trip in memory.trips if trip not in after.trips)
    after = msgspec.structs.replace(after, saved_at=now, reset_reason=reason)
    for name in statuses if ended else ():
        write_status(home, name, _picture(after, name), now, after)
    return ended


def _picture(memory: BreakerMemory, desk: str) -> BreakerPicture:
    trip = next((trip for trip in memory.trips if trip.desk in ("", desk)), None)
    if trip is None:
        return BreakerPicture(True, "", "", 0, memory.errors_in_a_row, {}, {}, ())
    return BreakerPicture(False, trip.rule, trip.reason, trip.ts, memory.errors_in_a_row, {}, {}, ())


def _saved_at(memory: BreakerMemory) -> Nanos:
    return memory.saved_at


def _unexplained(status: BreakerStatus) -> TripMemory:
    reason = status.trip_reason or "tripped before this start"
    return TripMemory(status.trip_rule or UNKNOWN, reason, int((status.trip_time or 0) * SECOND))


def _still(trip: TripMemory) -> Alert:
    or_a_day = ", or a new day does" if resets_of(trip.rule) is Resets.NEW_DAY else ""
    text = (
        f"no trading: {_whose(trip)} is still tripped: {trip.reason}; "
        f'a person resets it with kmm breaker reset --reason "..."{or_a_day}'
    )
    return Alert(AlertLevel.CRITICAL, CATEGORY, text, trip.desk, (("rule", trip.rule),))


def _ended(trip: TripMemory, by: str) -> Alert:
    text = f"{_whose(trip)} is reset ({trip.reason}): {by}"
    return Alert(AlertLevel.INFO, CATEGORY, text, trip.desk, (("rule", trip.rule),))


def _whose(trip: TripMemory) -> str:
    return f"the breaker of desk {trip.desk}" if trip.desk else "the breaker"
