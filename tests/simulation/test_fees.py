"""The fees that the bot expects are those that the venue, by its own arithmetic, charges."""

from __future__ import annotations

from collections.abc import Sequence

from mm.app.simulated import Scene
from mm.config.model import Config
from mm.core.actions import Alert, AnyAction
from mm.core.events import AnyEvent, FeeSchedule, MarketStatus
from mm.core.picture import Observed
from mm.drivers.network import STORM


class Listener:
    """Keeps what was alerted."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def on_step(self, event: AnyEvent, actions: Sequence[AnyAction], engine: Observed) -> None:
        self.said += [action.message for action in actions if isinstance(action, Alert)]


def test_no_charge_differs_from_the_schedule_even_when_fills_arrive_late(config: Config) -> None:
    fills, said = 0, []
    for seed in range(400, 406):
        listener = Listener()
        scene = Scene(config, seed, STORM, observers=(listener,))
        scene.run(60)
        fills += scene.witness.fills
        said += [text for text in listener.said if "fee schedule" in text]
    assert said == []
    assert fills > 60


def test_a_schedule_that_we_misread_is_told(config: Config) -> None:
    listener = Listener()
    scene = Scene(config, 400, observers=(listener,))
    wrong = FeeSchedule(taker_ppm=70_000, maker_ppm=50_000)
    tickers = list(scene.engine.know.markets)
    scene.simulation.tell([MarketStatus(scene.simulation.now, ticker, fees=wrong) for ticker in tickers])
    scene.run(60)
    told = [text for text in listener.said if "fee schedule" in text]
    assert told
    assert len(told) == len(set(told)) <= len(tickers)
