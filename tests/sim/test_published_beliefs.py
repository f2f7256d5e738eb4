"""What the crowd trades on, and who knows it, against closed forms: digital options, Glosten and Milgrom."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pytest

from mm.sim.fees import FeeTerms
from mm.sim.hidden import Belief, Index, poisson, poisson_chances, poisson_nodes
from mm.sim.regimes import REGIMES, Regime
from mm.sim.traders import InformedTaker, NoiseTaker, Seat
from mm.sim.venue import Venue
from mm.sim.words import PRICE_ONE, Market
from strategies.closed_forms import digital_volatility_cents, glosten_milgrom_quotes
from tests.sim.stories import HOUR, MARKET, SECOND, open_venue

NORMAL = statistics.NormalDist()
SIGMA = 2.0
TRADES = 40_000
CERTAIN = 4.0  # standard deviations from the strike: all but sure, and still a price under a dollar


def path(distance: float, seconds: int, dice: random.Random, floor: float = 0.0) -> Belief:
    """``distance`` standard deviations of the remaining ``seconds`` over the strike, at time 0."""
    market = Market("M", "E", "id", "m", 0, seconds * SECOND, floor_strike=floor)
    return Belief(market, Index(floor + distance * SIGMA * math.sqrt(seconds), SIGMA, 0, dice))


def standard_errors(sample: Sequence[float], expected: float) -> float:
    return abs(statistics.fmean(sample) - expected) / (statistics.stdev(sample) / math.sqrt(len(sample)))


# -- digital options ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("distance", [0.0, 0.7, -1.5])
@pytest.mark.parametrize("seconds", [3_600, 600, 120, 60])
def test_the_hidden_probability_moves_as_a_digital_options_price(distance: float, seconds: int) -> None:
    """Moves of 1/500 of what is left, scaled to a second: their mean square is (phi(d) / sqrt(tau))^2
    within 3 standard errors. Longer moves are no longer Ito's."""
    dice, step = random.Random(seconds), seconds * SECOND // 500
    squares = []
    for _ in range(10_000):
        one = path(distance, seconds, dice)
        move = 100 * (one.now(step) - NORMAL.cdf(distance))
        squares.append(move * move * SECOND / step)
    assert standard_errors(squares, digital_volatility_cents(distance, seconds) ** 2) <= 3


@pytest.mark.parametrize(
    ("seconds", "published"), [(3600, 0.66), (600, 1.63), (120, 3.64), (60, 5.15), (10, 12.6)]
)
def test_one_second_at_the_money_moves_the_published_cents(seconds: int, published: float) -> None:
    """Three standard errors of 10,000 moves are 2 % of their deviation."""
    dice = random.Random(1)
    moves = [100 * (path(0.0, seconds, dice).now(SECOND) - 0.5) for _ in range(10_000)]
    assert statistics.stdev(moves) == pytest.approx(published, rel=0.022)


def test_half_way_from_even_odds_every_probability_is_as_likely() -> None:
    """Phi(Z) of a standard normal Z is uniform: the moments of (0, 1), far beyond Ito's small steps."""
    dice = random.Random(3)
    half = [path(0.0, 3_600, dice).now(1_800 * SECOND) for _ in range(10_000)]
    for power in (1, 2, 3, 4):
        assert standard_errors([one**power for one in half], 1 / (power + 1)) <= 3


