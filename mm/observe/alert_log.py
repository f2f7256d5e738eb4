"""Alerts as lines of the log, each at once, in the manual's own words.

Their lines do not wait among those of the steps: a line of those that cannot be rendered stops no alert.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial

from structlog.typing import FilteringBoundLogger

from mm.core.actions import Alert, AlertLevel
from mm.core.units import Nanos

LEVEL_OF = {AlertLevel.INFO: "info", AlertLevel.WARNING: "warning", AlertLevel.CRITICAL: "critical"}
# Where the manual has a word of its own for what the bot alerts of.
WORD_OF = {"position_limit": "position_limit_approaching", "exposure": "exposure_high"}


class AlertLog:
    """A record of alerts."""

    def __init__(self, logger: FilteringBoundLogger) -> None:
        self._logger = logger
        self._waiting: deque[Callable[[], object]] = deque()

    def send(self, alert: Alert, ts: Nanos) -> None:
        """Remembered like every line of the log."""
        is_trip = alert.category == "circuit_breaker" and alert.level is AlertLevel.CRITICAL
        word = "circuit_breaker_triggered" if is_trip else WORD_OF.get(alert.category, alert.category)
        fields: dict[str, object] = {"message": alert.message, "details": dict(alert.details)}
        if alert.desk:
            fields["desk"] = alert.desk
        say = getattr(self._logger, LEVEL_OF[alert.level])
        self._waiting.append(partial(say, word, ts=ts, logger="alerts", **fields))

    def settle(self) -> None:
        while self._waiting:
            self._waiting.popleft()()

    def close(self) -> None:
        self.settle()
