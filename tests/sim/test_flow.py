"""The simulated crowd: same seed same market, books in order, and a hidden value that comes true."""

from __future__ import annotations

import math
import random
import statistics

import pytest

from mm.sim.flow import NEVER, REGIMES, Flow
from mm.sim.hidden import Belief, Index, normal_cdf
from mm.sim.traders import NoiseTaker, Seat
from mm.sim.venue import Venue
from mm.sim.words import Market
from tests.sim.stories import HOUR, MARKET, SECOND, add_market, open_venue


def run(venue: Venue, flow: Flow, until: int = NEVER) -> None:
    while flow.next_wake() < until:
        venue.advance(flow.next_wake())
        flow.wake(venue.now)


def crowded(regime: str, seed: int = 1) -> tuple[Venue, Flow]:
    venue = open_venue()
    return venue, Flow(venue, [MARKET], random.Random(seed), REGIMES[regime])


@pytest.mark.parametrize("regime", sorted(REGIMES))
def test_every_regime_trades_and_keeps_the_books(regime: str) -> None:
    venue, flow = crowded(regime)
    spreads = []
    for minute in range(1, 20):
        run(venue, flow, minute * 60 * SECOND)
        venue.check()
        best = venue.best(MARKET)
        if best["bid"] and best["ask"]:
            spreads.append(best["ask"][0] - best["bid"][0])
    assert venue.markets[MARKET].volume > 0
    assert 100 <= statistics.median(spreads) <= 500


def test_the_market_ends_as_its_index_does() -> None:
    venue, flow = crowded("index_hour", seed=3)
    run(venue, flow)
    venue.advance(2 * HOUR)
    market = venue.markets[MARKET]
    assert market.status == "finalized" and market.expiration_value is not None
    assert market.result == ("yes" if market.expiration_value >= 0.0 else "no")
    assert flow.next_wake() == NEVER
    venue.check()
    crowd = [account for account in venue.accounts.values() if account.is_crowd]
    lost = sum(10**15 - account.cash for account in crowd)
    assert lost == venue.fees_collected > 0  # among themselves they only lose the fees


def test_the_same_seed_is_the_same_market_and_another_is_not() -> None:
    tapes = []
    for seed in (5, 5, 6):
        venue, flow = crowded("fast_15_minute", seed)
        run(venue, flow, 30 * SECOND)
        tapes.append([(one.now, one.price, one.count, one.taker_side) for one in venue.trades[MARKET]])
    assert tapes[0] == tapes[1] != tapes[2]


def test_the_crowd_comes_back_after_a_reactivation_and_waits_in_a_pause() -> None:
    venue, flow = crowded("index_hour")
    run(venue, flow, 60 * SECOND)
    venue.pause()
    clock = venue.markets[MARKET].clock
    run(venue, flow, 120 * SECOND)
    assert venue.markets[MARKET].clock == clock
    venue.resume()
    venue.deactivate(MARKET)
    venue.activate(MARKET)
    assert venue.best(MARKET) == {"bid": None, "ask": None}
    run(venue, flow, 180 * SECOND)
    assert None not in venue.best(MARKET).values()
    venue.check()


def test_a_moved_close_moves_the_verdict() -> None:
    venue, flow = crowded("quiet")
    venue.move_close(MARKET, 2 * HOUR)
    run(venue, flow, HOUR + SECOND)
    assert venue.markets[MARKET].status == "active"
    run(venue, flow)
    assert venue.markets[MARKET].determined_ns == 2 * HOUR


def belief(floor: float | None, cap: float | None, level: float) -> Belief:
    market = Market("M", "E", "id", "m", 0, HOUR, floor_strike=floor, cap_strike=cap)
    return Belief(market, Index(level, 2.0, 0, random.Random(1)))


def test_the_hidden_probability_is_the_papers_formula() -> None:
    one = belief(100.0, None, 130.0)
    assert one.now(0) == pytest.approx(normal_cdf(30.0 / (2.0 * math.sqrt(3600))), abs=1e-15)
    assert normal_cdf(1.0) == pytest.approx(0.841344746068543, abs=1e-14)


