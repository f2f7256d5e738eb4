"""The log of a market's trades reads like a list of them, and is small."""

from __future__ import annotations

import gc
import tracemalloc
from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from mm.sim.trade_log import TradeLog
from mm.sim.words import Traded

TRADES = st.lists(
    st.tuples(st.integers(0, 2**62), st.integers(1, 9_999), st.integers(1, 10**12), st.booleans()),
    max_size=40,
)


def name(number: int) -> str:
    return f"id-{number:x}"


def logged(trades: list[tuple[int, int, int, bool]], most: int) -> tuple[TradeLog, list[Traded]]:
    log, expected = TradeLog("KXRAIN", most, name), []
    for number, (now, price, count, buys) in enumerate(trades):
        expected.append(Traded(now, "KXRAIN", name(number), price, count, "bid" if buys else "ask"))
        log.add(number, expected[-1])
    return log, expected


@given(TRADES)
def test_it_reads_like_a_list(trades: list[tuple[int, int, int, bool]]) -> None:
    log, expected = logged(trades, 1_000)
    assert list(log) == expected == log[:]
    assert list(reversed(log)) == expected[::-1]
    assert (len(log), log[-3:], bool(log)) == (len(expected), expected[-3:], bool(expected))
    if expected:
        assert (log[0], log[-1]) == (expected[0], expected[-1])
    log.clear()
    assert list(log) == []


@given(TRADES, st.integers(1, 10))
def test_the_latest_are_kept(trades: list[tuple[int, int, int, bool]], most: int) -> None:
    log, expected = logged(trades, most)
    kept = list(log)
    assert kept == expected[len(expected) - len(kept) :]
    assert min(most, len(expected)) <= len(kept) <= most + 1


def test_a_trade_takes_a_fraction_of_what_an_object_does() -> None:
    def size_of(tape: TradeLog | deque[Traded]) -> int:
        tracemalloc.start()
        for number in range(5_000):
            now, price, count = 1_790_596_800_000_000_000 + number, 5_000 + number % 7, 1_000 + number
            trade = Traded(now, "KXRAIN", name(number), price, count, "bid")
            if isinstance(tape, TradeLog):
                tape.add(number, trade)
            else:
                tape.append(trade)
        gc.collect()
        del trade
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return size

    assert size_of(TradeLog("KXRAIN", 10_000, name)) * 4 < size_of(deque(maxlen=10_000))
