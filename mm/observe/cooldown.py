"""How often a person hears the same: once a while, the rest is counted; but never less than what is so now.

The files have every alert. What leaves the machine passes here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

import msgspec

from mm.core.actions import Alert, AlertLevel
from mm.core.units import Nanos
from mm.observe.conditions import IDENTITY

About: TypeAlias = tuple[str, ...]
Key: TypeAlias = tuple[AlertLevel, str, str, str, About]
Send: TypeAlias = Callable[[Alert, Nanos, int], None]
# Numbers that stand alone, with sign and unit ("-$3.50", "1 min 12 s"); not the digits of a ticker or an id.
NUMBER: Final = re.compile(
    r"(?<![\w.-])(?:[-+]?\$?-?\d[\d,]*(?:\.\d+)?(?: ?(?:%|ms|s|min|h|d))?(?![\w-]) ?)+"
)


def key_of(alert: Alert) -> Key:
    """What makes two alerts the same: not the numbers in their text, nor details that only describe."""
    return (alert.level, alert.category, alert.desk, NUMBER.sub("#", alert.message), _about(alert))


class _Sent(msgspec.Struct):
    """The last of its key, told ``at``; ``held_back`` were not. ``is_overtaken``: the opposite came later."""

    alert: Alert
    at: Nanos
    last: Nanos
    held_back: int = 0
    is_overtaken: bool = False


class Cooldown:
    """Alerts with the same `key_of` within ``period`` are held back; when it is over, or at `close`, the last
    of them is sent with their count.

    An info is the opposite of what is worse and has its category, desk and subject. What was held back is not
    sent any more once its opposite came; and a critical alert whose end was sent is never held back.
    ``send`` takes an alert, when its reason arose, and how many of the same were held back before.
    """

    def __init__(self, send: Send, period: Nanos) -> None:
        self._send = send
        self._period = period
        self._alarms: dict[Key, _Sent] = {}
        self._endings: dict[Key, _Sent] = {}

    def hear(self, alert: Alert, ts: Nanos) -> None:
        """Send it, or hold it back."""
        same, opposite = self._endings, self._alarms
        if alert.level is not AlertLevel.INFO:
            same, opposite = opposite, same
        for sent in opposite.values():
            sent.is_overtaken |= _are_opposite(sent.alert, alert)
        key = key_of(alert)
        known = same.get(key)
        if known is not None and ts - known.at < self._period:
            known.held_back += 1
            known.alert, known.last, known.is_overtaken = alert, ts, False
            return
        same[key] = _Sent(alert, ts, ts)
        self._tell(alert, ts, known.held_back if known is not None else 0)

    def on_time(self, now: Nanos) -> None:
        """Send what was held back for long enough."""
        for known in (self._alarms, self._endings):
            for key, sent in list(known.items()):
                if now - sent.at >= self._period and not _is_owed(sent):
                    del known[key]
        for sent in self._owed():
            if now - sent.at >= self._period:
                repeats, sent.at, sent.held_back = sent.held_back, now, 0
                self._tell(sent.alert, sent.last, repeats)

    def close(self) -> None:
        """Send what is still held back."""
        for sent in self._owed():
            self._send(sent.alert, sent.last, sent.held_back)
        self._alarms.clear()
        self._endings.clear()

    def _owed(self) -> Iterable[_Sent]:
        """What was held back and is still so, in the order in which it happened."""
        known = (*self._alarms.values(), *self._endings.values())
        return sorted(filter(_is_owed, known), key=lambda sent: sent.last)

    def _tell(self, alert: Alert, ts: Nanos, repeats: int) -> None:
        if alert.level is AlertLevel.INFO:
            over = [key for key, sent in self._alarms.items() if _ends(alert, sent.alert)]
            for key in over:
                del self._alarms[key]
        self._send(alert, ts, repeats)


def _about(alert: Alert) -> About:
    return tuple(str(value) for name, value in alert.details if name in IDENTITY)


def _is_owed(sent: _Sent) -> bool:
    return sent.held_back > 0 and not sent.is_overtaken


def _are_opposite(one: Alert, other: Alert) -> bool:
    """Of two of which just one is an info. A critical alert may be less exact about its subject than the end
    of what it tells (a halt, and the end of the trip that it is)."""
    if (one.category, one.desk) != (other.category, other.desk):
        return False
    alarm, ending = (other, one) if one.level is AlertLevel.INFO else (one, other)
    about = _about(alarm)
    return about == _about(ending) or (alarm.level is AlertLevel.CRITICAL and not about)


def _ends(ending: Alert, alarm: Alert) -> bool:
    return alarm.level is AlertLevel.CRITICAL and _are_opposite(alarm, ending)
