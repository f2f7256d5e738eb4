"""How the benches measure: several cases take turns within each round, so that whatever else the machine does
disturbs all of them alike, and their ratios can be trusted where their times cannot.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import msgspec

ROUNDS = 9


class Spent(msgspec.Struct):
    """Nanoseconds of this thread's own processor time, and what they were spent on."""

    operations: int = 0
    nanos: int = 0

    @contextmanager
    def on(self, operations: int) -> Iterator[None]:
        """Count the block's time, and ``operations`` of it."""
        began = time.thread_time_ns()
        yield
        self.nanos += time.thread_time_ns() - began
        self.operations += operations


Case = Callable[[Spent], None]


class Row(msgspec.Struct, frozen=True):
    """One line of the table. ``micros``: microseconds an operation, median of the rounds. ``ratio``: to the
    case ``base`` of the same round, median of the rounds; ``least`` and ``most`` are its extremes. Where the
    ``unit`` is another one, so is that of ``micros``."""

    bench: str
    case: str
    micros: float
    ratio: float
    least: float
    most: float
    base: str
    unit: str = "us"


def compare(bench: str, cases: Mapping[str, Case], base: str, rounds: int = ROUNDS) -> list[Row]:
    """Run every case once in each round, after one round that is not counted."""
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(rounds + 1):
        for name, case in cases.items():
            gc.collect()
            spent = Spent()
            case(spent)
            if number:
                taken[name].append(spent.nanos / spent.operations / 1_000)
    return [_row(bench, name, times, base, taken[base]) for name, times in taken.items()]


def _row(bench: str, name: str, times: list[float], base: str, base_times: list[float]) -> Row:
    ratios = [mine / theirs for mine, theirs in zip(times, base_times, strict=True)]
    return Row(
        bench, name, statistics.median(times), statistics.median(ratios), min(ratios), max(ratios), base
    )
