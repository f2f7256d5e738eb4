"""What is traded on the server: a demo world with a simulated crowd, many busy markets, or a recorded market
played back."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from pathlib import Path

from mm.sim.buckets import TIERS
from mm.sim.exchange import Exchange
from mm.sim.face_switches import FaceSwitches
from mm.sim.faults import Faults
from mm.sim.load import load_world
from mm.sim.regimes import REGIMES
from mm.sim.switches import Switches
from mm.sim.tape import Tape, TapePlayer
from mm.sim.venue import Venue
from mm.sim.world import demo_world

READ_LAG_NS = 300_000_000
USER = "demo"


@dataclass(frozen=True, slots=True)
class World:
    """An exchange with its crowd, the account ``USER`` in it, and the tickers of its markets."""

    exchange: Exchange
    markets: list[str]


@dataclass(frozen=True, slots=True)
class Terms:
    """What worlds have in common. ``cash`` is what ``USER`` starts with; ``tier`` a name of `TIERS`;
    ``whole_periods`` is for the demo world alone."""

    seed: int
    cash: int
    tier: str = "basic"
    whole_periods: bool = False
    rules: Switches = field(default_factory=Switches)
    faces: FaceSwitches = field(default_factory=FaceSwitches)

    def exchange(self) -> Exchange:
        """An empty one, starting now. Raises KeyError for an unknown tier."""
        return Exchange(
            Venue(seed=self.seed, switches=self.rules, now=time.time_ns()),
            random=random.Random(self.seed),
            tier=TIERS[self.tier],
            read_lag_ns=READ_LAG_NS,
            faults=Faults(random=random.Random(f"{self.seed} faults")),
            switches=self.faces,
        )


def demo(terms: Terms, regime: str) -> World:
    """The demo world (see `world.demo_world`). KeyError: no such regime, or tier."""
    exchange = terms.exchange()
    world = demo_world(
        exchange.venue,
        terms.seed,
        user_id=USER,
        cash=terms.cash,
        regime=REGIMES[regime],
        whole_periods=terms.whole_periods,
    )
    exchange.crowds += [world.flow, world.programme]
    return World(exchange, world.tickers)


def busy(terms: Terms, markets: int, rate: int) -> World:
    """Many markets whose books change ``rate`` times a second in all (see `load`). KeyError: no such tier."""
    exchange = terms.exchange()
    load = load_world(exchange.venue, terms.seed, markets, rate, user_id=USER, cash=terms.cash)
    exchange.crowds.append(load)
    return World(exchange, list(exchange.venue.markets))


def recorded(terms: Terms, path: Path, speed: float) -> World:
    """A recording. Raises RecordingError for a file that cannot be used, ValueError for a speed that is not
    positive, KeyError for an unknown tier."""
    tape = Tape.load(path)
    exchange = terms.exchange()
    exchange.venue.add_account(USER, terms.cash)
    player = TapePlayer(exchange.venue, tape, speed, "proportional", random.Random(terms.seed))
    exchange.crowds.append(player)
    return World(exchange, list(player.players))
