"""Words of the core that are on their way: until they are there a halt stands for the kill switch."""

from __future__ import annotations

from typing import Any, Final

import mm.core.events as events
from mm.core.events import Command, CommandKind, Event
from mm.core.units import Nanos

KILL: Final[CommandKind] = getattr(CommandKind, "KILL", CommandKind.HALT)
REVIVE: Final[CommandKind] = getattr(CommandKind, "REVIVE", CommandKind.RESET)


class _Reconfigure(Event, frozen=True, gc=False):
    settings: Any = None


Reconfigure: Any = getattr(events, "Reconfigure", _Reconfigure)


def command(ts: Nanos, kind: CommandKind, reason: str, desk: str) -> Command:
    words: Any = (ts, kind, reason, desk)
    return Command(*words[: len(Command.__struct_fields__)])
