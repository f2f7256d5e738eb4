"""A slow network and an exchange on which an amend that meets the market takes (section 5.2): what a quote
would meet moves while its request is on its way. The bot's quotes never take, however old their picture is.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mm.app.simulated import Scene
from mm.app.simulated_world import USER
from mm.config.load import load_config
from mm.core import diff
from mm.core.order import Order
from mm.core.strategy import Quote
from mm.core.units import MILLISECOND, Nanos
from mm.drivers.network import STORM, Weather
from mm.sim.words import Filled

ROOT = Path(__file__).resolve().parents[2]
SLOW = Weather(delay_mean=400 * MILLISECOND)
SETTINGS = {
    "KMM__circuit_breaker__losing_round_trips": "null",
    "KMM__desks__DEFAULT__strategy": "top_of_book",
}
SECONDS = 60
SEEDS = range(700, 704)


def taken_by(scene: Scene) -> list[Filled]:
    """What the bot's orders will fill as takers; filled while the scene runs."""
    taken: list[Filled] = []

    def note(fill: Filled) -> None:
        if fill.order.user_id == USER and fill.is_taker:
            taken.append(fill)

    scene.venue.listeners.add(note, Filled)
    return taken


def ran(seed: int, weather: Weather) -> tuple[Scene, list[Filled]]:
    scene = Scene(load_config(ROOT / "config.yaml", SETTINGS), seed, weather, audited=True)
    assert scene.venue.switches.post_only_cross_amend == "take"
    taken = taken_by(scene)
    scene.run(SECONDS)
    scene.venue.check()
    return scene, taken


@pytest.mark.parametrize("weather", [SLOW, STORM], ids=["slow", "storm"])
def test_no_quote_ever_takes_however_late_it_arrives(weather: Weather) -> None:
    fills = 0
    for seed in SEEDS:
        scene, taken = ran(seed, weather)
        assert taken == []
        assert scene.wrong() == []
        fills += scene.witness.fills
    assert fills > 100, "a bot that does not trade proves nothing"


def amended(orders: list[Order], wishes: list[Quote], now: Nanos, intents: list[diff.Intent]) -> list[Order]:
    """Every move is an amend."""
    moved = min(len(orders), len(wishes))
    for order in orders[:moved]:
        quote = wishes.pop(0)
        intents.append(diff.Amend(order, quote.price, quote.count, "price"))
    return orders[moved:]


def test_quotes_moved_towards_the_market_by_amends_would_take_and_are_booked_as_such(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the story above would see if the rule were broken; and the books agree all the same."""
    monkeypatch.setattr(diff, "_retreats", amended)
    fills: list[Filled] = []
    for seed in SEEDS:
        scene, taken = ran(seed, SLOW)
        assert scene.wrong() == []
        fills += taken
    assert fills
    assert all(one.order.request.post_only and one.order.taker_fees for one in fills)
