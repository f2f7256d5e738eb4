"""Warns when the worst that everything open could lose comes near what the configuration allows (document
002, ``exposure_high``). Only the engine knows that figure: it is looked up there, not computed again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mm.core.actions import Alert, AlertLevel
from mm.core.engine import Engine
from mm.core.picture import Observed
from mm.core.units import SECOND, Nanos
from mm.observe.conditions import Conditions
from mm.observe.observer import Every, Watcher
from mm.observe.plain import amount

KEY: Final = ("exposure", "")
CATEGORY: Final = "exposure"
# Parts of the limit, with room between them so that an exposure that wavers is told once.
WARN_ABOVE: Final = 0.8
OVER_BELOW: Final = 0.7


class ExposureWatch(Watcher):
    """Of the account. ``announce`` takes an alert; the limit is that of the settings as they are now."""

    def __init__(self, engine: Engine, announce: Callable[[Alert, Nanos], None]) -> None:
        super().__init__({}, {})
        self._engine = engine
        self._conditions = Conditions(announce, None)
        self._look = Every(SECOND)

    def on_time(self, now: Nanos, engine: Observed) -> None:
        if not self._look.is_due(now):
            return
        total, most = self._engine.know.exposure.total, self._engine.settings.max_total_exposure
        if total > WARN_ABOVE * most:
            current, limit = amount(total), amount(most)
            text = f"total exposure is high: ${current:.2f} of ${limit:.2f}"
            details = (("current", current), ("max", limit), ("exposure_pct", round(total / most, 4)))
            self._conditions.begin(KEY, Alert(AlertLevel.WARNING, CATEGORY, text, details=details), now)
        elif total < OVER_BELOW * most:
            self._conditions.end(KEY, "total exposure is far from its limit again", now)
