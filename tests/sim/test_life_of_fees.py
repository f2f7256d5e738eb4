"""Fees that change while a market trades: of its series, or of its event alone (protocol section 12)."""

from __future__ import annotations

import pytest

from mm.sim.venue import Venue
from mm.sim.words import Event, EventAdded, EventFeeChanged, Market
from tests.sim.faces import Face
from tests.sim.stories import HOUR, MARKET, SECOND, listen, only, open_venue, place, refused, rest

SERIES, EVENT = "KXRAIN", "KXRAIN-26NOV21"
FULL, HALF = 17_500, 8_750  # money: 0.07 * 1 * .5 * .5 of a dollar, and half of it


def fees_of_one(venue: Venue, ticker: str = MARKET) -> tuple[int, int]:
    """What the taker and the maker of one contract at .50 pay."""
    maker = rest(venue, "ann", "ask 1 @ 50", ticker=ticker)
    taker = place(venue, "bob", "bid 1 @ 50", ticker=ticker).order
    return taker.taker_fees, maker.maker_fees


def test_a_series_changes_at_its_time_and_not_before() -> None:
    venue = open_venue()
    change = venue.schedule_series_fees(SERIES, "quadratic_with_maker_fees", 500_000, 10 * SECOND)
    venue.advance(10 * SECOND - 1)
    assert fees_of_one(venue) == (FULL, 0)
    venue.advance(10 * SECOND)
    assert fees_of_one(venue) == (HALF + 50, 2_200)  # 2,187.5 and the rest of a 1/100 cent
    assert venue.series_fee_changes == [change]
    assert (venue.series[SERIES].fee_type, venue.series[SERIES].fee_multiplier_ppm) == (
        "quadratic_with_maker_fees",
        500_000,
    )
    venue.check()


def test_the_event_goes_before_the_series_until_it_is_cleared() -> None:
    venue = open_venue()
    heard = listen(venue)
    venue.schedule_event_fees(EVENT, None, 0, 10 * SECOND)
    venue.schedule_series_fees(SERIES, "quadratic", 500_000, 20 * SECOND)
    venue.schedule_event_fees(EVENT, None, None, 30 * SECOND)
    paid = []
    for second in (5, 15, 25, 35):
        venue.advance(second * SECOND)
        paid.append(fees_of_one(venue)[0])
    assert paid == [FULL, 0, 0, HALF + 50]
    told = [(one.now // SECOND, one.fee_multiplier_override_ppm) for one in only(heard, EventFeeChanged)]
    assert told == [(10, 0), (30, None)]
    assert [one.fee_multiplier_override_ppm for one in venue.event_fee_changes] == [0, None]


def test_only_the_markets_it_is_about_change() -> None:
    venue = open_venue()
    heard = listen(venue)
    venue.add_event(Event("OTHER", SERIES, "another day"))
    assert [one.event_ticker for one in only(heard, EventAdded)] == ["OTHER"]
    venue.add_market(Market("OTHER-1", "OTHER", "id", "another day", 0, HOUR))
    venue.schedule_event_fees("OTHER", None, 0, 0)
    assert fees_of_one(venue, "OTHER-1") == (0, 0)
    assert fees_of_one(venue, MARKET) == (FULL, 0)


def test_a_time_that_has_come_applies_at_once() -> None:
    venue = open_venue()
    venue.schedule_series_fees(SERIES, "quadratic", 0, 0)
    assert fees_of_one(venue) == (0, 0)


@pytest.mark.parametrize("fee_type", ["flat", "", "margin_market_maker_program_fees"])
def test_a_fee_nobody_can_work_out_is_refused_at_once(fee_type: str) -> None:
    venue = open_venue()
    refused(400, "invalid_fee_type", lambda: venue.schedule_series_fees(SERIES, fee_type, 1, SECOND))
    refused(400, "invalid_fee_multiplier", lambda: venue.schedule_series_fees(SERIES, "quadratic", -1, 1))
    refused(400, "invalid_fee_multiplier", lambda: venue.schedule_event_fees(EVENT, None, -1, 1))
    refused(404, "not_found", lambda: venue.schedule_series_fees("NONE", "quadratic", 1, 1))
    refused(404, "not_found", lambda: venue.schedule_event_fees("NONE", None, None, 1))
    assert venue.series_fee_changes == [] and venue.event_fee_changes == []


def test_who_asks_for_what_has_changed_gets_what_fees_have_changed_of() -> None:
    face = Face()

    def changed(what: str, name: str, query: str = "") -> list[str]:
        since = f"min_updated_ts={face.now // SECOND}{query}"
        return [one[name] for one in face.get(f"/{what}", since)[what]]

    face.wait(SECOND)
    assert changed("series", "ticker") == changed("events", "event_ticker") == []
    face.venue.schedule_series_fees("KXTEST", "quadratic", 500_000, face.now)
    assert changed("series", "ticker") == ["KXTEST"]
    assert changed("events", "event_ticker") == []
    face.wait(SECOND)
    face.venue.schedule_event_fees("KXTEST-27", None, 0, face.now)
    assert changed("events", "event_ticker") == ["KXTEST-27"]
    assert changed("events", "event_ticker", "&series_ticker=KXNONE") == []
    assert changed("series", "ticker") == []
