"""What the observers cost per step, and what their periodic work costs: ``python -m bench.observers``.

Prints medians and their ratio to an empty step; machines differ, so trust the ratios.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from mm.alerts.file import AlertFile
from mm.core.actions import AnyAction, PlaceOrder
from mm.core.events import AnyEvent, BookDelta, OrderAck, Tick
from mm.core.units import SECOND, Nanos, Side
from mm.observe.heartbeat import Process
from mm.observe.house import RunFiles, RunSettings, open_run_files
from mm.observe.journal import Journal
from mm.observe.observer import Observer, Watcher
from tests.observe.engine import START, TICKER, BookingEngine, decision, fill

ROUNDS = 7
STEPS = 2_000
Make = Callable[[int, Nanos], tuple[AnyEvent, list[AnyAction]]]


def _delta(n: int, ts: Nanos) -> tuple[AnyEvent, list[AnyAction]]:
    return BookDelta(ts, TICKER, Side.BID, 4_700, 100), []


def _tick(n: int, ts: Nanos) -> tuple[AnyEvent, list[AnyAction]]:
    return Tick(ts, 10, 10), []


def _place(n: int, ts: Nanos) -> tuple[AnyEvent, list[AnyAction]]:
    return Tick(ts, 10, 10), [PlaceOrder(n, f"mm-{n}", TICKER, Side.BID, 4_700, 100)]


def _ack(n: int, ts: Nanos) -> tuple[AnyEvent, list[AnyAction]]:
    return OrderAck(ts, n, f"mm-{n}", f"o-{n}", 0, 100), []


def _fill(n: int, ts: Nanos) -> tuple[AnyEvent, list[AnyAction]]:
    return fill(ts, trade_id=f"t-{n}-{ts}"), []


KINDS: dict[str, Make] = {
    "book delta": _delta,
    "tick, one decision": _tick,
    "tick and one order": _place,
    "acknowledgement": _ack,
    "fill": _fill,
}


def _cost(observers: Sequence[Observer], make: Make) -> tuple[float, float]:
    """Microseconds per step, and per step for the periodic work that follows (rendering and writing)."""
    engine = BookingEngine()
    engine._decisions = (decision(),)
    steps, periods = [], []
    for turn in range(ROUNDS):
        base = START + turn * SECOND
        made = [make(n, base + n) for n in range(STEPS)]
        began = time.perf_counter_ns()
        for event, actions in made:
            for observer in observers:
                observer.on_step(event, actions, engine)
        between = time.perf_counter_ns()
        for observer in observers:
            observer.on_time(base + STEPS, engine)
        ended = time.perf_counter_ns()
        steps.append((between - began) / STEPS / 1000)
        periods.append((ended - between) / STEPS / 1000)
    return statistics.median(steps), statistics.median(periods)


def _open(home: Path) -> RunFiles:
    settings = RunSettings(home, {"DEFAULT": "glft"}, START, Process(1, "bench"), AlertFile)
    return open_run_files(settings)


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as home:
        files = _open(Path(home) / "run")
        empty, _ = _cost([Watcher({}, {})], _delta)
        print(f"{'step':22}{'us':>9}{'x empty':>9}{'us later':>10}    all {len(files.observers)} observers")
        for name, make in KINDS.items():
            step, later = _cost(files.observers, make)
            print(f"{name:22}{step:9.2f}{step / empty:9.1f}{later:10.2f}")
        print(f"\n{'observer':22}{'delta us':>9}{'tick us':>9}")
        for observer in files.observers:
            delta, tick = _cost([observer], _delta)[0], _cost([observer], _tick)[0]
            print(f"{type(observer).__name__:22}{delta:9.2f}{tick:9.2f}")
        for observer in files.observers:
            observer.close()
        files.close()
        _journal(Path(home) / "journal")


def _journal(home: Path) -> None:
    journal = Journal(home, {})
    event = BookDelta(START, TICKER, Side.BID, 4_700, 100)
    encodes, writes = [], []
    for _ in range(ROUNDS):
        began = time.perf_counter_ns()
        for _ in range(STEPS):
            journal.event(event)
        encoded = time.perf_counter_ns()
        journal.flush()
        between = time.perf_counter_ns()
        for _ in range(STEPS):
            journal.event(event)
            journal.flush()
        encodes.append((encoded - began) / STEPS / 1000)
        writes.append((time.perf_counter_ns() - between) / STEPS / 1000)
    journal.close()
    encode, write = statistics.median(encodes), statistics.median(writes)
    print(f"\njournal: encode {encode:.2f} us an event; with a write for each {write:.2f} us")


if __name__ == "__main__":
    main()
