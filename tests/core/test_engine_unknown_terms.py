"""A market whose fees or price steps are not understood any more is not quoted with those of before."""

from __future__ import annotations

from mm.core.events import MarketState, MarketStatus
from mm.core.grid import CENT_GRID, TAPERED_DECI_CENT_GRID
from tests.core.bench import FREE, Bench


def strange() -> Bench:
    """It was quoted on both sides, until the word came that nobody understands."""
    bench = Bench().quoting(wishes="51:10 | 53:10")
    bench.tick()
    bench.ack(1)
    bench.ack(2)
    bench.step(MarketStatus(bench.now, "KXA", terms_unknown=True))
    return bench


def test_its_quotes_are_pulled_and_none_are_placed() -> None:
    bench = strange()
    assert bench.tick() == ["cancel #1", "cancel #2"]
    bench.canceled(1, 10)
    bench.canceled(2, 10)
    assert [bench.tick(1) for _ in range(5)] == [[]] * 5


def test_terms_that_are_known_bring_them_back() -> None:
    bench = strange()
    bench.tick()
    bench.canceled(1, 10)
    bench.canceled(2, 10)
    bench.step(MarketStatus(bench.now, "KXA", grid=TAPERED_DECI_CENT_GRID, fees=FREE))
    assert bench.tick() == ["place #3 bid 10@51", "place #4 ask 10@53"]


def test_half_of_the_terms_is_not_enough_because_the_other_may_be_the_strange_half() -> None:
    bench = strange()
    market = bench.engine.know.markets["KXA"]
    for half in ({"fees": FREE}, {"grid": CENT_GRID}, {"state": MarketState.ACTIVE}):
        bench.step(MarketStatus(bench.now, "KXA", **half))
        assert market.fees is None and market.terms_unknown
