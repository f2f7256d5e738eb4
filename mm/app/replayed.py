"""`kmm replay`: the engine that a journal's header describes, fed with the journal."""

from __future__ import annotations

from pathlib import Path

import msgspec

from mm.config.strategies import StrategyNotFound, find_strategy
from mm.core.desk import StrategyFactory
from mm.core.engine import Engine
from mm.core.settings import EngineSettings
from mm.drivers.replay import Replayed, replay
from mm.observe.journal_reader import JournalError, read_journal


class CannotReplay(Exception):
    """The journal, or what it needs, cannot be used; the message says which."""


def replay_journal(path: Path, run: int | None) -> Replayed:
    """Replay one run.

    :raises CannotReplay: if the journal cannot be read as the whole truth, or names a strategy that is gone.
    """
    try:
        header, entries = read_journal(path, run=run)
        settings = msgspec.convert(header["settings"], EngineSettings)
        params = header["params"]
        strategies = {desk.name: _factory(desk.strategy, params[desk.name]) for desk in settings.desks}
        return replay(Engine(settings, strategies), entries)
    except (JournalError, StrategyNotFound, OSError) as problem:
        raise CannotReplay(str(problem)) from problem
    except (KeyError, msgspec.ValidationError) as problem:
        raise CannotReplay(f"{path}: the header does not fit this version: {problem}") from problem


def _factory(name: str, params: object) -> StrategyFactory:
    strategy = find_strategy(name)
    wanted = msgspec.convert(params, strategy.Params)
    return lambda: strategy(wanted)  # type: ignore[call-arg]
