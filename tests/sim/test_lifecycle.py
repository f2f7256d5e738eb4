"""The life of a market and pauses of the exchange (protocol section 8.1)."""

from __future__ import annotations

import pytest

from mm.sim.switches import Switches
from mm.sim.venue import Venue
from mm.sim.words import Event, LifecycleChanged, Market
from tests.sim.stories import HOUR, MARKET, SECOND, ladder, listen, only, open_venue, place, refused, rest


def test_a_market_opens_and_closes_by_the_clock_and_in_silence() -> None:
    venue = open_venue()
    heard = listen(venue)
    venue.add_market(Market("M2", "KXRAIN-26NOV21", "id2", "later", 10 * SECOND, 20 * SECOND))
    refused(409, "market_not_open", lambda: place(venue, "ann", "bid 1 @ 50", ticker="M2"))
    venue.advance(10 * SECOND)
    order = rest(venue, "ann", "bid 1 @ 50", ticker="M2")
    venue.advance(25 * SECOND)
    assert venue.markets["M2"].status == "closed"
    assert (order.status, order.last_update_reason, order.updated_ns) == (
        "canceled",
        "CloseCancel",
        20 * SECOND,
    )
    assert [one.event_type for one in only(heard, LifecycleChanged)] == ["created"]
    refused(404, "not_found", lambda: venue.cancel("ann", order.order_id))
    venue.check()


def shortly_after() -> Venue:
    """Closes at the hour; what rests is cancelled two seconds later."""
    return open_venue(switches=Switches(close_cancel_after_ns=2 * SECOND))


def test_shortly_after_the_close_orders_rest_out_of_reach() -> None:
    venue = shortly_after()
    order = rest(venue, "ann", "bid 2 @ 50")
    venue.advance(HOUR)
    for what in (
        lambda: venue.cancel("ann", order.order_id),
        lambda: venue.decrease("ann", order.order_id, reduce_by=100),
        lambda: place(venue, "bob", "ask 1 @ 50"),
    ):
        refused(409, "market_not_open", what)
    venue.cancel_all("ann")
    assert ladder(venue) == "50:2 |"
    venue.advance(HOUR + 2 * SECOND)
    assert (order.last_update_reason, order.updated_ns) == ("CloseCancel", HOUR + 2 * SECOND)
    refused(404, "not_found", lambda: venue.cancel("ann", order.order_id))
    venue.check()


def test_what_rests_at_a_close_is_kept_by_a_market_that_opens_again_and_gone_in_one_that_is_decided() -> None:
    venue = shortly_after()
    order = rest(venue, "ann", "bid 2 @ 50")
    venue.advance(HOUR)
    venue.move_close(MARKET, 2 * HOUR)
    venue.advance(2 * HOUR - SECOND)
    assert ladder(venue) == "50:2 |"
    venue.advance(2 * HOUR)
    venue.determine(MARKET, "no")
    assert (order.last_update_reason, ladder(venue)) == ("CloseCancel", "|")
    venue.advance(3 * HOUR)
    venue.check()


@pytest.mark.parametrize(
    ("result", "value", "paid"), [("yes", None, 10_000), ("no", None, 0), ("scalar", 2_500, 2_500)]
)
def test_settlement_pays_after_the_timer(result: str, value: int | None, paid: int) -> None:
    venue = open_venue()
    rest(venue, "ann", "ask 10 @ 50")
    place(venue, "bob", "bid 10 @ 50")
    cash = venue.cash("bob")
    heard = listen(venue)
    venue.advance(HOUR)
    venue.determine(MARKET, result, value)
    assert venue.cash("bob") == cash
    venue.advance(HOUR + 61 * SECOND)
    assert venue.cash("bob") == cash + 1_000 * paid
    market = venue.markets[MARKET]
    assert (market.status, market.result, market.settled_ns) == ("finalized", result, HOUR + 60 * SECOND)
    assert [one.event_type for one in only(heard, LifecycleChanged)] == ["determined", "settled"]
    assert venue.settlements_of("bob")[0].revenue == 1_000 * paid
    assert venue.positions_of("bob")[MARKET].count == 0
    venue.check()


