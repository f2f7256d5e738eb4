"""Samples of frames and their age in; when data begins to be late, and when it is fresh again, out."""

from __future__ import annotations

from mm.core.units import MILLISECOND, SECOND
from mm.kalshi.lateness import QUIET, TOO_OLD, Lateness

CHANGE = b'{"type":"orderbook_delta","sid":1,"seq":2,"msg":{"ts_ms":1}}'
TICKER = b'{"type":"ticker","sid":2,"msg":{"ts_ms":1}}'


def told(lateness: Lateness, ages_ms: list[int], every_ms: int = 100, frame: bytes = CHANGE) -> list[str]:
    """What samples every so often tell: when, in ms, and what."""
    said = []
    for number, age in enumerate(ages_ms):
        ts = START + number * every_ms * MILLISECOND
        event = lateness.looked(age * MILLISECOND, ts, frame)
        if event is not None:
            word = f"late by {event.age // MILLISECOND}" if event.is_late else "fresh"
            said.append(f"{number * every_ms}: {word}")
    return said


START = 1_700_000_000 * SECOND


def test_two_seconds_are_not_late_and_a_moment_more_is() -> None:
    assert told(Lateness(), [2_000] * 50) == []
    assert told(Lateness(), [2_001] * 50) == ["200: late by 2001"]
    assert TOO_OLD == 2 * SECOND


def test_one_odd_frame_is_not_believed() -> None:
    assert told(Lateness(), [50, 9_000, 50, 9_000, 9_000, 50] * 5) == []


def test_it_is_fresh_again_after_a_second_of_nothing_else() -> None:
    lateness = Lateness()
    assert told(lateness, [7_000] * 5 + [7_000, 10] * 5 + [10] * 20) == ["200: late by 7000", "2400: fresh"]


def test_a_ticker_tells_nothing_because_it_may_be_hours_old() -> None:
    assert told(Lateness(), [3_600_000] * 50, frame=TICKER) == []


def test_a_clock_that_is_behind_makes_no_data_late() -> None:
    assert told(Lateness(), [-5_000] * 50) == []


def test_when_nothing_comes_any_more_nothing_is_late() -> None:
    lateness = Lateness()
    told(lateness, [7_000] * 5)
    last = START + 400 * MILLISECOND
    assert lateness.on_time(last + QUIET - 1) is None
    event = lateness.on_time(last + QUIET)
    assert event is not None and not event.is_late
    assert lateness.on_time(last + 2 * QUIET) is None


def test_a_new_connection_begins_anew() -> None:
    lateness = Lateness()
    assert lateness.anew(START) is None
    told(lateness, [7_000] * 5)
    event = lateness.anew(START + SECOND)
    assert event is not None and not event.is_late
    assert told(lateness, [7_000] * 5) == ["200: late by 7000"]
