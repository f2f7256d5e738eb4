"""What is told, how often, at which level, and when it is over: alerts as stories."""

from __future__ import annotations

import msgspec
import pytest

from mm.core.actions import Alert, AlertLevel
from mm.core.events import Command, CommandKind, LinkDown, LinkUp, Tick
from mm.core.units import SECOND, Nanos, Side
from mm.observe.alert_watch import AlertRules
from mm.observe.alerting import AlertObserver
from mm.observe.conditions import duration
from mm.observe.cooldown import key_of
from tests.observe.engine import OK, START, TICKER, TRIPPED, Bench, BookingEngine, at, fill

RULES = AlertRules(repeat_every=600 * SECOND)


class Told:
    """A sink that remembers: seconds since the start, level, text, how many were held back."""

    def __init__(self) -> None:
        self.alerts: list[tuple[float, str, str, int]] = []
        self.details: list[dict[str, object]] = []
        self.settled = 0

    def send(self, alert: Alert, ts: Nanos, repeats: int = 0) -> None:
        self.alerts.append(((ts - START) / SECOND, alert.level.value, alert.message, repeats))
        self.details.append(dict(alert.details))

    def settle(self) -> None:
        self.settled = len(self.alerts)

    def close(self) -> None:
        """Nothing to do."""


def story(rules: AlertRules = RULES, engine: BookingEngine | None = None) -> tuple[Bench, Told]:
    told = Told()
    return Bench([AlertObserver([], rules=rules, ways=[told])], engine), told


def test_a_lost_feed_is_a_warning_then_critical_and_its_return_is_told() -> None:
    bench, told = story()
    bench.step(LinkUp(at(0)))
    bench.step(LinkDown(at(10), reason="reset by peer"))
    bench.time(at(10.25))
    bench.step(LinkDown(at(11), reason="refused"))
    for second in (20, 39, 41, 60):
        bench.time(at(second))
    bench.step(LinkUp(at(82)))
    bench.time(at(82.25))
    assert told.alerts == [
        (10, "warning", "feed disconnected", 0),
        (41, "critical", "feed disconnected for more than 30 s", 0),
        (82, "info", "feed back after 1 min 12 s", 0),
    ]
    assert told.details[-1] == {"link": "feed", "ended": "critical"}


def test_a_feed_that_flaps_is_told_once_a_minute_whatever_the_seconds_say() -> None:
    bench, told = story()
    for second in range(0, 50, 5):
        bench.step(LinkDown(at(second)))
        bench.step(LinkUp(at(second + 1 + second / 25)))
        bench.time(at(second + 4))
    bench.time(at(64))
    assert [(level, repeats) for _, level, _, repeats in told.alerts] == [
        ("warning", 0),
        ("info", 0),
        ("info", 9),
    ], "that it was lost is over, and how often is told with its return"
    assert told.alerts[-1][2] == "feed back after 2 s", "the last of those held back, not the first"


def test_a_critical_alert_does_not_wait_for_the_next_beat_of_the_loop() -> None:
    bench, told = story()
    bench.step(Tick(at(1), 1, 1), Alert(AlertLevel.WARNING, "x", "can wait"))
    assert not told.alerts
    bench.step(Tick(at(2), 1, 1), Alert(AlertLevel.CRITICAL, "circuit_breaker", "tripped"))
    assert [message for _, _, message, _ in told.alerts] == ["can wait", "tripped"]
    assert told.settled == 0, "the disk itself is waited for when the cancels are gone"
    bench.time(at(2.25))
    assert told.settled == 2


def test_a_tripped_breaker_is_told_again_until_a_person_resets_it() -> None:
    bench, told = story()
    bench.time(at(0))
    bench.engine.breaker = msgspec.structs.replace(TRIPPED, trip_ts=at(5))
    bench.step(Tick(at(5), 1, 1), Alert(AlertLevel.CRITICAL, "circuit_breaker", "tripped: 10 API errors"))
    for minute in range(1, 26):
        bench.time(at(5 + 60 * minute))
    bench.engine.breaker = OK
    bench.time(at(5 + 60 * 26))
    assert told.alerts == [
        (5, "critical", "tripped: 10 API errors", 0),
        (605, "critical", "still, for 10 min: no trading: 10 API errors in a row", 0),
        (1205, "critical", "still, for 20 min: no trading: 10 API errors in a row", 0),
        (1565, "info", "trading is allowed again after 26 min", 0),
    ]


def test_repeats_can_be_switched_off() -> None:
    bench, told = story(AlertRules(repeat_every=None, feed_critical_after=None))
    bench.step(LinkDown(at(0)))
    bench.engine.breaker = TRIPPED
    for hour in range(5):
        bench.time(at(3_600 * hour))
    assert told.alerts == [(0, "warning", "feed disconnected", 0)]


def test_a_pause_and_its_end() -> None:
    bench, told = story()
    bench.step(Command(at(0), CommandKind.PAUSE, "journal: No space left on device"))
    bench.step(Command(at(1), CommandKind.PAUSE, "again"))
    bench.step(Command(at(3), CommandKind.RESUME, "the journal can be written again"))
    bench.step(Command(at(4), CommandKind.RESUME, "nothing to resume"))
    bench.time(at(5))
    assert told.alerts == [
        (0, "warning", "quoting is paused: journal: No space left on device", 0),
        (3, "info", "quoting goes on after 3 s", 0),
    ]


def test_a_pause_of_the_exchange_is_told_once_whatever_is_learned_of_it() -> None:
    bench, told = story()
    reasons = ("", "a planned pause of trading begins soon", "trading is paused by the exchange", "", "")
    for second, reason in enumerate(reasons):
        bench.engine.pauses = (("exchange", reason),) if reason else ()
        bench.time(at(second))
    bench.engine.pauses = (("operator", "lunch"),)
    bench.time(at(9))
    assert told.alerts == [
        (1, "warning", "quoting is paused: a planned pause of trading begins soon", 0),
        (3, "info", "the exchange takes orders again after 2 s", 0),
    ]


