"""How markets end: early closes, disputes, amended and scalar results (protocol sections 8.1 and 11)."""

from __future__ import annotations

import pytest

from mm.sim.venue import Venue
from mm.sim.words import LifecycleChanged, Market
from tests.sim.stories import (
    HOUR,
    MARKET,
    SECOND,
    add_market,
    ladder,
    listen,
    only,
    open_venue,
    place,
    refused,
    rest,
)

EVENT = "KXRAIN-26NOV21"


def held() -> Venue:
    """Bob is long and ann short 10 at .50; the market has closed."""
    venue = open_venue()
    rest(venue, "ann", "ask 10 @ 50")
    place(venue, "bob", "bid 10 @ 50")
    venue.advance(HOUR)
    return venue


def state(venue: Venue, ticker: str = MARKET) -> str:
    return venue.markets[ticker].status


def test_an_early_close_is_a_close_now() -> None:
    venue = open_venue()
    heard = listen(venue)
    order = rest(venue, "ann", "bid 1 @ 50")
    venue.advance(60 * SECOND)
    venue.close_early(MARKET)
    market = venue.markets[MARKET]
    assert (market.status, market.close_ns) == ("closed", 60 * SECOND)
    assert order.last_update_reason == "CloseCancel"
    assert [one.event_type for one in only(heard, LifecycleChanged)] == ["close_date_updated"]
    refused(409, "market_not_open", lambda: place(venue, "ann", "bid 1 @ 50"))


def test_a_market_closed_before_it_opened_waits_for_its_opening_again() -> None:
    venue = open_venue()
    venue.add_market(Market("LATER", EVENT, "id", "later", 10 * SECOND, HOUR))
    venue.close_early("LATER")
    venue.move_close("LATER", HOUR)
    assert state(venue, "LATER") == "initialized"
    venue.advance(10 * SECOND)
    assert state(venue, "LATER") == "active"
    rest(venue, "ann", "bid 1 @ 50", ticker="LATER")


def test_a_dispute_holds_the_money_back_until_somebody_decides() -> None:
    venue = held()
    heard = listen(venue)
    venue.determine(MARKET, "yes")
    venue.advance(HOUR + 30 * SECOND)
    venue.dispute(MARKET)
    venue.advance(2 * HOUR)
    market = venue.markets[MARKET]
    assert state(venue) == "disputed" and venue.settlements_of("bob") == []
    refused(409, "invalid_market_status", lambda: venue.settle(MARKET))
    venue.amend_result(MARKET, "no")
    assert (state(venue), market.result, market.settlement_value) == ("amended", "no", 0)
    venue.advance(2 * HOUR + 59 * SECOND)
    assert state(venue) == "amended"
    venue.advance(2 * HOUR + 60 * SECOND)
    assert (state(venue), market.settled_ns) == ("finalized", 2 * HOUR + 60 * SECOND)
    assert venue.settlements_of("bob")[0].revenue == 0
    assert venue.settlements_of("ann")[0].revenue == 10_000_000
    told = [one.event_type for one in only(heard, LifecycleChanged)]
    assert told == ["determined", "determined", "settled"]
    venue.check()


def test_a_result_that_is_upheld_is_paid_after_a_timer_of_its_own() -> None:
    venue = held()
    venue.determine(MARKET, "yes")
    venue.advance(HOUR + 59 * SECOND)
    venue.dispute(MARKET)
    venue.uphold_result(MARKET)
    venue.advance(HOUR + 61 * SECOND)
    assert state(venue) == "determined"
    venue.advance(HOUR + 119 * SECOND)
    assert state(venue) == "finalized"
    assert venue.settlements_of("bob")[0].revenue == 10_000_000
    assert len(venue.settlements_of("bob")) == 1


def test_only_a_determined_market_can_be_disputed_and_only_a_disputed_one_decided() -> None:
    venue = held()
    for act in (venue.dispute, venue.uphold_result, lambda ticker: venue.amend_result(ticker, "yes")):
        refused(409, "invalid_market_status", lambda act=act: act(MARKET))  # type: ignore[misc]
    venue.determine(MARKET, "yes")
    refused(409, "invalid_market_status", lambda: venue.determine(MARKET, "no"))
    refused(409, "invalid_market_status", lambda: venue.amend_result(MARKET, "no"))
    venue.dispute(MARKET)
    refused(400, "invalid_result", lambda: venue.amend_result(MARKET, "scalar", 10_001))
    assert state(venue) == "disputed"
    venue.uphold_result(MARKET)
    venue.settle(MARKET)
    refused(409, "invalid_market_status", lambda: venue.dispute(MARKET))
    refused(409, "invalid_market_status", lambda: venue.move_close(MARKET, 9 * HOUR))


@pytest.mark.parametrize("value", [0, 1, 3_333, 9_999, 10_000])
def test_a_scalar_splits_each_dollar_exactly(value: int) -> None:
    venue = held()
    before = venue.cash("ann") + venue.cash("bob")
    venue.determine(MARKET, "scalar", value)
    venue.settle(MARKET)
    assert venue.settlements_of("bob")[0].revenue == 1_000 * value
    assert venue.settlements_of("ann")[0].revenue == 1_000 * (10_000 - value)
    assert venue.cash("ann") + venue.cash("bob") == before + 10_000_000
    venue.check()


def test_a_finer_grid_keeps_what_rests_and_lets_finer_prices_in() -> None:
    venue = open_venue()
    heard = listen(venue)
    stays = rest(venue, "ann", "bid 1 @ 50")
    refused(400, "invalid_price", lambda: place(venue, "bob", "bid 1 @ 50.5"))
    venue.change_grid(MARKET, "deci_cent")
    rest(venue, "bob", "bid 2 @ 50.5")
    assert stays.status == "resting" and ladder(venue) == "50:1 50.5:2 |"
    market = venue.markets[MARKET]
    assert (market.price_level_structure, market.price_ranges[0].step) == ("deci_cent", 10)
    told = [(one.ticker, one.event_type) for one in only(heard, LifecycleChanged)]
    assert told == [(MARKET, "price_level_structure_updated")]
    venue.check()


def test_a_coarser_grid_leaves_what_does_not_fit_but_lets_nothing_such_in() -> None:
    venue = open_venue(structure="deci_cent")
    between = rest(venue, "ann", "bid 3 @ 50.5")
    venue.change_grid(MARKET, "linear_cent")
    refused(400, "invalid_price", lambda: place(venue, "bob", "bid 1 @ 50.5"))
    refused(
        400,
        "invalid_price",
        lambda: venue.amend("ann", between.order_id, ticker=MARKET, side="bid", price=5_060, count=300),
    )
    venue.amend("ann", between.order_id, ticker=MARKET, side="bid", price=5_050, count=200)
    taken = place(venue, "bob", "ask 1 @ 50")
    assert (taken.average_price, ladder(venue)) == (5_050, "50.5:1 |")
    venue.cancel("ann", between.order_id)
    venue.check()


def test_a_grid_the_documents_do_not_list_changes_nothing() -> None:
    venue = open_venue()
    refused(400, "invalid_price_level_structure", lambda: venue.change_grid(MARKET, "banded"))
    assert venue.markets[MARKET].price_level_structure == "linear_cent"
    add_market(venue, "M2")
    venue.close_early("M2")
    refused(409, "invalid_market_status", lambda: venue.change_grid("M2", "deci_cent"))
