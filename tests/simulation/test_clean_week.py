"""A long calm life trips nothing: days of virtual time without a fault, markets that open, close and settle.

A breaker that stops for nothing is switched off by its owner, and then stops for nothing. A loss is not
nothing: orders are so small that luck alone cannot lose what the rules about losses allow, and five losing
round trips in a row, which a week of hundreds will have, are left out. One day in the ordinary suite; the
whole week with ``KMM_TEST_CLEAN_DAYS=7`` (about twenty minutes).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import TypeVar

import pytest

from mm.app.audit import OpeningNotes, audit
from mm.app.discovery import Discovery
from mm.app.trade import factories
from mm.config.load import load_config
from mm.config.model import Config
from mm.config.settings import engine_settings
from mm.core.actions import Alert, AlertLevel, AnyAction, QueryAccount
from mm.core.engine import Engine, Mode
from mm.core.events import AccountReport, AnyEvent, Fill
from mm.core.picture import Observed
from mm.core.units import SECOND
from mm.drivers.journeys import converse
from mm.drivers.network import CALM, Network
from mm.drivers.simulate import Simulation
from mm.kalshi.calls import call
from mm.kalshi.conversation import Conversation
from mm.kalshi.limiter import Limiter
from mm.kalshi.session import Session
from mm.kalshi.venue import bucket, read_costs, read_limits
from mm.sim.checks import Witness
from mm.sim.exchange import Exchange
from mm.sim.regimes import REGIMES
from mm.sim.venue import Venue
from mm.sim.world import demo_world

ROOT = Path(__file__).resolve().parents[2]
T = TypeVar("T")
DAYS = float(os.environ.get("KMM_TEST_CLEAN_DAYS", "0.6"))
BEGIN = 1_790_596_800 * SECOND  # a Monday noon (UTC)
MINUTE = 60 * SECOND
LOOK_FOR_MARKETS_EVERY = 5 * MINUTE
SMALL = {
    "KMM__circuit_breaker__losing_round_trips": "null",
    "KMM__desks__DEFAULT__params__size_contracts": "1",
    "KMM__desks__DEFAULT__limits__max_position_contracts": "5",
}
USER = "demo"
CASH = 1_000_000_000  # a thousand dollars
# A market that nobody watches, with fewer messages still, so that a day costs seconds.
SLEEPY = replace(
    REGIMES["quiet"],
    name="sleepy",
    requote_ns=30 * SECOND,
    noise_rate=0.01,
    informed_rate=1e-4,
    jumps_per_hour=0,
)


class Life:
    """One bot with the default configuration, on an exchange whose markets follow one another."""

    def __init__(self, config: Config, seed: int) -> None:
        self.critical: list[Alert] = []
        self.fills = self.markets_at_once = self.followed_at_once = 0
        self.notes = OpeningNotes()
        self.venue = Venue(seed=seed, now=BEGIN)
        self._exchange = Exchange(self.venue, random=Random(f"{seed} stream"))
        world = demo_world(self.venue, seed, user_id=USER, cash=CASH, regime=SLEEPY)
        self._exchange.crowds += [world.flow, world.programme]
        self._exchange.advance(BEGIN)
        self._discovery = Discovery(
            config, self._answer, lambda: self.venue.now, lambda ticker: self.engine.know.markets.get(ticker)
        )
        most = max(desk.limits.max_position_contracts.units for desk in config.desks.values())
        self.witness = Witness(self.venue, USER, most)
        network = Network(CALM, Random(f"{seed} network"))
        self._session = Session([], network.number)
        limiter = Limiter(bucket(self._read(read_limits()).write), self._read(read_costs()))
        interval = config.quoting.min_tick_interval_ms.nanos
        self.simulation = Simulation(self._exchange, USER, self._session, limiter, network, interval)
        self.engine = Engine(engine_settings(config, f"s{seed}", {}), factories(config))
        self.simulation.start(self.engine, observers=(self.notes, self))

    def on_step(self, event: AnyEvent, actions: Sequence[AnyAction], engine: Observed) -> None:
        self.fills += isinstance(event, Fill)
        alerts = [action for action in actions if isinstance(action, Alert)]
        self.critical += [alert for alert in alerts if alert.level is AlertLevel.CRITICAL]

    def live(self, days: float) -> None:
        """Until then, or until it trips; every few minutes it hears of markets that are new or over."""
        end = BEGIN + int(days * 24 * 60) * MINUTE
        while self.simulation.now < end and self.engine.picture().breaker.trading_allowed:
            self._look_for_markets()
            self.simulation.run_until(min(end, self.simulation.now + LOOK_FOR_MARKETS_EVERY))

    def end(self) -> list[str]:
        """An operator's stop; what the witness saw, and what the two ledgers do not agree on."""
        assert self.engine.mode is Mode.QUOTING, self.engine.mode
        self.simulation.shut_down()
        stop = self.simulation.stop
        assert stop is not None and stop.exit_code == 0, stop
        self._exchange.advance(self.venue.now + 2 * SECOND)
        assert self.notes.opening is not None
        report = self._read(call(QueryAccount(0, self.notes.fills_from, "last look")))
        assert isinstance(report, AccountReport), report
        last = audit(self.engine, self.notes, report, self.engine.settings.instance + "-")
        return [*self.witness.breaches, *(str(line) for line in last.lines if line.difference), *last.resting]

    def _look_for_markets(self) -> None:
        events, new = asyncio.run(self._discovery.look())
        if new:
            self._session.learn([listing.terms for listing in new])
            self.simulation.follow([listing.ticker for listing in new])
        self.simulation.tell(events)
        self.simulation.leave(self._discovery.forget(self.engine.has_retired))
        self.markets_at_once = max(self.markets_at_once, len(self.engine.know.markets))
        self.followed_at_once = max(self.followed_at_once, len(self._session.tickers))

    def _read(self, conversation: Conversation[T]) -> T:
        return converse(self._exchange, USER, self.venue.now, conversation)

    async def _answer(self, conversation: Conversation[T]) -> T:
        return self._read(conversation)

    @property
    def markets(self) -> int:
        """How many there were, in all."""
        know = self.engine.know
        return len(know.markets) + sum(markets.count for markets in know.retired.of_desk.values())


@pytest.fixture(scope="module")
def config() -> Config:
    return load_config(ROOT / "config.yaml", SMALL)


@pytest.mark.timeout(300 + 300 * DAYS)
def test_a_calm_week_trips_nothing_and_the_books_agree(config: Config) -> None:
    life = Life(config, seed=1)
    life.live(DAYS)
    breaker = life.engine.picture().breaker
    assert breaker.trading_allowed, breaker.trip_reason
    assert life.critical == []
    assert breaker.recent_errors == ()
    assert life.markets > 150 * DAYS
    assert life.markets_at_once < 20, "what is over is let go"
    assert life.followed_at_once < 20, "and no longer followed"
    assert life.fills > 100 * DAYS, "a life in which nothing happens proves nothing"
    assert life.end() == []
