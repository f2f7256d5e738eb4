"""What the engine is about: a function of what has stopped it, who has paused it and what it knows.

No command and no reset can skip the recovery of the start, or forget somebody else's reason to wait.
"""

from __future__ import annotations

from enum import Enum

from mm.core.knowledge import Knowledge


class Mode(Enum):
    STARTING = "starting"
    QUOTING = "quoting"
    PAUSED = "paused"
    HALTED = "halted"
    CLOSING = "closing"
    CLOSED = "closed"


class Modes:
    """``pauses``: who wants to wait, and why. ``now`` is the mode, as of the last `settle`."""

    def __init__(self, know: Knowledge) -> None:
        self.now = Mode.STARTING
        self.pauses: dict[str, str] = {}
        self._know = know
        self._end: Mode | None = None
        self.settle()

    def settle(self) -> None:
        """Something that matters has changed. Whoever begins to quote looks at every market."""
        before, self.now = self.now, self._found()
        if self.now is Mode.QUOTING and before is not Mode.QUOTING:
            self._know.dirty.update(dict.fromkeys(self._know.markets))

    def end(self, mode: Mode) -> None:
        """``CLOSING`` or ``CLOSED``: from there is no way back."""
        self._end = mode
        self.settle()

    def wait_for(self, whom: str, reason: str) -> None:
        self.pauses[whom] = reason
        self.settle()

    def go_on_without(self, whom: str) -> None:
        self.pauses.pop(whom, None)
        self.settle()

    @property
    def is_ending(self) -> bool:
        return self._end is not None

    def _found(self) -> Mode:
        if self._end is not None:
            return self._end
        if self._know.breaker.has_stopped_all:
            return Mode.HALTED
        if self.pauses:
            return Mode.PAUSED
        return Mode.STARTING if self._know.ledger.opening_cash is None else Mode.QUOTING
