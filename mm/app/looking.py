"""Tells how the search for markets fares: each failure in the log, and a person if it goes on for
long, because tomorrow's markets would not be found, nor today's settlements learned of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from structlog.typing import FilteringBoundLogger

from mm.core.actions import Alert, AlertLevel
from mm.core.units import SECOND, Nanos
from mm.observe.conditions import Conditions, Say, duration

TOLD_AFTER: Final[Nanos] = 300 * SECOND
KEY: Final = ("looking", "markets")


class Looking:
    """``announce`` takes an alert; ``clock`` as everywhere."""

    def __init__(self, log: FilteringBoundLogger, announce: Say, clock: Callable[[], Nanos]) -> None:
        self._log = log
        self._clock = clock
        self._conditions = Conditions(announce, None)
        self._failing_since: Nanos | None = None

    def remarked(self, text: str) -> None:
        """Worth a line."""
        self._log.warning("api_error", message=f"API error: {text}")

    def failed(self, text: str) -> None:
        """Nothing was learned."""
        self.remarked(text)
        now = self._clock()
        since = self._failing_since = now if self._failing_since is None else self._failing_since
        if now - since >= TOLD_AFTER:
            message = f"the list of markets could not be read for {duration(now - since)}: {text}"
            alert = Alert(AlertLevel.WARNING, "api_errors", message, details=(("subject", "markets"),))
            self._conditions.begin(KEY, alert, now)

    def succeeded(self) -> None:
        """The list is true again."""
        self._failing_since = None
        self._conditions.end(KEY, "the list of markets is read again", self._clock())
