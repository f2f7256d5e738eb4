"""A slow network and amends that take: the market moves while an amend is on its way, and a quote trades as
a taker. The bot books it as such, keeps its limits, and agrees with the venue at the end (section 5.2).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mm.app.simulated import Scene
from mm.app.simulated_world import USER
from mm.config.load import load_config
from mm.core.units import MILLISECOND
from mm.drivers.network import STORM, Weather
from mm.sim.words import Filled

ROOT = Path(__file__).resolve().parents[2]
SLOW = Weather(delay_mean=400 * MILLISECOND)
SETTINGS = {
    "KMM__circuit_breaker__losing_round_trips": "null",
    "KMM__desks__DEFAULT__strategy": "top_of_book",
}
SECONDS = 60


def taken_by(scene: Scene) -> list[Filled]:
    """What the bot's orders will fill as takers; filled while the scene runs."""
    taken: list[Filled] = []

    def note(fill: Filled) -> None:
        if fill.order.user_id == USER and fill.is_taker:
            taken.append(fill)

    scene.venue.listeners.add(note, Filled)
    return taken


@pytest.mark.parametrize("weather", [SLOW, STORM], ids=["slow", "storm"])
def test_quotes_that_an_amend_made_take_are_booked_as_such(weather: Weather) -> None:
    config = load_config(ROOT / "config.yaml", SETTINGS)
    found: dict[int, list[str]] = {}
    taken: list[Filled] = []
    fills = 0
    for seed in range(700, 704):
        scene = Scene(config, seed, weather, audited=True)
        assert scene.venue.switches.post_only_cross_amend == "take"
        mine = taken_by(scene)
        scene.run(SECONDS)
        scene.venue.check()
        taken += mine
        fills += scene.witness.fills
        if wrong := scene.wrong():
            found[seed] = wrong
    assert not found
    assert fills > 100, "a bot that does not trade proves nothing"
    assert taken, "no amend crossed"
    assert all(one.order.request.post_only and one.order.taker_fees for one in taken)
