"""Reading config.yaml again while the bot runs. A file with a mistake changes nothing; of one without, what a
running engine can take over goes in as one event, and the rest is said to need a restart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import msgspec
from structlog.typing import FilteringBoundLogger

from mm.app.control_words import Answer, refusal
from mm.app.errors import WRONG_CONFIGURATION
from mm.config.errors import ConfigErrors
from mm.config.model import Config
from mm.config.reloadable import Change, changes, merged
from mm.config.settings import engine_settings
from mm.core.actions import Alert, AlertLevel
from mm.core.settings import EngineSettings

CATEGORY: Final = "config_reload"


@dataclass(frozen=True, slots=True)
class Place:
    """What a reload reads, changes and tells. ``reread`` reads and checks the file; ``apply`` brings settings
    into the engine and returns when they hold; ``announce`` is an alert of now."""

    reread: Callable[[], Config]
    settings: Callable[[], EngineSettings]
    apply: Callable[[EngineSettings], Awaitable[None]]
    announce: Callable[[Alert], None]
    log: FilteringBoundLogger


class Reload:
    """Keeps the configuration that is in effect, which after a reload is not wholly that of the file."""

    def __init__(self, config: Config, place: Place) -> None:
        self._config = config
        self._place = place
        self._turn = asyncio.Lock()

    async def __call__(self, reason: str) -> Answer:
        """Read, check, apply, tell. Two at once are one after the other."""
        async with self._turn:
            try:
                wanted = await asyncio.to_thread(self._place.reread)
            except ConfigErrors as problem:
                return self._refused(problem, reason)
            found = changes(self._config, wanted)
            if any(change.is_reloadable for change in found):
                await self._apply(merged(self._config, wanted))
            return self._told(found, reason)

    async def _apply(self, config: Config) -> None:
        """Only what differs: the engine's settings also hold what no file says."""
        before, after = engine_settings(self._config, "", {}), engine_settings(config, "", {})
        different = {
            name: getattr(after, name)
            for name in after.__struct_fields__
            if getattr(after, name) != getattr(before, name)
        }
        await self._place.apply(msgspec.structs.replace(self._place.settings(), **different))
        self._config = config

    def _refused(self, problem: ConfigErrors, reason: str) -> Answer:
        errors = [str(error) for error in problem.errors]
        self._place.log.warning("config_reload_refused", reason=reason, errors=errors)
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        text = f"the configuration is wrong, nothing has changed: {errors[0]}{more}"
        details = (("reason", reason), ("errors", len(errors)))
        self._place.announce(Alert(AlertLevel.WARNING, CATEGORY, text, details=details))
        return {**refusal(WRONG_CONFIGURATION, text), "errors": errors}

    def _told(self, found: list[Change], reason: str) -> Answer:
        applied = [_plain(change) for change in found if change.is_reloadable]
        waiting = [_plain(change) for change in found if not change.is_reloadable]
        self._place.log.info("config_reloaded", reason=reason, applied=applied, needs_restart=waiting)
        text = f"configuration read again: {_words(applied) or 'nothing changed'}"
        if waiting:
            text += f"; needs a restart: {_words(waiting)}"
        self._place.announce(Alert(AlertLevel.INFO, CATEGORY, text, details=(("reason", reason),)))
        return {"ok": True, "applied": applied, "needs_restart": waiting}


def _plain(change: Change) -> dict[str, object]:
    return {"key": change.key, "before": change.before, "after": change.after}


def _words(rows: list[dict[str, object]]) -> str:
    return ", ".join(f"{row['key']} {row['before']} -> {row['after']}" for row in rows)
