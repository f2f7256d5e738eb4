"""The zone at whose midnight a day begins, as the core is told of it."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from mm.config.errors import ConfigErrors
from mm.config.settings import engine_settings
from mm.config.zones import zone_offsets
from mm.core.days import day_of
from mm.core.units import SECOND
from tests.config.helpers import GOOD, read

ZONES = (
    "UTC",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Africa/Casablanca",
)


@pytest.mark.parametrize("name", ZONES)
def test_the_days_are_those_of_the_calendar(name: str) -> None:
    """Every six hours and a bit, for three years."""
    offsets, zone = zone_offsets(name), ZoneInfo(name)
    epoch = datetime(1970, 1, 1).date()
    for moment in range(1_767_225_600, 1_767_225_600 + 3 * 366 * 86_400, 6 * 3_600 + 61):
        local = datetime.fromtimestamp(moment, UTC).astimezone(zone)
        day, until = day_of(moment * SECOND, offsets)
        assert day == (local.date() - epoch).days, local
        assert day_of(until - 1, offsets)[0] == day, "it lasts as long as was said"


def test_a_day_begins_at_the_second_of_midnight() -> None:
    midnight = int(datetime(2026, 7, 4, tzinfo=ZoneInfo("America/New_York")).timestamp()) * SECOND
    offsets = zone_offsets("America/New_York")
    before, until = day_of(midnight - 1, offsets)
    assert (until, day_of(midnight, offsets)[0]) == (midnight, before + 1)


def test_the_engine_is_told_of_the_configured_zone() -> None:
    config = read(GOOD + "circuit_breaker: {day_zone: America/New_York}\n").config
    assert engine_settings(config, "r", {}).breaker.zone_offsets == zone_offsets("America/New_York")
    assert zone_offsets("UTC") == ((0, 0),)


@pytest.mark.parametrize("name", ["Mars/Olympus", "../etc/passwd", "/etc/localtime", "''"])
def test_a_zone_that_nobody_knows_is_refused(name: str) -> None:
    with pytest.raises(ConfigErrors, match="must be a zone that this machine knows"):
        read(GOOD + f"circuit_breaker: {{day_zone: {name}}}\n")
