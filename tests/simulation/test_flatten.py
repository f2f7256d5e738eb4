"""A shutdown that closes positions, judged by the venue's own books, in calm and in storm."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from mm.app.simulated import BEGIN, Scene
from mm.config.model import Config
from mm.core.actions import Alert, AnyAction, PlaceOrder
from mm.core.events import AnyEvent
from mm.core.picture import Observed
from mm.core.settings import EngineSettings
from mm.core.units import SECOND
from mm.drivers.network import CALM, STORM, Weather

SECONDS = 30
SEEDS = range(5)


class Notes:
    """How many orders were sent to close positions, and which markets the bot said it could not close."""

    def __init__(self) -> None:
        self.closing_orders = 0
        self.named: set[str] = set()

    def on_step(self, event: AnyEvent, actions: Sequence[AnyAction], engine: Observed) -> None:
        for action in actions:
            self.closing_orders += isinstance(action, PlaceOrder) and action.reduce_only
            if isinstance(action, Alert) and action.category == "flatten":
                self.named.update(name for name, _ in action.details)


BREAKS = Weather(link_breaks_per_hour=240)


def closing(settings: EngineSettings) -> EngineSettings:
    return msgspec.structs.replace(settings, close_on_shutdown=True)


def held(scene: Scene) -> set[str]:
    """In which markets the bot has a position, by the venue's books."""
    positions = scene.venue.accounts[scene.user_id].positions
    return {ticker for ticker, position in positions.items() if position.count}


@pytest.mark.parametrize("weather", [CALM, STORM], ids=["calm", "storm"])
def test_a_shutdown_leaves_nothing_open_that_it_does_not_name(config: Config, weather: Weather) -> None:
    wrong, began_with, left, orders = {}, 0, 0, 0
    for seed in SEEDS:
        notes = Notes()
        scene = Scene(config, seed, weather, change=closing, observers=(notes,))
        scene.simulation.run_until(BEGIN + SECONDS * SECOND)
        began_with += len(held(scene))
        scene.simulation.shut_down()
        scene.venue.check()
        found = scene.wrong()
        if found or held(scene) - notes.named or (notes.named and weather is CALM):
            wrong[seed] = [*found, f"holds {held(scene)}, named {notes.named}"]
        left += len(held(scene))
        orders += notes.closing_orders
    assert not wrong
    assert began_with and orders >= began_with - left, "closing nothing proves nothing"
    assert left * 2 < began_with, "most of what was held is closed"


def flattening(settings: EngineSettings) -> EngineSettings:
    """Any loss of the feed trips the breaker."""
    breaker = msgspec.structs.replace(settings.breaker, feed_lost=SECOND // 10)
    return msgspec.structs.replace(settings, breaker=breaker, flatten_on_feed_lost=True)


def test_a_lost_feed_ends_in_a_halt_without_positions(config: Config) -> None:
    wrong, trips, orders = {}, 0, 0
    for seed in SEEDS:
        notes = Notes()
        scene = Scene(config, seed, BREAKS, change=flattening, observers=(notes,))
        scene.simulation.run_until(BEGIN + 2 * SECONDS * SECOND)
        trip = scene.engine.know.breaker.trip
        trips += trip is not None and trip.rule == "feed_lost_seconds"
        orders += notes.closing_orders
        open_before_the_end = held(scene)
        scene.simulation.shut_down()
        found = scene.wrong()
        if found or (trip is not None and open_before_the_end - notes.named):
            wrong[seed] = [*found, f"holds {open_before_the_end}, named {notes.named}"]
    assert not wrong
    assert trips >= 3 and orders >= trips, "a feed that is never lost proves nothing"