def test_a_scalar_needs_a_value_and_an_early_end_closes_first() -> None:
    venue = open_venue()
    order = rest(venue, "ann", "bid 1 @ 50")
    refused(400, "invalid_result", lambda: venue.determine(MARKET, "scalar"))
    assert venue.markets[MARKET].status == "active" and ladder(venue) == "50:1 |"
    venue.determine(MARKET, "yes")
    assert order.last_update_reason == "CloseCancel"
    venue.settle(MARKET)
    refused(409, "invalid_market_status", lambda: venue.settle(MARKET))
    venue.advance(HOUR)
    assert venue.markets[MARKET].status == "finalized"


def test_resting_orders_survive_a_deactivation_and_die_on_reactivation() -> None:
    venue = open_venue()
    heard = listen(venue)
    crowd = venue.crowd.join("crowd")
    entry = venue.crowd.rest(crowd, MARKET, "ask", 6_000, 500)
    order = rest(venue, "ann", "bid 1 @ 50")
    venue.deactivate(MARKET)
    refused(409, "market_not_open", lambda: place(venue, "ann", "bid 1 @ 50"))
    assert ladder(venue) == "50:1 | 60:5"
    venue.activate(MARKET)
    assert order.last_update_reason == "HaltCancel" and entry.remaining == 0 and ladder(venue) == "|"
    assert [one.event_type for one in only(heard, LifecycleChanged)] == ["deactivated", "activated"]
    rest(venue, "ann", "bid 1 @ 50")
    venue.check()


def test_a_trading_pause_lets_cancels_through() -> None:
    venue = open_venue()
    stays = rest(venue, "ann", "bid 1 @ 50")
    leaves = rest(venue, "ann", "bid 1 @ 49", cancel_on_pause=True)
    venue.pause()
    assert (stays.status, leaves.status) == ("resting", "canceled")
    refused(409, "trading_is_paused", lambda: place(venue, "ann", "bid 1 @ 50"))
    venue.cancel("ann", stays.order_id)
    venue.resume()
    rest(venue, "ann", "bid 1 @ 50")


def test_an_exchange_pause_does_not() -> None:
    venue = open_venue(switches=Switches(trading_is_paused_status=400))
    order = rest(venue, "ann", "bid 1 @ 50")
    venue.pause(exchange=True)
    refused(400, "trading_is_paused", lambda: venue.cancel("ann", order.order_id))
    refused(400, "trading_is_paused", lambda: venue.cancel_all("ann"))
    assert order.status == "resting"


def test_the_close_may_move_both_ways() -> None:
    venue = open_venue()
    heard = listen(venue)
    venue.move_close(MARKET, 2 * HOUR)
    venue.advance(HOUR + SECOND)
    assert venue.markets[MARKET].status == "active"
    venue.move_close(MARKET, HOUR)
    assert venue.markets[MARKET].status == "closed"
    venue.move_close(MARKET, 3 * HOUR)
    rest(venue, "ann", "bid 1 @ 50")
    venue.advance(3 * HOUR)
    assert venue.markets[MARKET].status == "closed"
    kinds = [one.event_type for one in only(heard, LifecycleChanged)]
    assert kinds == ["close_date_updated"] * 3 + ["activated"]


def test_time_does_not_run_backwards() -> None:
    venue = open_venue(start=SECOND)
    with pytest.raises(ValueError, match="cannot go back"):
        venue.advance(0)


def test_things_happen_at_their_own_moments_in_one_long_step() -> None:
    venue = open_venue()
    order = rest(venue, "ann", "bid 1 @ 50", expiration_s=7)
    assert venue.next_timer() == 7 * SECOND
    venue.advance(HOUR)
    assert order.updated_ns == 7 * SECOND and venue.now == HOUR


def test_names_are_taken_once_and_events_come_first() -> None:
    venue = open_venue()
    refused(409, "user_already_exists", lambda: venue.add_account("ann", 0))
    refused(409, "user_already_exists", lambda: venue.crowd.join("ann"))
    refused(400, "invalid_deposit", lambda: venue.add_account("dan", -1))
    orphan = Market("M3", "KXNONE-1", "id", "orphan", 0, HOUR)
    refused(404, "not_found", lambda: venue.add_market(orphan))
    venue.add_event(Event("KXNONE-1", "KXNONE", "no such series"))
    refused(404, "not_found", lambda: venue.add_market(orphan))
    refused(409, "market_already_exists", lambda: venue.add_market(venue.markets[MARKET]))
