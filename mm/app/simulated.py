"""`kmm simulate`: the configured bot in virtual time, a witness at the venue, a fingerprint at the end."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable
from random import Random
from typing import TypeVar

import msgspec

from mm.app.audit import OpeningNotes, audit
from mm.app.scope import chosen, read_scope
from mm.app.simulated_world import BEGIN as BEGIN
from mm.app.simulated_world import USER, at_its_speed, simulated_exchange
from mm.app.trade import factories
from mm.config.model import Config
from mm.config.settings import engine_settings
from mm.core.actions import QueryAccount
from mm.core.engine import Engine
from mm.core.events import AccountReport, AnyEvent, MarketAssigned, MarketState
from mm.core.settings import EngineSettings
from mm.core.units import SECOND, money_text
from mm.drivers.journeys import converse
from mm.drivers.network import CALM, Network, Weather
from mm.drivers.runner import StepObserver
from mm.drivers.simulate import Simulation
from mm.kalshi.calls import call
from mm.kalshi.conversation import Conversation
from mm.kalshi.limiter import Limiter
from mm.kalshi.listing import MarketListing, to_status
from mm.kalshi.session import Session
from mm.kalshi.venue import bucket, read_costs, read_limits
from mm.sim.auditor import Auditor
from mm.sim.checks import Witness
from mm.sim.faults import Fault

T = TypeVar("T")


class NothingToQuote(Exception):
    """The desks name no market that is open."""


class Result(msgspec.Struct, frozen=True):
    """``checks``: what the witness or the last look found wrong. ``events_per_second``: on this machine."""

    seed: int
    seconds: float
    events: int
    actions: int
    orders: int
    fills: int
    pnl_dollars: str
    fees_dollars: str
    checks: tuple[str, ...]
    digest: str
    events_per_second: int
    stopped: str


class Scene:
    """One bot on one venue, ready to run; every random draw comes from ``seed``.

    ``change`` may alter the engine's settings; ``audited`` has an auditor look at the venue's books after
    every step (``AssertionError``); ``faults`` are the exchange's, as on its port.

    :raises RecordingError: if the configured tape cannot be used.
    :raises NothingToQuote: if no market is open.
    """

    def __init__(
        self,
        config: Config,
        seed: int,
        weather: Weather = CALM,
        *,
        change: Callable[[EngineSettings], EngineSettings] = lambda settings: settings,
        audited: bool = False,
        observers: tuple[StepObserver, ...] = (),
        faults: Iterable[Fault] = (),
    ) -> None:
        simulated = config.exchange.simulated
        self.exchange = simulated_exchange(simulated, seed, faults)
        self.venue, self.user_id = self.exchange.venue, USER
        most = max(desk.limits.max_position_contracts.units for desk in config.desks.values())
        self.witness = Witness(self.venue, self.user_id, most)
        self.notes = OpeningNotes()
        network = Network(weather, Random(f"{seed} network"))
        listings = self._listings(config)
        if not listings:
            raise NothingToQuote("no desk has a market that is open at the start of the simulation")
        session = Session([listing.ticker for _, listing in listings], network.number)
        session.learn([listing.terms for _, listing in listings])
        self.simulation = Simulation(
            self.exchange,
            self.user_id,
            session,
            Limiter(bucket(self.read(read_limits()).write), self.read(read_costs())),
            network,
            config.quoting.min_tick_interval_ms.nanos,
            (Auditor(self.venue).audit,) if audited else (),
        )
        settings = at_its_speed(simulated, engine_settings(config, f"s{seed}", {}))
        self.engine = Engine(change(settings), factories(config))
        self.simulation.start(self.engine, observers=(*observers, self.notes))
        self.simulation.tell([event for name, listing in listings for event in _introduction(name, listing)])

    def read(self, conversation: Conversation[T]) -> T:
        """Ask the exchange at this instant, without a network in between."""
        return converse(self.exchange, self.user_id, self.venue.now, conversation)

    def _listings(self, config: Config) -> list[tuple[str, MarketListing]]:
        """(desk, market) of everything that is quoted; what opens later is left out."""
        taken: dict[str, str] = {}
        found: list[tuple[str, MarketListing]] = []
        for name, desk in config.desks.items():
            listings = {listing.ticker: listing for listing in self.read(read_scope(desk.markets))}
            for ticker in chosen(desk, list(listings.values()), taken, BEGIN):
                if listings[ticker].state is MarketState.ACTIVE:
                    taken[ticker] = name
                    found.append((name, listings[ticker]))
        return found

    def run(self, seconds: float) -> None:
        """So much virtual time, then an orderly end."""
        self.simulation.run_until(BEGIN + int(seconds * SECOND))
        self.simulation.shut_down()

    def wrong(self) -> list[str]:
        """All that the witness saw, and what differs when everything is quiet."""
        found = list(self.witness.breaches)
        stop = self.simulation.stop
        if stop is None or stop.exit_code:
            found.append(f"did not end in order: {stop.reason if stop else 'still running'}")
        if self.notes.opening is None:
            return [*found, "the account was never read"]
        self.exchange.advance(self.venue.now + 2 * SECOND)
        report = self.read(call(QueryAccount(0, self.notes.fills_from, "last look")))
        if not isinstance(report, AccountReport):
            return [*found, f"the account could not be read: {report}"]
        last = audit(self.engine, self.notes, report, self.engine.settings.instance + "-")
        found += [
            f"{line.name}: ours {line.ours}, theirs {line.theirs}" for line in last.lines if line.difference
        ]
        return found + [f"{client_order_id} still rests" for client_order_id in last.resting]


def _introduction(desk: str, listing: MarketListing) -> tuple[AnyEvent, AnyEvent]:
    return MarketAssigned(BEGIN, listing.ticker, desk), to_status(listing, BEGIN)


def simulate(
    config: Config, seconds: float, seed: int, weather: Weather = CALM, faults: Iterable[Fault] = ()
) -> Result:
    """The whole of it; raises as `Scene`. Speed is measured on the processor's clock of this process."""
    scene = Scene(config, seed, weather, faults=faults)
    gc.collect()
    gc.freeze()  # as before live trading: what is here to stay is not searched for garbage again and again
    try:
        began = time.process_time()
        scene.run(seconds)
        took = time.process_time() - began
    finally:
        gc.unfreeze()
    simulation, ledger = scene.simulation, scene.engine.know.ledger
    return Result(
        seed=seed,
        seconds=seconds,
        events=simulation.events,
        actions=simulation.actions,
        orders=scene.witness.orders,
        fills=scene.witness.fills,
        pnl_dollars=money_text(ledger.pnl()),
        fees_dollars=money_text(ledger.fees),
        checks=tuple(scene.wrong()),
        digest=simulation.digest,
        events_per_second=int(simulation.events / took) if took else 0,
        stopped=simulation.stop.reason if simulation.stop else "",
    )
