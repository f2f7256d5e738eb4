"""The world of a simulation, as the configuration asks for it: a climate of the crowd, or a tape."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import msgspec

from mm.config.exchange import Simulated
from mm.core.settings import EngineSettings
from mm.core.units import SECOND, Nanos
from mm.sim.exchange import Exchange
from mm.sim.faults import Fault, Faults
from mm.sim.regimes import REGIMES
from mm.sim.tape import Tape, TapePlayer
from mm.sim.venue import Venue
from mm.sim.world import demo_world

# A Monday noon (UTC): no maintenance window near, and the same in every simulation.
BEGIN: Nanos = 1_790_596_800 * SECOND
READ_LAG: Nanos = 300_000_000
USER = "demo"


def simulated_exchange(simulated: Simulated, seed: int, faults: Iterable[Fault] = ()) -> Exchange:
    """An exchange at `BEGIN`, with the account `USER`, its markets and its crowd; every draw is ``seed``'s.

    :raises RecordingError: if there is a tape, and it cannot be used.
    """
    venue = Venue(seed=seed, now=BEGIN)
    exchange = Exchange(
        venue,
        random=Random(f"{seed} stream"),
        read_lag_ns=READ_LAG,
        faults=Faults(list(faults), Random(f"{seed} faults")),
    )
    cash = simulated.balance_dollars.money
    if simulated.tape is None:
        world = demo_world(venue, seed, user_id=USER, cash=cash, regime=REGIMES[simulated.regime])
        exchange.crowds.append(world.flow)
    else:
        tape = Tape.load(simulated.tape)
        venue.add_account(USER, cash)
        dice = Random(f"{seed} tape")
        exchange.crowds.append(TapePlayer(venue, tape, float(simulated.speed), "proportional", dice))
    exchange.advance(BEGIN)
    return exchange


def at_its_speed(simulated: Simulated, settings: EngineSettings) -> EngineSettings:
    """A fast tape is a fast market: strategies measure their time in the market's."""
    if simulated.tape is None:
        return settings
    return msgspec.structs.replace(settings, market_speed_permille=int(simulated.speed * 1_000))
