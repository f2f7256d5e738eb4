"""The whole bot against the simulated exchange in virtual time: what one event costs, exchange included."""

from __future__ import annotations

from pathlib import Path

from bench.measure import Case, Row, Spent, compare
from mm.app.simulated import Scene
from mm.config.load import load_config
from mm.config.model import Config
from mm.drivers.network import CALM, STORM, Weather

VIRTUAL_SECONDS = 20.0
ROUNDS = 3
CONFIG = Path(__file__).resolve().parents[1] / "config.yaml"


def _run(config: Config, weather: Weather) -> Case:
    """The same seed each time, so the same events."""

    def case(spent: Spent) -> None:
        scene = Scene(config, seed=1, weather=weather)
        with spent.on(0):
            scene.run(VIRTUAL_SECONDS)
        spent.operations = scene.simulation.events

    return case


def measure() -> list[Row]:
    """The base is a calm network."""
    config = load_config(CONFIG, {})
    return compare("simulate", {"calm": _run(config, CALM), "storm": _run(config, STORM)}, "calm", ROUNDS)
