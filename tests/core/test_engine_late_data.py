"""Market data that arrives late, and what is quoted meanwhile: nothing."""

from __future__ import annotations

from mm.core.events import CommandKind, DataAge
from mm.core.units import SECOND
from tests.core.bench import Bench


def both_rest() -> Bench:
    bench = Bench().quoting(wishes="51:10 | 53:10")
    bench.tick()
    bench.ack(1)
    bench.ack(2)
    return bench


def late(bench: Bench, seconds: int = 7) -> list[str]:
    return bench.step(DataAge(bench.now, seconds * SECOND, is_late=True))


def fresh(bench: Bench) -> list[str]:
    return bench.step(DataAge(bench.now, 0, is_late=False))


def test_late_data_pull_the_quotes_at_once_and_fresh_ones_bring_them_back() -> None:
    bench = both_rest()
    assert late(bench) == ["cancel #1", "cancel #2"]
    bench.canceled(1, 10)
    bench.canceled(2, 10)
    bench.book("50:100 | 54:101")
    assert bench.tick(1) == []
    picture = bench.engine.picture()
    assert picture.mode == "paused"
    assert dict(picture.pauses) == {"market data": "market data is 7.0 s old, or our clock is ahead"}
    assert fresh(bench) == []
    assert bench.tick() == ["place #3 bid 10@51", "place #4 ask 10@53"]


def test_fresh_data_end_nobody_elses_pause() -> None:
    bench = both_rest()
    late(bench)
    bench.command(CommandKind.PAUSE)
    fresh(bench)
    assert bench.engine.picture().mode == "paused"
    bench.command(CommandKind.RESUME)
    assert bench.engine.picture().mode == "quoting"


def test_a_shutdown_is_not_disturbed() -> None:
    bench = both_rest()
    bench.command(CommandKind.SHUTDOWN)
    assert late(bench) == []
    assert bench.engine.picture().mode == "closing"
