"""What leaves the machine is not repeated, and its last word is what is so: kills and resumes as stories."""

from __future__ import annotations

import msgspec

from mm.core.actions import Alert, AlertLevel
from mm.core.units import SECOND, Nanos
from mm.observe.cooldown import Cooldown
from tests.observe.engine import at

PERIOD = 60 * SECOND
RULE = (("rule", "killed"),)
KILLED = Alert(AlertLevel.CRITICAL, "kill_switch", "circuit breaker: same; trading has stopped", "", RULE)
OVER = Alert(AlertLevel.INFO, "kill_switch", "killed is over (same); trading goes on", "", RULE)
AGAIN = Alert(AlertLevel.INFO, "kill_switch", "allowed again", "", (*RULE, ("ended", "critical")))
LOST = Alert(AlertLevel.WARNING, "api_disconnect", "feed disconnected", details=(("link", "feed"),))
BACK = Alert(AlertLevel.INFO, "api_disconnect", "feed back", details=(("link", "feed"), ("ended", "warning")))


class Way:
    """Remembers what was sent: seconds, text, how many were held back."""

    def __init__(self) -> None:
        self.sent: list[tuple[float, str, int]] = []
        self.cooldown = Cooldown(self._send, PERIOD)

    def _send(self, alert: Alert, ts: Nanos, repeats: int) -> None:
        self.sent.append(((ts - at(0)) / SECOND, alert.message, repeats))

    def hears(self, *alerts: tuple[float, Alert]) -> None:
        for second, alert in alerts:
            self.cooldown.hear(alert, at(second))

    def new(self) -> list[tuple[float, str, int]]:
        """Since the last look."""
        found, self.sent = self.sent, []
        return found


def test_the_same_is_told_once_a_minute_with_its_count() -> None:
    way = Way()
    for second in range(100):
        way.hears((second, LOST))
        way.cooldown.on_time(at(second + 0.25))
    way.cooldown.close()
    assert way.new() == [(0, LOST.message, 0), (60, LOST.message, 59), (99, LOST.message, 39)]


def test_a_second_kill_is_told_at_once_and_nothing_older_after_it() -> None:
    way = Way()
    way.hears((0, KILLED), (1, OVER), (1.1, AGAIN), (2, KILLED))
    assert [message for _, message, _ in way.new()] == [
        KILLED.message,
        OVER.message,
        AGAIN.message,
        KILLED.message,
    ]
    way.hears((3, OVER), (3.1, AGAIN), (4, KILLED))
    assert way.new() == [], "whoever reads it knows that it is killed"
    way.cooldown.on_time(at(70))
    assert way.new() == [(4, KILLED.message, 1)], "and not that trading goes on"
    way.cooldown.close()
    assert way.new() == []


def test_the_last_word_is_what_is_so_also_at_the_end_of_a_run() -> None:
    way = Way()
    way.hears((0, KILLED), (1, OVER), (2, KILLED), (3, OVER))
    way.new()
    way.cooldown.close()
    assert way.new() == [(3, OVER.message, 1)]


def test_an_end_that_was_none_is_told_when_it_is_one() -> None:
    """What was held back is told when its time is over, unless it changed meanwhile."""
    way = Way()
    way.hears((0, LOST), (1, BACK), (20, LOST), (30, BACK), (40, LOST))
    assert way.new() == [(0, LOST.message, 0), (1, BACK.message, 0)]
    way.cooldown.on_time(at(61))
    assert way.new() == [(40, LOST.message, 2)]
    way.hears((62, BACK))
    assert way.new() == [(62, BACK.message, 0)]


def test_what_is_held_back_is_told_in_the_order_in_which_it_happened() -> None:
    way = Way()
    other = msgspec.structs.replace(LOST, details=(("link", "index"),))
    way.hears((0, LOST), (1, other), (10, other), (20, LOST))
    way.new()
    way.cooldown.on_time(at(90))
    assert way.new() == [(10, other.message, 1), (20, LOST.message, 1)]


def test_the_end_of_one_is_not_the_end_of_another() -> None:
    way = Way()
    elsewhere = msgspec.structs.replace(OVER, details=(("rule", "feed_lost"),))
    on_a_desk = msgspec.structs.replace(OVER, desk="DEFAULT")
    way.hears((0, KILLED), (1, elsewhere), (2, on_a_desk), (3, KILLED))
    assert [second for second, _, _ in way.new()] == [0, 1, 2]
    way.cooldown.on_time(at(60))
    assert way.new() == [(3, KILLED.message, 1)]


def test_a_halt_that_names_no_rule_is_over_with_the_trip_that_it_was() -> None:
    way = Way()
    halted = msgspec.structs.replace(KILLED, message="halted: drill", details=())
    way.hears((0, halted), (1, OVER), (2, halted))
    assert [message for _, message, _ in way.new()] == ["halted: drill", OVER.message, "halted: drill"]
