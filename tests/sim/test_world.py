"""The demo world: believable, complete, repeatable."""

from __future__ import annotations

import pytest

from mm.sim.exchange import Crowd
from mm.sim.flow import NEVER
from mm.sim.hidden import SECOND
from mm.sim.regimes import REGIMES
from mm.sim.venue import Venue
from mm.sim.world import HOUR, DemoWorld, demo_world

START = 1_795_300_000 * SECOND


def build(seed: int = 1) -> tuple[Venue, DemoWorld]:
    venue = Venue(seed=seed, now=START)
    return venue, demo_world(venue, seed)


def test_what_there_is() -> None:
    venue, world = build()
    fee_types = {series.fee_type for series in venue.series.values()}
    assert fee_types == {"quadratic", "quadratic_with_maker_fees"}
    statuses = [market.status for market in venue.markets.values()]
    assert statuses.count("active") >= 6 and "initialized" in statuses
    assert any(market.price_level_structure == "tapered_deci_cent" for market in venue.markets.values())
    assert venue.cash(world.user_id) == 10_000_000_000
    exclusive = [event for event in venue.events.values() if event.mutually_exclusive]
    assert len(exclusive) == 1
    assert all(market.close_ns > START + 5 * 60 * SECOND for market in venue.markets.values())


@pytest.mark.parametrize("after_the_hour", [0, 1, 29 * 60, 44 * 60, 59 * 60 + 59])
def test_periods_may_begin_with_the_exchange(after_the_hour: int) -> None:
    start = START // HOUR * HOUR + after_the_hour * SECOND
    venue = Venue(seed=1, now=start)
    demo_world(venue, 1, whole_periods=True)
    closes = {market.close_ns - start for market in venue.markets.values()}
    assert closes == {HOUR // 4, HOUR // 2, HOUR, 2 * HOUR}


def test_exactly_one_bin_wins_and_all_is_paid() -> None:
    venue, world = build(2)
    while world.flow.next_wake() < NEVER:
        venue.advance(world.flow.next_wake())
        world.flow.wake(venue.now)
    venue.advance(START + 4 * HOUR)
    venue.check()
    assert {market.status for market in venue.markets.values()} == {"finalized"}
    (event,) = [one.event_ticker for one in venue.events.values() if one.mutually_exclusive]
    results = [market.result for market in venue.markets.values() if market.event_ticker == event]
    assert results.count("yes") == 1 and len(results) == 5


def test_the_same_seed_is_the_same_world() -> None:
    first, second, other = build(1)[0], build(1)[0], build(9)[0]
    assert first.markets == second.markets != other.markets


def test_something_is_open_however_long_it_runs() -> None:
    """Six hours: every quarter of an hour a coin market is open and one to come, every hour the index."""
    venue = Venue(seed=3, now=START)
    world = demo_world(venue, 3, regime=REGIMES["quiet"])
    crowds: tuple[Crowd, ...] = (world.flow, world.programme)
    look = START
    while look < START + 6 * HOUR:
        look += HOUR // 4
        while (crowd := min(crowds, key=lambda one: one.next_wake())).next_wake() <= look:
            venue.advance(max(crowd.next_wake(), venue.now))
            crowd.wake(venue.now)
        venue.advance(look)
        by_series = [
            (venue.events[market.event_ticker].series_ticker, market.status)
            for market in venue.markets.values()
        ]
        assert by_series.count(("KXSIMBTC15M", "active")) == 1
        assert by_series.count(("KXSIMBTC15M", "initialized")) == 1
        assert by_series.count(("KXSIMINX", "active")) >= 6
    venue.check()
