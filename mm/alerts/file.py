"""``alerts.jsonl``: every alert, one JSON object a line. The record that is always there."""

from __future__ import annotations

import math

from mm.core.actions import Alert, AlertLevel
from mm.core.units import Nanos
from mm.observe.files import LineFile, json_line, stamp


class AlertFile:
    """Handed to the operating system at once; after a critical alert `settle` waits until it is on the disk
    itself (a few milliseconds, for which the cancels of a trip must not wait)."""

    def __init__(self, file: LineFile) -> None:
        self._file = file
        self._is_unsettled = False

    def send(self, alert: Alert, ts: Nanos) -> None:
        details: dict[str, object] = {name: _known(value) for name, value in alert.details}
        record = {
            **stamp(ts),
            "level": alert.level.value,
            "category": alert.category,
            "strategy": alert.desk,
            "message": alert.message,
            "details": details,
        }
        self._file.add(json_line(record))
        self._file.flush()
        self._is_unsettled |= alert.level is AlertLevel.CRITICAL

    def settle(self) -> None:
        """Tries again, too, what a full disk refused."""
        if self._is_unsettled:
            self._file.sync()
            self._is_unsettled = False
        else:
            self._file.flush()

    def close(self) -> None:
        self._file.close()


def _known(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value
