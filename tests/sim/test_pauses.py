"""Pauses by hand, and the maintenance of Thursday night (protocol section 8.1)."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm.sim.pauses import Window, window_after
from mm.sim.switches import Switches
from mm.sim.venue import Venue
from tests.sim.stories import HOUR, MARKET, SECOND, ladder, open_venue, place, refused, rest

DAY = 24 * HOUR
THURSDAY = Window(1_795_680_000 * SECOND, 1_795_687_200 * SECOND)  # 2026-11-26, 08:00 to 10:00 UTC


def new_york(window: Window) -> str:
    try:
        zone = ZoneInfo("America/New_York")
    except ZoneInfoNotFoundError:
        pytest.skip("this machine has no time zone database to compare with")
    begin, end = (datetime.fromtimestamp(one / SECOND, zone) for one in window)
    return f"{begin:%a %H:%M} - {end:%a %H:%M}"


def before_thursday(**switches: bool) -> Venue:
    """Ten minutes before the maintenance; the market is open until an hour after it."""
    venue = open_venue(switches=Switches(weekly_pause=True), start=THURSDAY.begin - 600 * SECOND)
    venue.move_close(MARKET, THURSDAY.end + HOUR)
    return venue


@given(now=st.integers(1_262_304_000 * SECOND, 4_102_444_800 * SECOND))
def test_the_window_is_thursday_three_to_five_in_new_york_summer_and_winter(now: int) -> None:
    window = window_after(now)
    assert new_york(window) == "Thu 03:00 - Thu 05:00"
    assert now < window.end <= now + 7 * DAY + 4 * HOUR


def test_around_the_change_of_clocks() -> None:
    march = [window_after(day * SECOND).begin // SECOND % 86_400 for day in (1_772_668_800, 1_773_273_600)]
    november = [window_after(day * SECOND).begin // SECOND % 86_400 for day in (1_793_232_000, 1_793_836_800)]
    assert march == [8 * 3600, 7 * 3600]
    assert november == [7 * 3600, 8 * 3600]


@pytest.mark.parametrize(
    ("now", "window"),
    [
        (THURSDAY.begin - 6 * DAY, THURSDAY),
        (THURSDAY.begin, THURSDAY),
        (THURSDAY.end - 1, THURSDAY),
        (THURSDAY.end, Window(THURSDAY.begin + 7 * DAY, THURSDAY.end + 7 * DAY)),
    ],
)
def test_a_window_counts_until_its_end(now: int, window: Window) -> None:
    assert window_after(now) == window


def test_thursday_night_stops_trading_for_two_hours_by_itself() -> None:
    venue = before_thursday()
    stays = rest(venue, "ann", "bid 1 @ 50")
    leaves = rest(venue, "ann", "bid 1 @ 49", cancel_on_pause=True)
    venue.advance(THURSDAY.begin - 1)
    assert venue.trading_active and venue.estimated_resume_ns is None
    venue.advance(THURSDAY.begin)
    assert (venue.trading_active, venue.exchange_active) == (False, True)
    assert venue.estimated_resume_ns == THURSDAY.end
    assert (leaves.status, leaves.last_update_reason) == ("canceled", "HaltCancel")
    refused(409, "trading_is_paused", lambda: place(venue, "ann", "bid 1 @ 50"))
    venue.decrease("ann", stays.order_id, reduce_to=50)
    assert ladder(venue) == "50:0.5 |"
    venue.advance(THURSDAY.end)
    assert venue.trading_active and venue.estimated_resume_ns is None
    rest(venue, "ann", "bid 1 @ 50")
    venue.check()


def test_it_comes_every_week_and_costs_nothing_where_it_is_switched_off() -> None:
    venue = before_thursday()
    venue.advance(THURSDAY.begin + 21 * DAY + HOUR)
    assert not venue.trading_active
    venue.advance(THURSDAY.end + 21 * DAY)
    assert venue.trading_active and venue.next_timer() == THURSDAY.begin + 28 * DAY
    without = open_venue(start=THURSDAY.begin + HOUR)
    assert without.trading_active and without.next_timer() == THURSDAY.begin + 2 * HOUR


def test_a_venue_that_begins_inside_the_window_begins_paused() -> None:
    venue = Venue(seed=1, switches=Switches(weekly_pause=True), now=THURSDAY.begin + HOUR)
    assert not venue.trading_active
    venue.advance(THURSDAY.end)
    assert venue.trading_active


def test_neither_reason_ends_the_other() -> None:
    venue = before_thursday()
    venue.pause(exchange=True)
    venue.advance(THURSDAY.end)
    assert not (venue.trading_active or venue.exchange_active)
    venue.resume()
    assert venue.trading_active and venue.exchange_active
    venue.move_close(MARKET, THURSDAY.end + 8 * DAY)
    venue.advance(THURSDAY.begin + 7 * DAY)
    venue.pause()
    venue.resume()
    assert not venue.trading_active
    refused(409, "trading_is_paused", lambda: place(venue, "ann", "bid 1 @ 50"))


def test_an_amend_is_refused_in_a_trading_pause_and_a_decrease_in_an_exchange_pause() -> None:
    venue = open_venue()
    order = rest(venue, "ann", "bid 5 @ 50")
    venue.pause()
    refused(
        409,
        "trading_is_paused",
        lambda: venue.amend("ann", order.order_id, ticker=MARKET, side="bid", price=5_000, count=400),
    )
    venue.decrease("ann", order.order_id, reduce_by=100)
    venue.pause(exchange=True)
    refused(409, "trading_is_paused", lambda: venue.decrease("ann", order.order_id, reduce_by=100))
    refused(409, "trading_is_paused", lambda: venue.cancel("ann", order.order_id))
    assert ladder(venue) == "50:4 |"
    venue.pause()
    venue.cancel("ann", order.order_id)
    venue.check()


def test_an_order_expires_on_time_in_any_pause() -> None:
    venue = open_venue()
    order = rest(venue, "ann", "bid 1 @ 50", expiration_s=7)
    venue.pause(exchange=True)
    venue.advance(7 * SECOND)
    assert (order.status, order.last_update_reason) == ("canceled", "ExpiryCancel")


def test_the_tail_of_a_cancel_all_takes_nothing_in_an_exchange_pause() -> None:
    switches = Switches(cancel_all_tail_ns=SECOND, cancel_all_tail_share=1.0)
    venue = open_venue(switches=switches)
    venue.cancel_all("ann")
    order = rest(venue, "ann", "bid 1 @ 50")
    venue.pause(exchange=True)
    venue.advance(SECOND)
    assert order.status == "resting"
