"""The weekly maintenance in virtual time, watched at the venue: quotes are out a minute before it, nothing is
placed until it is over, and both ledgers agree afterwards (control C14, invariant I10, fault F36)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random
from typing import TypeVar

from mm.app.discovery import Discovery
from mm.app.trade import factories
from mm.config.load import load_config
from mm.config.settings import engine_settings
from mm.core.engine import Engine
from mm.core.events import TradingHours
from mm.core.units import SECOND
from mm.drivers.journeys import converse
from mm.drivers.network import CALM, Network
from mm.drivers.simulate import Simulation
from mm.kalshi.conversation import Conversation
from mm.kalshi.limiter import Limiter
from mm.kalshi.schedule import read_pauses
from mm.kalshi.session import Session
from mm.kalshi.venue import bucket, read_costs, read_limits
from mm.sim.checks import Witness
from mm.sim.exchange import Exchange
from mm.sim.pauses import window_after
from mm.sim.switches import Switches
from mm.sim.venue import Venue
from mm.sim.world import demo_world

ROOT = Path(__file__).resolve().parents[2]
USER = "demo"
THURSDAY = window_after(1_795_500_000 * SECOND)
BEGIN = THURSDAY.begin - 300 * SECOND
SETTINGS = {
    "KMM__desks__DEFAULT__markets__series": '["KXSIMINX"]',
    "KMM__desks__DEFAULT__params__size_contracts": "1",
}
T = TypeVar("T")


class Night:
    """One bot on an exchange with a weekly pause, from five minutes before it."""

    def __init__(self) -> None:
        config = load_config(ROOT / "config.yaml", SETTINGS)
        self.venue = Venue(seed=1, now=BEGIN, switches=Switches(weekly_pause=True))
        self._exchange = Exchange(self.venue, random=Random("stream"))
        world = demo_world(self.venue, 1, user_id=USER, cash=1_000_000_000)
        self._exchange.crowds += [world.flow, world.programme]
        self._exchange.advance(BEGIN)
        self.witness = Witness(self.venue, USER, config.desks["DEFAULT"].limits.max_position_contracts.units)
        network = Network(CALM, Random("network"))
        self._session = Session([], network.number)
        limiter = Limiter(bucket(self._read(read_limits()).write), self._read(read_costs()))
        self.simulation = Simulation(self._exchange, USER, self._session, limiter, network)
        self.engine = Engine(engine_settings(config, "night", {}), factories(config))
        self.simulation.start(self.engine)
        self.simulation.tell([TradingHours(BEGIN, self._read(read_pauses()))])
        believed = self.engine.know.markets.get
        self._discovery = Discovery(config, self._answer, lambda: self.venue.now, believed)
        self.look_for_markets()

    def look_for_markets(self) -> None:
        events, new = asyncio.run(self._discovery.look())
        self._session.learn([listing.terms for listing in new])
        self.simulation.follow([listing.ticker for listing in new])
        self.simulation.tell(events)

    def live_until(self, moment: int) -> None:
        self.simulation.run_until(moment)

    @property
    def resting(self) -> int:
        return sum(order.status == "resting" for order in self.venue.orders_of(USER))

    @property
    def placed(self) -> int:
        return len(list(self.venue.orders_of(USER)))

    def _read(self, conversation: Conversation[T]) -> T:
        return converse(self._exchange, USER, self.venue.now, conversation)

    async def _answer(self, conversation: Conversation[T]) -> T:
        return self._read(conversation)


def test_the_bot_is_out_of_the_market_a_minute_before_maintenance_and_back_after_it() -> None:
    night = Night()
    night.live_until(THURSDAY.begin - 61 * SECOND)
    assert night.resting, "it quotes until then"
    night.live_until(THURSDAY.begin - 58 * SECOND)
    assert night.resting == 0 and night.engine.picture().mode == "paused"
    placed = night.placed
    night.live_until(THURSDAY.end - 600 * SECOND)
    night.look_for_markets()  # those of before have closed meanwhile
    night.live_until(THURSDAY.end)
    assert (night.placed, night.resting) == (placed, 0)
    assert dict(night.engine.picture().pauses) == {"exchange": "trading is paused by the exchange"}
    assert night.engine.picture().breaker.trading_allowed
    night.live_until(THURSDAY.end + 60 * SECOND)
    assert night.engine.picture().mode == "quoting" and night.resting
    night.simulation.shut_down()
    assert night.simulation.stop is not None and night.simulation.stop.exit_code == 0
    assert night.witness.breaches == []
