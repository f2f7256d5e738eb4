"""The exchange's schedule as a list of pauses; hours are New York's, spans ns since the epoch."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from mm.core.units import SECOND
from mm.kalshi.conversation import ReadError
from mm.kalshi.schedule import ZONE, Span, read_pauses
from tests.kalshi.talk import answer, talk

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ALWAYS = {"start_time": "1970-01-01T00:00:00Z", "end_time": "2100-01-01T00:00:00Z"}
WHOLE_DAY = [{"open_time": "00:00", "close_time": "00:00"}]
HOUR = 3_600 * SECOND


def hours(*sessions: str) -> list[dict[str, str]]:
    """``03:00-05:00``."""
    return [dict(zip(("open_time", "close_time"), each.split("-"), strict=True)) for each in sessions]


def week(**days: Any) -> dict[str, Any]:
    """Open round the clock but for what is said."""
    return {**ALWAYS, **dict.fromkeys(DAYS, WHOLE_DAY), **days}


def at(text: str) -> int:
    """A moment of New York's wall clock is given in UTC by who knows its offset."""
    return int(datetime.fromisoformat(text).timestamp()) * SECOND


def pauses(now: str, weeks: list[Any], windows: tuple[tuple[str, str], ...] = ()) -> tuple[Span, ...]:
    maintenance = [{"start_datetime": begin, "end_datetime": end} for begin, end in windows]
    body = {"schedule": {"standard_hours": weeks, "maintenance_windows": maintenance}}
    response = answer(200, body)
    found, (request,) = talk(read_pauses(), type(response)(at(now), 200, response.body))
    assert request.path == "/exchange/schedule"
    return found


def span(begin: str, end: str) -> Span:
    return at(begin), at(end)


MONDAY = "2026-11-23T12:00:00-05:00"
THURSDAY = span("2026-11-26T03:00:00-05:00", "2026-11-26T05:00:00-05:00")


def test_round_the_clock_has_no_pauses() -> None:
    assert ZONE == "America/New_York"
    assert pauses(MONDAY, [week()]) == ()


def test_hours_and_windows_that_say_the_same_are_one_pause() -> None:
    thursday = hours("00:00-03:00", "05:00-00:00")
    assert pauses(MONDAY, [week(thursday=thursday)]) == (THURSDAY,)
    window = ("2026-11-26T08:00:00Z", "2026-11-26T10:00:00Z")
    assert pauses(MONDAY, [week(thursday=thursday)], (window,)) == (THURSDAY,)
    assert pauses(MONDAY, [week()], (window,)) == (THURSDAY,)
    assert pauses(MONDAY, [], (window,)) == (THURSDAY,), "no hours are no knowledge of hours"


def test_a_pause_that_is_on_is_told_and_one_that_is_over_is_not() -> None:
    thursday = hours("00:00-03:00", "05:00-00:00")
    assert pauses("2026-11-26T04:59:59-05:00", [week(thursday=thursday)])[0] == THURSDAY
    (following,) = pauses("2026-11-26T05:00:00-05:00", [week(thursday=thursday)])
    assert following == (THURSDAY[0] + 168 * HOUR, THURSDAY[1] + 168 * HOUR)


def test_a_session_may_end_on_the_next_day_and_a_day_may_have_none() -> None:
    late = dict.fromkeys(DAYS, hours("08:00-03:00"))
    first, second, *_ = pauses(MONDAY, [week(**late)])
    assert first == span("2026-11-24T03:00:00-05:00", "2026-11-24T08:00:00-05:00")
    assert second[0] == first[0] + 24 * HOUR
    (sunday,) = pauses(MONDAY, [week(sunday=[])])
    assert sunday == span("2026-11-29T00:00:00-05:00", "2026-11-30T00:00:00-05:00")


@pytest.mark.parametrize("end", ["00:00", "24:00", "23:59"])
def test_every_way_to_write_the_end_of_a_day_is_none_of_a_pause(end: str) -> None:
    assert pauses(MONDAY, [week(**dict.fromkeys(DAYS, hours(f"00:00-{end}")))]) == ()


def test_wall_clocks_change_and_the_pause_with_them() -> None:
    """2026-11-01, 02:00: the end of daylight saving time in New York."""
    sunday = hours("00:00-03:00", "05:00-00:00")
    assert pauses("2026-10-31T12:00:00-04:00", [week(sunday=sunday)])[0] == span(
        "2026-11-01T08:00:00+00:00", "2026-11-01T10:00:00+00:00"
    )
    assert pauses("2026-10-24T12:00:00-04:00", [week(sunday=sunday)])[0] == span(
        "2026-10-25T07:00:00+00:00", "2026-10-25T09:00:00+00:00"
    )


def test_a_week_counts_only_while_it_is_valid_and_two_weeks_count_together() -> None:
    ends = {"end_time": "2026-11-25T00:00:00Z"}
    assert pauses(MONDAY, [{**week(thursday=[]), **ends}]) == ()
    assert pauses(MONDAY, [week(thursday=[]), week()]) == ()


@pytest.mark.parametrize(
    "days", [{"monday": hours("25:00-03:00")}, {"monday": hours("24:30-03:00")}, {"start_time": "soon"}]
)
def test_times_that_are_none_are_an_error(days: dict[str, Any]) -> None:
    with pytest.raises(ReadError, match="unreadable"):
        pauses(MONDAY, [week(**days)])


def test_a_schedule_that_cannot_be_read_is_an_error() -> None:
    for wrong in (answer(503, b"<html>"), answer(200, {"schedule": {}}), answer(500)):
        with pytest.raises(ReadError):
            talk(read_pauses(), wrong)


def test_an_empty_list_may_be_written_as_null() -> None:
    """As everywhere in what a Go program writes; a day without sessions is closed all the same."""
    body = {"schedule": {"standard_hours": [week(thursday=None)], "maintenance_windows": None}}
    response = answer(200, body)
    found, _ = talk(read_pauses(), type(response)(at(MONDAY), 200, response.body))
    assert found == (span("2026-11-26T00:00:00-05:00", "2026-11-27T00:00:00-05:00"),)
    nothing = answer(200, {"schedule": {"standard_hours": None, "maintenance_windows": None}})
    assert talk(read_pauses(), nothing)[0] == ()
