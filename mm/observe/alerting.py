"""Who must hear of it: alerts of the engine, and of those who watch for more, to every sink.

The same alert goes out once a minute at most, the rest is counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, Protocol, TypeAlias

import msgspec

from mm.core.actions import Alert, AlertLevel, AnyAction
from mm.core.events import AnyEvent
from mm.core.picture import Observed
from mm.core.units import Nanos
from mm.observe.alert_watch import AlertRules, AlertWatch, Faults
from mm.observe.conditions import IDENTITY
from mm.observe.observer import Observer
from mm.observe.slippage import SlippageWatch

Key: TypeAlias = tuple[AlertLevel, str, str, str, tuple[str, ...]]
# Numbers that stand alone, with sign and unit ("-$3.50", "1 min 12 s"); not the digits of a ticker or an id.
NUMBER: Final = re.compile(
    r"(?<![\w.-])(?:[-+]?\$?-?\d[\d,]*(?:\.\d+)?(?: ?(?:%|ms|s|min|h|d))?(?![\w-]) ?)+"
)

# Events that can be worth an alert by themselves; nearly all others pass by at the cost of one look.
CONCERN: Final = AlertWatch.EVENTS | SlippageWatch.EVENTS


class Sink(Protocol):
    """One way to deliver. `send` must not wait for anybody else; what takes long is done in `settle`, which
    is called when the actions of a step are long gone."""

    def send(self, alert: Alert, ts: Nanos, repeats: int = 0) -> None: ...

    def settle(self) -> None: ...

    def close(self) -> None: ...


class _Sent(msgspec.Struct):
    alert: Alert
    at: Nanos
    last: Nanos
    held_back: int = 0


def key_of(alert: Alert) -> Key:
    """What makes two alerts the same: not the numbers in their text, nor details that only describe."""
    about = tuple(str(value) for name, value in alert.details if name in IDENTITY)
    return (alert.level, alert.category, alert.desk, NUMBER.sub("#", alert.message), about)


class AlertObserver:
    """``faults`` lists what the disk refuses now; each new one becomes an alert of the category storage.

    Alerts with the same `key_of` within ``rules.cooldown`` are held back; when the time is over, or at
    `close`, the last of them is told with their count. A critical alert is sent in the step, all others in
    `on_time`.
    """

    def __init__(
        self,
        sinks: Sequence[Sink],
        faults: Faults = tuple,
        rules: AlertRules = AlertRules(),  # noqa: B008 (frozen)
    ) -> None:
        self._sinks = sinks
        self._cooldown = rules.cooldown
        self._watchers = list(self._watches(faults, rules))
        self._sent: dict[Key, _Sent] = {}
        self._waiting: list[tuple[Nanos, Alert]] = []

    def _watches(self, faults: Faults, rules: AlertRules) -> Iterator[Observer]:
        yield AlertWatch(self._hear, faults, rules)
        if rules.slippage_fraction is not None:
            yield SlippageWatch(self._hear, rules.slippage_fraction, rules.slippage_fills)

    def on_step(self, event: AnyEvent, actions: Sequence[AnyAction], engine: Observed) -> None:
        if not actions and type(event) not in CONCERN:
            return
        for action in actions:
            if type(action) is Alert:
                self._hear(action, event.ts)
        for watcher in self._watchers:
            watcher.on_step(event, actions, engine)
        if self._waiting and any(alert.level is AlertLevel.CRITICAL for _, alert in self._waiting):
            self._send_waiting()

    def on_time(self, now: Nanos, engine: Observed) -> None:
        for watcher in self._watchers:
            watcher.on_time(now, engine)
        self._send_waiting()
        for key, sent in list(self._sent.items()):
            if now - sent.at >= self._cooldown:
                if not sent.held_back:
                    del self._sent[key]
                self._tell_held_back(sent)
                sent.at, sent.held_back = now, 0
        self._settle()

    def announce(self, alert: Alert, ts: Nanos) -> None:
        """An alert of the process itself (start, crash), delivered at once."""
        self._hear(alert, ts)
        self._send_waiting()
        self._settle()

    def close(self) -> None:
        self._send_waiting()
        for sent in self._sent.values():
            self._tell_held_back(sent)
        self._sent.clear()
        self._settle()
        for sink in self._sinks:
            sink.close()

    def _hear(self, alert: Alert, ts: Nanos) -> None:
        self._waiting.append((ts, alert))

    def _send_waiting(self) -> None:
        for ts, alert in self._waiting:
            key = key_of(alert)
            known = self._sent.get(key)
            if known is not None and ts - known.at < self._cooldown:
                known.held_back += 1
                known.alert, known.last = alert, ts
                continue
            self._sent[key] = _Sent(alert, ts, ts)
            self._deliver(alert, ts, known.held_back if known is not None else 0)
        self._waiting.clear()

    def _tell_held_back(self, sent: _Sent) -> None:
        if sent.held_back:
            self._deliver(sent.alert, sent.last, sent.held_back)

    def _deliver(self, alert: Alert, ts: Nanos, repeats: int) -> None:
        for sink in self._sinks:
            sink.send(alert, ts, repeats)

    def _settle(self) -> None:
        for sink in self._sinks:
            sink.settle()
