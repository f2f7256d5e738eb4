"""Zones of the world as the core can use them: how much later than UTC their clock is, and from when on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from mm.config.section import refused
from mm.core.units import SECOND, Nanos

# Rules of daylight saving are known as far ahead as this; afterwards the last offset stays.
FIRST_YEAR, LAST_YEAR = 2024, 2044
STEP = timedelta(days=1)


def known_zone(name: str) -> str:
    """The name itself, if this machine knows the zone."""
    try:
        _zone(name)
    except (KeyError, OSError, ValueError) as error:
        raise refused("must be a zone that this machine knows, such as UTC or America/New_York") from error
    return name


def zone_offsets(name: str) -> tuple[tuple[Nanos, Nanos], ...]:
    """(from when, offset) in order, the first from the beginning of time; exact to the second."""
    zone = _zone(name)
    before = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
    offsets = [(0, _offset(before, zone))]
    while before.year < LAST_YEAR:
        after = before + STEP
        if _offset(after, zone) != offsets[-1][1]:
            offsets.append((_nanos(_change(before, after, zone)), _offset(after, zone)))
        before = after
    return tuple(offsets)


def _change(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """The second at which the offset becomes that of ``after``."""
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if _offset(middle, zone) == _offset(after, zone):
            after = middle
        else:
            before = middle
    return after


def _zone(name: str) -> tzinfo:
    """UTC needs no data base of zones."""
    return UTC if name == "UTC" else ZoneInfo(name)


def _offset(moment: datetime, zone: tzinfo) -> Nanos:
    offset = moment.astimezone(zone).utcoffset()
    assert offset is not None
    return offset // timedelta(seconds=1) * SECOND


def _nanos(moment: datetime) -> Nanos:
    return int(moment.timestamp()) * SECOND