def test_api_errors_in_a_row_and_the_first_answer() -> None:
    bench, told = story()
    for second, errors in ((0, 0), (1, 2), (2, 3), (3, 5), (4, 1), (5, 0), (6, 0)):
        recent = ("timeout", "502")[: min(errors, 2)]
        bench.engine.breaker = msgspec.structs.replace(OK, consecutive_errors=errors, recent_errors=recent)
        bench.time(at(second))
    assert told.alerts == [
        (2, "warning", "3 API errors in a row, the last: 502", 0),
        (5, "info", "API answers again after 3 s", 0),
    ]


def test_a_position_near_its_limit_and_away_from_it_again() -> None:
    """The limit is 100: from 80 a warning, below 72 it is over."""
    bench, told = story()
    for second, position in enumerate((7_900, 8_000, 9_900, 7_500, 7_100, -8_100)):
        bench.engine.positions[TICKER] = position
        bench.time(at(second))
    assert told.alerts == [
        (1, "warning", f"position limit approaching in {TICKER}: 80.00 of 100.00 contracts", 0),
        (4, "info", f"position of {TICKER} far from its limit again after 3 s", 0),
    ]
    bench.time(at(61))
    assert told.details[-1] == {"market": TICKER, "current": -81.0, "max": 100.0}
    assert told.alerts[-1][2:] == (f"position limit approaching in {TICKER}: -81.00 of 100.00 contracts", 1)
    assert told.details[0] == {"market": TICKER, "current": 80.0, "max": 100.0}


def test_fills_that_the_market_runs_over_are_high_slippage() -> None:
    """Bought at 0.49 while the mid is 0.475 ten seconds later: 3 % are gone."""
    bench, told = story(AlertRules(slippage_fraction=0.02, slippage_fills=4))
    for number in range(3):
        bench.step(fill(at(number), f"t{number}", price=4_900))
        bench.step(fill(at(number), f"t{number}", price=4_900))
    for second in range(15):
        bench.time(at(second))
    assert not told.alerts, "three fills say nothing; the repeated word of one fill is not a fill"
    bench.step(fill(at(20), "t4", Side.ASK, price=4_600))
    bench.time(at(29))
    assert not told.alerts
    bench.time(at(30))
    assert told.alerts == [
        (
            30,
            "warning",
            "high slippage: the last 4 fills lost 2.99% of their price within 10 s (limit 2.00%)",
            0,
        )
    ]
    for number in range(10, 14):
        bench.step(fill(at(31), f"t{number}", price=4_600))
    bench.time(at(41))
    assert told.alerts[-1] == (41, "info", "slippage is -3.26% again after 11 s", 0)


def test_slippage_is_over_when_it_is_well_below_its_limit() -> None:
    """The limit is 2 %: 3.06 % is too much, 1.86 % is not over yet, 1.04 % is."""
    bench, told = story(AlertRules(slippage_fraction=0.02, slippage_fills=1))
    for number, price in enumerate((4_900, 4_840, 4_800)):
        bench.step(fill(at(number), f"t{number}", price=price))
    for second in range(10, 13):
        bench.time(at(second))
    assert [(ts, level) for ts, level, _, _ in told.alerts] == [(10, "warning"), (12, "info")]


def test_good_fills_are_no_slippage_and_the_rule_can_be_off() -> None:
    for rules, price in ((AlertRules(slippage_fills=2), 4_600), (AlertRules(slippage_fraction=None), 9_000)):
        bench, told = story(rules)
        for number in range(60):
            bench.step(fill(at(0), f"t{number}", price=price))
        bench.engine.positions.clear()
        for second in range(20):
            bench.time(at(second))
        assert not told.alerts


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("10 API errors in a row", "11 API errors in a row", True),
        ("P&L is -$100.25 (limit -$100.00)", "P&L is -$1,204.5 (limit -$100.00)", True),
        ("feed back after 12 s", "feed back after 340ms", True),
        ("feed back after 12 s", "feed back after 1 min 12 s", True),
        ("inventory is 81% of the limit", "inventory is 99.5% of the limit", True),
        ("position of KXBTC15M-26NOV210315-15", "position of KXBTC15M-26NOV210315-30", False),
        ("order kmm-a1-7 rests", "order kmm-a1-8 rests", False),
        ("feed disconnected", "index disconnected", False),
        ("B1.5 is closed", "B2.5 is closed", False),
    ],
)
def test_numbers_in_a_text_do_not_make_it_another_alert_but_names_do(
    one: str, other: str, is_same: bool
) -> None:
    keys = [key_of(Alert(AlertLevel.WARNING, "x", text)) for text in (one, other)]
    assert (keys[0] == keys[1]) is is_same


def test_what_an_alert_is_about_keeps_two_apart_and_what_describes_it_does_not() -> None:
    def keyed(*details: tuple[str, str | int]) -> object:
        return key_of(Alert(AlertLevel.WARNING, "x", "0.6 of 0.8", "DEFAULT", details))

    assert keyed(("market", "A")) != keyed(("market", "B"))
    assert keyed(("market", "A"), ("errors", 3)) == keyed(("market", "A"), ("errors", 4))


def test_durations_for_people() -> None:
    seconds = (0, 0.4, 59, 60, 72, 3_600, 3_661, 90_000, 200_000)
    assert [duration(round(each * SECOND)) for each in seconds] == [
        *("0 s", "0 s", "59 s", "1 min", "1 min 12 s", "1 h", "1 h 1 min", "1 d 1 h", "2 d 7 h"),
    ]
