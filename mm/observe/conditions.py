"""States that last: told when they begin, now and then while they are critical, and when they end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import msgspec

from mm.core.actions import Alert, AlertLevel
from mm.core.units import SECOND, Nanos

Say: TypeAlias = Callable[[Alert, Nanos], None]
Key: TypeAlias = tuple[str, str]
UNITS: tuple[tuple[str, int], ...] = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


class _Lasting(msgspec.Struct):
    alert: Alert
    since: Nanos
    told: Nanos


class Conditions:
    """A key is a kind and a subject, such as ("storage", "DEFAULT.log"). ``repeat_every``: ``None`` for
    never."""

    def __init__(self, say: Say, repeat_every: Nanos | None) -> None:
        self._say = say
        self._repeat_every = repeat_every
        self._lasting: dict[Key, _Lasting] = {}

    def since(self, key: Key) -> Nanos | None:
        """When it began; ``None`` if it does not last."""
        lasting = self._lasting.get(key)
        return lasting.since if lasting is not None else None

    def subjects(self, kind: str) -> Iterator[str]:
        yield from [subject for each, subject in self._lasting if each == kind]

    def begin(self, key: Key, alert: Alert, ts: Nanos, *, said: bool = False) -> None:
        """Tell it, unless it lasts already. ``said``: somebody else has told it."""
        if key not in self._lasting:
            self._lasting[key] = _Lasting(alert, ts, ts)
            if not said:
                self._say(alert, ts)

    def worsen(self, key: Key, alert: Alert, ts: Nanos) -> None:
        """Tell it once more, at a higher level; no more than once."""
        lasting = self._lasting.get(key)
        if lasting is not None and lasting.alert.level is not alert.level:
            lasting.alert, lasting.told = alert, ts
            self._say(alert, ts)

    def end(self, key: Key, text: str, ts: Nanos) -> None:
        """Tell that it is over and how long it lasted, if it did last."""
        lasting = self._lasting.pop(key, None)
        if lasting is not None:
            alert = lasting.alert
            details = (*_identity(alert), ("ended", alert.level.value))
            message = f"{text} after {duration(ts - lasting.since)}"
            self._say(Alert(AlertLevel.INFO, alert.category, message, alert.desk, details), ts)

    def repeat(self, now: Nanos) -> None:
        """Tell critical ones again that were told long ago."""
        if self._repeat_every is None:
            return
        for lasting in self._lasting.values():
            alert = lasting.alert
            if alert.level is AlertLevel.CRITICAL and now - lasting.told >= self._repeat_every:
                lasting.told = now
                text = f"still, for {duration(now - lasting.since)}: {alert.message}"
                self._say(msgspec.structs.replace(alert, message=text), now)


def _identity(alert: Alert) -> tuple[tuple[str, str | int | float | bool], ...]:
    return tuple((name, value) for name, value in alert.details if name in IDENTITY)


# Details that say what an alert is about; all others describe it.
IDENTITY = frozenset({"market", "ticker", "rule", "path", "link", "way", "subject"})


def duration(nanos: Nanos) -> str:
    """The two largest units that are not zero: 12 s, 5 min, 3 h 20 min, 2 d 1 h."""
    left, parts = max(nanos, 0) // SECOND, []
    for name, size in UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2]) or "0 s"