def test_bins_that_cover_everything_sum_to_one() -> None:
    bins = [belief(None, 99.99, 130.0), belief(99.99, 150.0, 130.0), belief(150.0, None, 130.0)]
    assert sum(one.probability(130.0, HOUR // 2) for one in bins) == pytest.approx(1.0, abs=1e-12)
    assert [one.probability(130.0, HOUR) for one in bins] == [0.0, 1.0, 0.0]


def test_the_hidden_probability_is_a_martingale() -> None:
    """Its mean half an hour on is its value now, within 4 standard errors of 4,000 paths."""
    start = belief(100.0, None, 160.0).now(0)
    generator = random.Random(2)
    later = []
    for _ in range(4_000):
        index = Index(160.0, 2.0, 0, generator)
        market = Market("M", "E", "id", "m", 0, HOUR, floor_strike=100.0)
        later.append(Belief(market, index).now(HOUR // 2))
    error = statistics.stdev(later) / math.sqrt(len(later))
    assert abs(statistics.mean(later) - start) < 4 * error


def test_the_index_moves_by_its_volatility_and_remembers() -> None:
    generator = random.Random(3)
    index = Index(0.0, 0.31, 0, generator)
    steps = []
    for second in range(1, 2_001):
        before = index.level
        index.move(second * SECOND)
        steps.append(index.level - before)
    assert statistics.stdev(steps) == pytest.approx(0.31, rel=0.06)
    now = index.level
    assert index.level_at(2_000 * SECOND) == now and index.level_at(1_999 * SECOND) != now
    index.move(0)
    assert index.level == now


def test_informed_takers_win_from_slow_makers() -> None:
    """The adverse selection that a strategy must survive is really there: over seeds, knowing pays."""
    profits = []
    for seed in range(6):
        venue, flow = crowded("toxic", seed)
        run(venue, flow)
        venue.advance(2 * HOUR)
        informed = venue.accounts["crowd-informed"]
        profits.append(sum(one.realized for one in informed.positions.values()))
    assert statistics.mean(profits) > 0


def test_noise_takers_come_to_both_sides_and_accept_a_distance_as_the_law_says() -> None:
    """An ask 2 cents over fair is accepted by e^(-2k) of the buyers, a bid 2 under by as many sellers
    (Avellaneda and Stoikov 2008, section 2.4): within 4 standard errors, half the arrivals each."""
    venue = open_venue()
    maker, taker = venue.crowd.join("maker"), venue.crowd.join("taker")
    still = Index(0.0, 1.0, 0, Still())
    seat = Seat(venue.crowd, taker, Belief(venue.markets[MARKET], still), random.Random(8))
    noise = NoiseTaker(seat, rate=1.0, size=1.0, tolerance_k=0.5, lag_ns=0)
    arrivals, accepted = 6_000, {"bid": 0, "ask": 0}
    quotes = [
        venue.crowd.rest(maker, MARKET, "bid", 4_800, 10**9),
        venue.crowd.rest(maker, MARKET, "ask", 5_200, 10**9),
    ]
    for _ in range(arrivals):
        before = len(venue.trades[MARKET])
        noise.act(0)
        if len(venue.trades[MARKET]) > before:
            accepted[venue.trades[MARKET][-1].taker_side] += 1
    expected = math.exp(-0.5 * 2)
    error = math.sqrt(expected * (1 - expected) / (arrivals / 2))
    for side, count in accepted.items():
        assert abs(count / (arrivals / 2) - expected) < 4 * error, side
    assert all(quote.remaining for quote in quotes)


@pytest.mark.parametrize("yes", [True, False])
def test_where_the_price_has_come_to_its_edge_noise_still_trades(yes: bool) -> None:
    """An ask under a value of nearly a dollar suits every buyer, also one whose tolerance reaches beyond the
    dollar; in the mirror a bid suits every seller. Half of the arrivals are such, to 4 standard errors."""
    venue = open_venue()
    maker, taker = venue.crowd.join("maker"), venue.crowd.join("taker")
    sure = Index(3.0 if yes else -3.0, 1.0 / 60, 0, Still())
    seat = Seat(venue.crowd, taker, Belief(venue.markets[MARKET], sure), random.Random(8))
    noise = NoiseTaker(seat, rate=1.0, size=1.0, tolerance_k=0.5, lag_ns=0)
    venue.crowd.rest(maker, MARKET, "ask" if yes else "bid", 9_900 if yes else 100, 10**9)
    for _ in range(2_000):
        noise.act(0)
    assert abs(len(venue.trades[MARKET]) - 1_000) < 4 * math.sqrt(2_000 / 4)


class Still(random.Random):
    """Dice that always show the middle."""

    def gauss(self, mu: float = 0.0, sigma: float = 1.0) -> float:
        return mu


def test_several_markets_of_one_event_share_one_index() -> None:
    venue = open_venue()
    low, high = add_market(venue, "LOW"), add_market(venue, "HIGH")
    low.floor_strike, high.floor_strike = 90.0, 110.0
    index = Index(100.0, 0.2, 0, random.Random(4))
    flow = Flow(venue, ["LOW", "HIGH"], random.Random(4), REGIMES["quiet"], indices={low.event_ticker: index})
    run(venue, flow)
    assert (low.result, high.result) in {("yes", "yes"), ("yes", "no"), ("no", "no")}
    assert low.expiration_value == high.expiration_value
