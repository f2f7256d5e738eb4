"""Simulated order flow: turns the crowd's members in order of time, under a virtual or a real clock."""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Mapping, Sequence

from mm.sim.hidden import SECOND, Belief, Index
from mm.sim.ledger import Account
from mm.sim.regimes import REGIMES, Regime
from mm.sim.traders import InformedTaker, Maker, NoiseTaker, Referee, Seat, Trader
from mm.sim.venue import Venue
from mm.sim.words import Market

NEVER = 2**63 - 1
__all__ = ["NEVER", "REGIMES", "Flow", "Regime"]


class Flow:
    """The crowd of some markets.

    ``indices`` gives the hidden index by event ticker, in the units of the markets' strikes; an event
    without one gets an index of its own for each market, whose start makes the hidden probability uniform
    between .25 and .75. Crowd members are accounts of the venue, one for each kind. The owner moves the
    venue's clock (`Venue.advance`) before it calls `wake`."""

    def __init__(
        self,
        venue: Venue,
        markets: Sequence[str],
        generator: random.Random,
        regime: Regime,
        *,
        indices: Mapping[str, Index] | None = None,
    ) -> None:
        self._venue, self._random, self._regime = venue, generator, regime
        self._indices = dict(indices or {})
        self._queue: list[tuple[int, int, Trader]] = []
        self._numbers = 0
        self.beliefs: dict[str, Belief] = {}
        self._makers = [venue.crowd.join(f"crowd-maker-{number}") for number in range(regime.makers)]
        self._noise = venue.crowd.join("crowd-noise")
        self._informed = venue.crowd.join("crowd-informed")
        for ticker in markets:
            self._populate(venue.markets[ticker])

    def next_wake(self) -> int:
        """When somebody next wants to act; NEVER once all markets are over."""
        return self._queue[0][0] if self._queue else NEVER

    def wake(self, now: int) -> None:
        """Let everybody act whose time has come, in order of time."""
        while self._queue and self._queue[0][0] <= now:
            when, _, trader = heapq.heappop(self._queue)
            again = trader.act(max(when, self._venue.now))
            if again is not None:
                self._plan(again, trader)

    def add(self, ticker: str, index: Index) -> None:
        """The crowd comes to one more market of the venue."""
        market = self._venue.markets[ticker]
        self._indices[market.event_ticker] = index
        self._populate(market)

    def _plan(self, when: int, trader: Trader) -> None:
        self._numbers += 1
        heapq.heappush(self._queue, (when, self._numbers, trader))

    def _populate(self, market: Market) -> None:
        regime = self._regime
        belief = Belief(market, self._index_of(market))
        self.beliefs[market.ticker] = belief
        start = max(market.open_ns, self._venue.now)
        for account in self._makers:
            self._plan(start, Maker(self._seat(account, belief), regime))
        noise = NoiseTaker(
            self._seat(self._noise, belief),
            rate=regime.noise_rate,
            size=regime.noise_size,
            tolerance_k=regime.tolerance_k,
            lag_ns=regime.maker_lag_ns,
        )
        informed = InformedTaker(
            self._seat(self._informed, belief),
            rate=regime.informed_rate,
            size=regime.informed_size,
            terms=self._venue.fee_terms(market.ticker),
        )
        for taker in (noise, informed):
            first = start + taker.pause()
            if first < market.close_ns:
                self._plan(first, taker)
        self._plan(market.close_ns, Referee(self._venue.determine, belief))

    def _seat(self, account: Account, belief: Belief) -> Seat:
        return Seat(self._venue.crowd, account, belief, self._random)

    def _index_of(self, market: Market) -> Index:
        index = self._indices.get(market.event_ticker)
        if index is not None:
            return index
        seconds = max(market.close_ns - self._venue.now, SECOND) / SECOND
        strike = market.floor_strike or 0.0
        start = strike + self._random.uniform(-0.67, 0.67) * math.sqrt(seconds)
        return Index(
            start,
            1.0,
            self._venue.now,
            self._random,
            jumps_per_hour=self._regime.jumps_per_hour,
            jump_seconds=self._regime.jump_seconds,
        )
