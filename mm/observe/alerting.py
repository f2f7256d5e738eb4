"""Who must hear of it: alerts of the engine, and a few events that are alerts by themselves, to every sink.

The same alert goes out once a minute at most, the rest is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeAlias

import msgspec

from mm.core.actions import Alert, AlertLevel, AnyAction, Stop
from mm.core.events import AnyEvent, Command, CommandKind, LinkDown
from mm.core.picture import Observed
from mm.core.units import SECOND, Nanos
from mm.observe.append import StorageError

COOLDOWN: Nanos = 60 * SECOND
Key: TypeAlias = tuple[AlertLevel, str, str, str]
Faults: TypeAlias = Callable[[], Iterable[StorageError]]


class Sink(Protocol):
    """One way to deliver."""

    def send(self, alert: Alert, ts: Nanos, repeats: int = 0) -> None: ...

    def close(self) -> None: ...


class _Sent(msgspec.Struct):
    at: Nanos
    last: Nanos
    held_back: int = 0


class AlertObserver:
    """``faults`` lists what the disk refuses now; each new one becomes an alert of the category storage. An
    event or a Stop that is an alert by itself yields to one of the same category by the engine.

    The same level, category, desk and message within `COOLDOWN` is held back, and told with its count when
    the time is over, or at `close`.
    """

    def __init__(self, sinks: Sequence[Sink], faults: Faults = tuple) -> None:
        self._sinks = sinks
        self._faults = faults
        self._sent: dict[Key, tuple[Alert, _Sent]] = {}
        self._waiting: list[tuple[Nanos, Alert]] = []

    def on_step(self, event: AnyEvent, actions: Sequence[AnyAction], engine: Observed) -> None:
        own = _alert_of(event) if type(event) is LinkDown or type(event) is Command else None
        for action in actions:
            if type(action) is Alert:
                self._waiting.append((event.ts, action))
            elif type(action) is Stop:
                own = _stopped(action)
        if own is not None and not any(
            type(said) is Alert and said.category == own.category for said in actions
        ):
            self._waiting.append((event.ts, own))

    def on_time(self, now: Nanos, engine: Observed) -> None:
        for fault in self._faults():
            details = (("path", fault.path.name), ("errno", fault.errno or 0))
            alert = Alert(AlertLevel.CRITICAL, "storage", str(fault), details=details)
            self._waiting.append((now, alert))
        self._send_waiting()
        for key, (alert, sent) in list(self._sent.items()):
            if now - sent.at >= COOLDOWN:
                if not sent.held_back:
                    del self._sent[key]
                self._tell_held_back(alert, sent)
                sent.at, sent.held_back = now, 0

    def announce(self, alert: Alert, ts: Nanos) -> None:
        """An alert of the process itself (start, crash), delivered at once."""
        self._waiting.append((ts, alert))
        self._send_waiting()

    def close(self) -> None:
        self._send_waiting()
        for alert, sent in self._sent.values():
            self._tell_held_back(alert, sent)
        self._sent.clear()
        for sink in self._sinks:
            sink.close()

    def _send_waiting(self) -> None:
        for ts, alert in self._waiting:
            key = (alert.level, alert.category, alert.desk, alert.message)
            known = self._sent.get(key)
            if known is not None and ts - known[1].at < COOLDOWN:
                known[1].held_back += 1
                known[1].last = ts
                continue
            self._sent[key] = (alert, _Sent(ts, ts))
            self._deliver(alert, ts, known[1].held_back if known is not None else 0)
        self._waiting.clear()

    def _tell_held_back(self, alert: Alert, sent: _Sent) -> None:
        if sent.held_back:
            self._deliver(alert, sent.last, sent.held_back)

    def _deliver(self, alert: Alert, ts: Nanos, repeats: int) -> None:
        for sink in self._sinks:
            sink.send(alert, ts, repeats)


def _stopped(action: Stop) -> Alert:
    level = AlertLevel.INFO if action.exit_code == 0 else AlertLevel.CRITICAL
    details = (("exit_code", action.exit_code),)
    return Alert(level, "bot_shutdown", f"stopped: {action.reason}", details=details)


def _alert_of(event: AnyEvent) -> Alert | None:
    if isinstance(event, LinkDown):
        details = (("link", event.link), ("reason", event.reason))
        return Alert(AlertLevel.WARNING, "api_disconnect", f"{event.link} disconnected", details=details)
    if isinstance(event, Command) and event.kind is CommandKind.HALT:
        return Alert(AlertLevel.CRITICAL, "kill_switch", f"halted by command: {event.reason}")
    return None
