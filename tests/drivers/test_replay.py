"""A journal replays to the same actions, or to the first difference."""

from __future__ import annotations

from mm.app.simulated import Scene
from mm.app.trade import factories
from mm.config.model import Config
from mm.core.actions import AnyAction, CancelOrder
from mm.core.engine import Engine
from mm.core.events import AnyEvent
from mm.drivers.network import STORM
from mm.drivers.replay import Entry, replay


class Recorder:
    """An observer that keeps a run as a journal would."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def on_step(self, event: AnyEvent, actions: object, engine: object) -> None:
        self.entries.append(event)
        if actions:
            self.entries.append(tuple(actions))  # type: ignore[arg-type]


def recorded(config: Config) -> tuple[list[Entry], Engine]:
    recorder = Recorder()
    scene = Scene(config, 8, STORM, observers=(recorder,))
    scene.run(15)
    return recorder.entries, Engine(scene.engine.settings, factories(config))


def test_a_stormy_run_replays_to_the_same_actions(config: Config) -> None:
    entries, fresh = recorded(config)
    result = replay(fresh, entries)
    assert result.difference is None
    assert result.events > 500
    assert result.actions > 50


def test_the_first_difference_is_named(config: Config) -> None:
    entries, fresh = recorded(config)
    place = next(n for n, entry in enumerate(entries) if isinstance(entry, tuple) and n > 400)
    other: tuple[AnyAction, ...] = (CancelOrder(1, "kmm-never-1", "X", "KXA"),)
    result = replay(fresh, [*entries[:place], other, *entries[place + 1 :]])
    assert result.difference is not None
    assert result.difference.recorded == other
    assert result.difference.replayed == entries[place]
    assert result.difference.event == entries[place - 1]


def test_actions_that_were_never_recorded_are_a_difference(config: Config) -> None:
    entries, fresh = recorded(config)
    place = next(n for n, entry in enumerate(entries) if isinstance(entry, tuple))
    result = replay(fresh, [*entries[:place], *entries[place + 1 :]])
    assert result.difference is not None
    assert result.difference.recorded == ()


def test_a_process_killed_between_the_two_lines_is_no_difference(config: Config) -> None:
    entries, fresh = recorded(config)
    place = next(n for n, entry in enumerate(entries) if isinstance(entry, tuple) and n > 400)
    assert replay(fresh, entries[:place]).difference is None
