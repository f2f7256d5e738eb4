"""What is traded on the server: a demo world with a simulated crowd, many busy markets, or a recorded market
played back."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from pathlib import Path

from mm.sim.buckets import TIERS
from mm.sim.exchange import Exchange
from mm.sim.face_switches import FaceSwitches
from mm.sim.load import load_world
from mm.sim.regimes import REGIMES
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


def demo(seed: int, cash: int, regime: str, tier: str = "basic", *, liquidity: bool = False) -> World:
    """The demo world (see `world.demo_world`), starting now. KeyError: no such regime, or tier."""
    venue, exchange = _empty(seed, tier, liquidity)
    world = demo_world(venue, seed, user_id=USER, cash=cash, regime=REGIMES[regime])
    exchange.crowds += [world.flow, world.programme]
    return World(exchange, world.tickers)


def busy(
    markets: int, rate: int, seed: int, cash: int, tier: str = "basic", *, liquidity: bool = False
) -> World:
    """Many markets whose books change ``rate`` times a second in all (see `load`), starting now. KeyError: no
    such tier."""
    venue, exchange = _empty(seed, tier, liquidity)
    load = load_world(venue, seed, markets, rate, user_id=USER, cash=cash)
    exchange.crowds.append(load)
    return World(exchange, list(venue.markets))


def recorded(
    path: Path, speed: float, seed: int, cash: int, tier: str = "basic", *, liquidity: bool = False
) -> World:
    """A recording, starting now. Raises RecordingError for a file that cannot be used, ValueError for a speed
    that is not positive, KeyError for an unknown tier."""
    tape = Tape.load(path)
    venue, exchange = _empty(seed, tier, liquidity)
    venue.add_account(USER, cash)
    player = TapePlayer(venue, tape, speed, "proportional", random.Random(seed))
    exchange.crowds.append(player)
    return World(exchange, list(player.players))


def _empty(seed: int, tier: str, liquidity: bool) -> tuple[Venue, Exchange]:
    venue = Venue(seed=seed, now=time.time_ns())
    return venue, Exchange(
        venue,
        random=random.Random(seed),
        tier=TIERS[tier],
        read_lag_ns=READ_LAG_NS,
        switches=FaceSwitches(liquidity=liquidity),
    )
