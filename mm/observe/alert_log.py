"""Alerts as lines of the log, once for each time that they are delivered, in the manual's own words."""

from __future__ import annotations

from mm.core.actions import Alert, AlertLevel
from mm.core.units import Nanos
from mm.observe.log_observer import LogObserver

LEVEL_OF = {AlertLevel.INFO: "info", AlertLevel.WARNING: "warning", AlertLevel.CRITICAL: "critical"}
# Where the manual has a word of its own for what the bot alerts of.
WORD_OF = {"position_limit": "position_limit_approaching", "exposure": "exposure_high"}


class AlertLog:
    """A sink of alerts."""

    def __init__(self, observer: LogObserver) -> None:
        self._observer = observer

    def send(self, alert: Alert, ts: Nanos, repeats: int = 0) -> None:
        """Remembered like every line of the log."""
        is_trip = alert.category == "circuit_breaker" and alert.level is AlertLevel.CRITICAL
        word = "circuit_breaker_triggered" if is_trip else WORD_OF.get(alert.category, alert.category)
        fields: dict[str, object] = {"message": alert.message, "details": dict(alert.details)}
        if repeats:
            fields["repeats"] = repeats
        self._observer.say(ts, LEVEL_OF[alert.level], word, alert.desk, "alerts", **fields)

    def settle(self) -> None:
        self._observer.write()

    def close(self) -> None:
        self._observer.write()
