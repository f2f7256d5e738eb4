"""When the exchange is planned to rest: its standard hours and maintenance windows as one list of pauses.

Source: protocol section 8 (`GET /exchange/schedule`; hours are wall-clock times of New York).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from mm.core.units import SECOND, Nanos
from mm.kalshi.conversation import Conversation, ReadError, get
from mm.kalshi.numbers import NumberError, parse_time

Span: TypeAlias = tuple[Nanos, Nanos]
DAY: Final[Nanos] = 86_400 * SECOND
# As far ahead as pauses are told; the schedule is read anew long before.
HORIZON: Final[Nanos] = 8 * DAY
# A day that ends at 23:59 and goes on at 00:00 has no pause in between.
SHORTEST: Final[Nanos] = 60 * SECOND
ZONE: Final = "America/New_York"
_CLOCK: Final = re.compile(r"([01]\d|2[0-4]):([0-5]\d)")


class Session(msgspec.Struct, frozen=True):
    open_time: str
    close_time: str


class Week(msgspec.Struct, frozen=True):
    """Valid from ``start_time`` to ``end_time``; a day without sessions is closed. Go writes null for an
    empty list."""

    start_time: str
    end_time: str
    monday: tuple[Session, ...] | None
    tuesday: tuple[Session, ...] | None
    wednesday: tuple[Session, ...] | None
    thursday: tuple[Session, ...] | None
    friday: tuple[Session, ...] | None
    saturday: tuple[Session, ...] | None
    sunday: tuple[Session, ...] | None

    def sessions(self, weekday: int) -> tuple[Session, ...]:
        """``weekday`` as of `datetime.weekday`."""
        days = self.monday, self.tuesday, self.wednesday, self.thursday, self.friday
        return (*days, self.saturday, self.sunday)[weekday] or ()


class Window(msgspec.Struct, frozen=True):
    start_datetime: str
    end_datetime: str


class Schedule(msgspec.Struct, frozen=True):
    standard_hours: tuple[Week, ...] | None
    maintenance_windows: tuple[Window, ...] | None


class _Body(msgspec.Struct):
    schedule: Schedule


_body = msgspec.json.Decoder(_Body).decode


def read_pauses() -> Conversation[tuple[Span, ...]]:
    """The pauses planned from the moment of the answer on, see `pauses_of`.

    :raises ReadError: if it cannot be read, or says something that cannot be.
    """
    response, body = yield from get("/exchange/schedule", _body)
    try:
        return pauses_of(body.schedule, response.ts)
    except NumberError as error:
        raise ReadError(response, "unreadable", str(error)[:300]) from error


def pauses_of(schedule: Schedule, now: Nanos) -> tuple[Span, ...]:
    """(from, until) of every pause that has not ended and begins within `HORIZON`, in order, none touching
    another. Times for which no week is valid are not known, so they are no pauses.

    :raises NumberError: for a time that is none, or a machine that does not know New York's.
    """
    weeks = [(week, _span(week.start_time, week.end_time)) for week in schedule.standard_hours or ()]
    frame = (now - DAY, now + HORIZON + DAY)
    known = _united(_common(span, frame) for _, span in weeks)
    zone = _zone()
    is_open = _united(
        _common(session, span) for week, span in weeks for session in _sessions(week, frame, zone)
    )
    closed = (gap for span in known for gap in _gaps(span, is_open))
    windows = (_span(each.start_datetime, each.end_datetime) for each in schedule.maintenance_windows or ())
    planned = _united([*(gap for gap in closed if gap[1] - gap[0] > SHORTEST), *windows])
    return tuple((begin, end) for begin, end in planned if end > now and begin < now + HORIZON)


def _zone() -> tzinfo:
    try:
        return ZoneInfo(ZONE)
    except (KeyError, OSError) as error:
        raise NumberError(f"this machine does not know the time of {ZONE}") from error


def _span(begin: str, end: str) -> Span:
    return parse_time(begin), parse_time(end)


def _sessions(week: Week, frame: Span, zone: tzinfo) -> Iterator[Span]:
    """Each session of each day that touches the frame. One that ends no later than it begins ends on the next
    day: 00:00 to 00:00 is a whole day."""
    day = datetime.fromtimestamp(frame[0] // SECOND, zone).date() - timedelta(days=1)
    last = datetime.fromtimestamp(frame[1] // SECOND, zone).date()
    while day <= last:
        midnight = datetime(day.year, day.month, day.day)
        for session in week.sessions(day.weekday()):
            begin, end = _clock(session.open_time), _clock(session.close_time)
            if end <= begin:
                end += timedelta(days=1)
            yield _nanos(midnight + begin, zone), _nanos(midnight + end, zone)
        day += timedelta(days=1)


def _clock(text: str) -> timedelta:
    match = _CLOCK.fullmatch(text)
    if match is None or text > "24:00":
        raise NumberError(f"not a time of day: {text[:40]!r}")
    return timedelta(hours=int(match[1]), minutes=int(match[2]))


def _nanos(local: datetime, zone: tzinfo) -> Nanos:
    return int(local.replace(tzinfo=zone).astimezone(UTC).timestamp()) * SECOND


# -- sets of times, as spans in order -----------------------------------------------------------------------
def _common(one: Span, other: Span) -> Span:
    """May be empty: then it ends no later than it begins."""
    return max(one[0], other[0]), min(one[1], other[1])


def _united(spans: Iterable[Span]) -> list[Span]:
    found: list[Span] = []
    for begin, end in sorted(span for span in spans if span[0] < span[1]):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return found


def _gaps(span: Span, covered: list[Span]) -> Iterator[Span]:
    """What of ``span`` is not in ``covered``."""
    at = span[0]
    for begin, end in covered:
        if end <= at or begin >= span[1]:
            continue
        if begin > at:
            yield at, begin
        at = end
    if at < span[1]:
        yield at, span[1]