# -- a martingale that comes true ---------------------------------------------------------------------------
def lives(count: int, seed: int) -> np.ndarray:
    """Rows of the hidden probability at the start, after 1/4, 3/4 and 99/100 of an hour, and at its end."""
    dice = random.Random(seed)
    moments = (0, HOUR // 4, 3 * HOUR // 4, 99 * HOUR // 100, HOUR)
    starts = (dice.gauss(0.0, 0.8) for _ in range(count))
    beliefs = (path(start, 3_600, dice, floor=4_000.0) for start in starts)
    return np.array([[one.now(moment) for moment in moments] for one in beliefs])


def test_the_hidden_probability_is_a_martingale_that_ends_in_certainty() -> None:
    seen = lives(20_000, seed=11)
    assert set(seen[:, -1]) == {0.0, 1.0}
    for column in range(1, seen.shape[1]):
        assert standard_errors(list(seen[:, column] - seen[:, column - 1]), 0.0) <= 3


@pytest.mark.parametrize("column", [0, 1, 2, 3])
def test_of_what_is_said_to_be_likely_that_share_comes_true(column: int) -> None:
    """Ten bins of the probability: outcomes less forecasts have mean 0 in each, within 3 standard errors."""
    seen = lives(20_000, seed=11)
    said, ended = seen[:, column], seen[:, -1]
    tenth = np.minimum((10 * said).astype(int), 9)
    for number in range(10):
        likely, came = said[tenth == number], ended[tenth == number]
        assert likely.size > 100
        error = math.sqrt(float(np.sum(likely * (1 - likely)))) / likely.size
        assert abs(float((came - likely).mean())) <= 3 * error, number


# -- jumps --------------------------------------------------------------------------------------------------
def jumpy_lives(regime: Regime, count: int, seed: int) -> np.ndarray:
    """As `lives`, with the jumps of a regime: an hour in one to forty steps, whatever the step."""
    dice, market = random.Random(seed), Market("M", "E", "id", "m", 0, HOUR, floor_strike=0.0)
    rows = []
    for number in range(count):
        start = dice.gauss(0.0, 0.8) * SIGMA * 60
        index = Index(
            start,
            SIGMA,
            0,
            dice,
            jumps_per_hour=regime.jumps_per_hour,
            jump_seconds=regime.jump_seconds,
        )
        steps = 1 + number % 40
        half = [HOUR // 2 * step // steps for step in range(steps + 1)]
        one = Belief(market, index)
        rows.append((one.now(0), [one.now(moment) for moment in half][-1], one.now(HOUR)))
    return np.array(rows)


@pytest.mark.parametrize("regime", sorted(REGIMES))
def test_with_jumps_too_what_is_said_to_be_likely_comes_true(regime: str) -> None:
    """Merton's law of the level: a martingale, and ten bins of forecasts that hold, within 3.5 standard
    errors. A belief blind to jumps is far too sure in the toxic climate, where they double the variance."""
    seen = jumpy_lives(REGIMES[regime], 12_000, seed=5)
    for column in (1, 2):
        assert standard_errors(list(seen[:, column] - seen[:, column - 1]), 0.0) <= 3.5
    for column in (0, 1):
        said, ended = seen[:, column], seen[:, 2]
        tenth = np.minimum((10 * said).astype(int), 9)
        for number in range(10):
            likely, came = said[tenth == number], ended[tenth == number]
            error = math.sqrt(float(np.sum(likely * (1 - likely)))) / max(likely.size, 1)
            assert likely.size < 50 or abs(float((came - likely).mean())) <= 3.5 * error, (column, number)


def test_without_jumps_the_law_is_the_plain_one_and_many_small_ones_are_more_of_the_same() -> None:
    dice = random.Random(1)
    plain = Index(0.0, SIGMA, 0, dice)
    assert plain.chance_above(30.0, 400.0) == pytest.approx(NORMAL.cdf(30.0 / (SIGMA * 20)), abs=1e-15)
    many = Index(0.0, SIGMA, 0, dice, jumps_per_hour=360_000, jump_seconds=0.01)  # one more second a second
    assert many.chance_above(30.0, 2.0) == pytest.approx(NORMAL.cdf(30.0 / (SIGMA * 2)), abs=1e-4)


@pytest.mark.parametrize("expected", [5.0, 8.0, 40.0, 480.0])
def test_three_numbers_of_jumps_stand_for_all(expected: float) -> None:
    """Gauss' rule: the mean of every power up to the fifth, and of what jumps of any regime are used for."""
    every, three = list(poisson_chances(expected)), list(poisson_nodes(expected))
    for power in range(6):
        exact = sum(chance * (number / expected) ** power for number, chance in every)
        assert sum(weight * (node / expected) ** power for node, weight in three) == pytest.approx(
            exact, 1e-6
        )
    for jump in (0.001, 0.05, 0.2):  # variance of a jump as a part of that of the time
        for distance in (-3.0, -0.5, 0.0, 1.0, 4.0):
            exact, found = (
                sum(weight * NORMAL.cdf(distance / math.sqrt(1 + jump * jumps)) for jumps, weight in nodes)
                for nodes in (every, three)
            )
            assert found == pytest.approx(exact, abs=3e-5)


@pytest.mark.parametrize("expected", [0.01, 0.7, 12.0])
def test_jumps_are_counted_by_poissons_law(expected: float) -> None:
    dice = random.Random(9)
    numbers = [float(poisson(dice, expected)) for _ in range(20_000)]
    assert standard_errors(numbers, expected) <= 3.5
    assert standard_errors([(one - expected) ** 2 for one in numbers], expected) <= 3.5


# -- Glosten and Milgrom ------------------------------------------------------------------------------------
class Deal(NamedTuple):
    """One trade with a taker; what it earns the maker, dollars a contract."""

    is_buy: bool
    profit: float


class Auction:
    """One maker's quotes, met by the crowd's own takers: the informed, who know the outcome, with a chance
    of ``informed_share``; else noise takers come until one trades. Those look at the middle of the quotes,
    so that they sell as readily as they buy, as the paper's uninformed do."""

    def __init__(self, bid: float, ask: float, informed_share: float, dice: random.Random) -> None:
        self._venue: Venue = open_venue()
        self._share, self._dice = informed_share, dice
        maker, taker = self._venue.crowd.join("maker"), self._venue.crowd.join("taker")
        self._venue.crowd.rest(maker, MARKET, "bid", round(bid * PRICE_ONE), 10**9)
        self._venue.crowd.rest(maker, MARKET, "ask", round(ask * PRICE_ONE), 10**9)
        market = self._venue.markets[MARKET]
        self._truth = Index(0.0, SIGMA, 0, dice)
        scale = SIGMA * math.sqrt((market.close_ns - market.open_ns) / SECOND)
        self._certain = CERTAIN * scale
        middle = Index(NORMAL.inv_cdf((bid + ask) / 2) * scale, SIGMA, 0, dice)
        seat = Seat(self._venue.crowd, taker, Belief(market, middle), dice)
        self._noise = NoiseTaker(seat, rate=1.0, size=1.0, tolerance_k=0.05, lag_ns=0)
        seat = Seat(self._venue.crowd, taker, Belief(market, self._truth), dice)
        self._informed = InformedTaker(seat, rate=1.0, size=1.0, terms=FeeTerms(0, 0))

    def next_deal(self, is_yes: bool) -> Deal:
        self._truth.level = self._certain if is_yes else -self._certain
        taker = self._informed if self._dice.random() < self._share else self._noise
        volume = self._venue.markets[MARKET].volume
        while self._venue.markets[MARKET].volume == volume:
            taker.act(0)
        trade = self._venue.trades[MARKET][-1]
        edge = trade.price / PRICE_ONE - is_yes
        return Deal(True, edge) if trade.taker_side == "bid" else Deal(False, -edge)


def deals(prior: float, share: float, *, wider: float = 0.0) -> list[Deal]:
    bid, ask = glosten_milgrom_quotes(prior, share)
    dice = random.Random(1985)
    auction = Auction(bid - wider, ask + wider, share, dice)
    return [auction.next_deal(dice.random() < prior) for _ in range(TRADES)]


@pytest.mark.parametrize(("prior", "share"), [(0.5, 0.2), (0.3, 0.2), (0.5, 0.5), (0.8, 0.1)])
def test_at_glosten_and_milgroms_quotes_the_crowd_leaves_nothing(prior: float, share: float) -> None:
    assert standard_errors([one.profit for one in deals(prior, share)], 0.0) <= 3


def test_at_even_odds_each_side_is_worth_its_price_and_as_often_met() -> None:
    met = deals(0.5, 0.2)
    assert standard_errors([float(one.is_buy) for one in met], 0.5) <= 3
    for is_buy in (True, False):
        assert standard_errors([one.profit for one in met if one.is_buy is is_buy], 0.0) <= 3


@pytest.mark.parametrize("wider", [0.02, -0.02])
def test_wider_quotes_earn_and_narrower_ones_lose(wider: float) -> None:
    """At even odds the zero-profit spread is the informed share; two cents a side off it, profit says so."""
    bid, ask = glosten_milgrom_quotes(0.5, 0.2)
    assert ask - bid == pytest.approx(0.2, abs=1e-12)
    sample = [one.profit for one in deals(0.5, 0.2, wider=wider)]
    assert standard_errors(sample, 0.0) > 3
    assert (statistics.fmean(sample) > 0) == (wider > 0)
    assert statistics.fmean(sample) == pytest.approx(wider, abs=0.01)
