"""Series and events over REST: what is told of them, what is asked for beside them, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from mm.sim.face_switches import Ages, FaceSwitches
from mm.sim.rest_numbers import time_text
from mm.sim.words import Event
from tests.sim.faces import OPEN, OTHER, SECOND, START, Client, Face, spec


def test_an_event_is_either_listed_with_its_markets_or_without() -> None:
    both = "with_nested_markets=true&exclude_markets=true"
    refusal = Face().get("/events/KXTEST-26", both, status=400)
    assert refusal["msg"].startswith("Parameter validation failed for GetEvent: ")


def test_events_have_no_state_paused() -> None:
    face = Face()
    assert "'Status' failed on the 'oneof' tag" in face.get("/events", "status=paused", status=400)["msg"]
    assert face.get("/markets", "status=paused")["markets"] == []


def test_a_market_that_is_history_is_no_longer_shown_inside_its_event() -> None:
    face = Face(switches=FaceSwitches(ages=Ages(markets=60 * SECOND)))
    face.venue.determine(OPEN, "yes")
    face.venue.settle(OPEN)

    def shown() -> list[Any]:
        nested = face.get("/events/KXTEST-26", "with_nested_markets=true")["event"]["markets"]
        listed = face.get("/events", "with_nested_markets=true&tickers=KXTEST-26")["events"][0]["markets"]
        beside = face.get("/events/KXTEST-26")["markets"]
        return [[one["ticker"] for one in markets] for markets in (nested, listed, beside)]

    assert shown() == [[OPEN, OTHER]] * 3
    face.wait(61 * SECOND)
    assert shown() == [[OTHER]] * 3


def test_the_volume_of_a_series_is_told_to_who_asks() -> None:
    face = Face()
    for ticker in (OPEN, OTHER):
        face.create("bob", "ask", "0.56", "2.50", ticker=ticker)
        face.create("ann", "bid", "0.56", "2.50", ticker=ticker)
    for path, name in (("/series/KXTEST", "series"), ("/series", "series")):
        asked, plain = face.get(path, "include_volume=true")[name], face.get(path)[name]
        (asked,), (plain,) = ([one] if isinstance(one, dict) else one for one in (asked, plain))
        assert asked["volume_fp"] == "5.00"
        assert "volume_fp" not in plain


def test_series_and_events_say_when_they_last_changed() -> None:
    face = Face()
    assert face.get("/series/KXTEST")["series"]["last_updated_ts"] == time_text(START)
    face.wait(5 * SECOND)
    face.venue.schedule_event_fees("KXTEST-26", "quadratic", 500_000, face.now)
    assert face.get("/events/KXTEST-26")["event"]["last_updated_ts"] == time_text(face.now)


@pytest.mark.parametrize(("exclusive", "netting"), [(True, "MECNET"), (False, "")])
def test_only_events_of_which_one_market_wins_at_most_return_collateral(
    exclusive: bool, netting: str
) -> None:
    face = Face()
    client = Client(face, "ann")
    client.subscribe("market_lifecycle_v2")
    face.venue.add_event(Event("KXTEST-28", "KXTEST", "Who?", mutually_exclusive=exclusive))
    face.exchange.flush()
    event = face.get("/events/KXTEST-28")["event"]
    assert (event["mutually_exclusive"], event["collateral_return_type"]) == (exclusive, netting)
    (added,) = [one["msg"] for one in client.new() if one["type"] == "event_lifecycle"]
    assert added["collateral_return_type"] == netting
    spec("openapi").check(event, "EventData")
