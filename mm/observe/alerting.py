"""Who must hear of it: alerts of the engine, and of those who watch for more.

Each is written down at once; the ways that leave the machine repeat the same no more than once a while.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from mm.core.actions import Alert, AlertLevel, AnyAction
from mm.core.events import AnyEvent
from mm.core.picture import Observed
from mm.core.units import Nanos
from mm.observe.alert_watch import AlertRules, AlertWatch, Faults
from mm.observe.cooldown import Cooldown
from mm.observe.observer import Observer
from mm.observe.slippage import SlippageWatch

# Events that can be worth an alert by themselves; nearly all others pass by at the cost of one look.
CONCERN: Final = AlertWatch.EVENTS | SlippageWatch.EVENTS


class Record(Protocol):
    """Where every alert is written down. `send` must not wait for anybody else; what takes long is done in
    `settle`, which is called when the actions of a step are long gone."""

    def send(self, alert: Alert, ts: Nanos) -> None: ...

    def settle(self) -> None: ...

    def close(self) -> None: ...


class Sink(Protocol):
    """One way to deliver, as a `Record`; ``repeats`` of the same were held back before this one."""

    def send(self, alert: Alert, ts: Nanos, repeats: int = 0) -> None: ...

    def settle(self) -> None: ...

    def close(self) -> None: ...


class AlertObserver:
    """``faults`` lists what the disk refuses now; each new one becomes an alert of the category storage.

    ``records`` have every alert, ``ways`` what `Cooldown` lets through of them. A critical alert is sent in
    the step, all others in `on_time`.
    """

    def __init__(
        self,
        records: Sequence[Record],
        faults: Faults = tuple,
        rules: AlertRules = AlertRules(),  # noqa: B008 (frozen)
        ways: Sequence[Sink] = (),
    ) -> None:
        self._records = records
        self._ways = ways
        self._cooldown = Cooldown(self._deliver, rules.cooldown)
        self._watchers = list(self._watches(faults, rules))
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
        self._cooldown.on_time(now)
        self._settle()

    def announce(self, alert: Alert, ts: Nanos) -> None:
        """An alert of the process itself (start, crash), delivered at once."""
        self._hear(alert, ts)
        self._send_waiting()
        self._settle()

    def close(self) -> None:
        self._send_waiting()
        self._cooldown.close()
        self._settle()
        for sink in (*self._records, *self._ways):
            sink.close()

    def _hear(self, alert: Alert, ts: Nanos) -> None:
        self._waiting.append((ts, alert))

    def _send_waiting(self) -> None:
        for ts, alert in self._waiting:
            for record in self._records:
                record.send(alert, ts)
            self._cooldown.hear(alert, ts)
        self._waiting.clear()

    def _deliver(self, alert: Alert, ts: Nanos, repeats: int) -> None:
        for way in self._ways:
            way.send(alert, ts, repeats)

    def _settle(self) -> None:
        for sink in (*self._records, *self._ways):
            sink.settle()
