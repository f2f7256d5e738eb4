"""Why a request was decided and when its bytes had left: measured in parts, told as one."""

from __future__ import annotations

from mm.core.actions import CancelOrder, PlaceOrder
from mm.core.events import BookDelta, Tick
from mm.core.units import MILLISECOND, Nanos, Side
from mm.observe.stopwatch import Stopwatch
from tests.observe.engine import START, TICKER, Bench, at

Told = tuple[str, float, str]


class Ears:
    def __init__(self) -> None:
        self.told: list[Told] = []

    def hear(self, name: str, ms: float, ts: Nanos, desk: str) -> None:
        self.told.append((name, ms, desk))

    def of(self, name: str) -> list[float]:
        return [ms for word, ms, _ in self.told if word == name]


def watched() -> tuple[Stopwatch, Ears, Bench]:
    ears = Ears()
    watch = Stopwatch(ears.hear)
    return watch, ears, Bench([watch])


def moved(ts: Nanos, ticker: str = TICKER) -> BookDelta:
    return BookDelta(ts, ticker, Side.BID, 4_700, 100)


def place(number: int) -> PlaceOrder:
    return PlaceOrder(number, f"mm-{number}", TICKER, Side.BID, 4_600, 100)


def test_a_request_is_as_old_as_the_first_news_that_no_tick_had_answered() -> None:
    watch, ears, bench = watched()
    bench.step(moved(at(1.000)))
    bench.step(moved(at(1.004)))
    bench.step(moved(at(0.990), "ELSEWHERE"))
    bench.step(Tick(at(1.010), 1, 1), place(1))
    watch.request(1, 20_000, at(1.011), at(1.051))
    bench.time(at(1.1))
    assert ears.told == [
        ("tick_to_wire", 11.0, "DEFAULT"),
        ("sign", 0.02, "DEFAULT"),
        ("round_trip", 40.0, "DEFAULT"),
    ]


def test_news_is_answered_by_the_next_tick_whatever_it_decides() -> None:
    watch, ears, bench = watched()
    bench.step(moved(at(1)))
    bench.step(Tick(at(2), 1, 1))
    bench.step(Tick(at(3), 1, 1), place(1))
    watch.request(1, 0, at(3.002), at(3.003))
    bench.time(at(4))
    assert ears.of("tick_to_wire") == [2.0]


def test_what_is_decided_at_once_counts_from_its_own_cause() -> None:
    watch, ears, bench = watched()
    bench.step(moved(at(1)))
    bench.step(moved(at(2)), CancelOrder(1, "mm-1", "o-1", TICKER))
    watch.request(1, 0, at(2.005), at(2.1))
    bench.time(at(3))
    assert ears.of("tick_to_wire") == [5.0]


def test_a_request_that_nobody_decided_here_is_not_guessed_at() -> None:
    watch, ears, bench = watched()
    watch.request(7, 1, at(1), at(2))
    bench.time(at(3))
    assert ears.told == []


def test_what_happens_often_is_told_once_a_second_as_median_and_worst() -> None:
    watch, ears, bench = watched()
    bench.time(START)
    for number in range(1, 1_001):
        watch.aged(number * MILLISECOND, START)
    for _ in range(3):
        bench.time(at(0.25))
    assert ears.told == []
    bench.time(at(1))
    assert ears.told == [("feed_age", 500.0, ""), ("feed_age_max", 1_000.0, ""), ("feed_age_min", 1.0, "")]
    watch.decided(2 * MILLISECOND)
    watch.close()
    assert ears.told[3:] == [("decide", 2.0, ""), ("decide_max", 2.0, "")]
