"""What observers ask for at every beat: the picture of the engine, one market changed, or from nothing."""

from __future__ import annotations

from bench.desk import QuotingDesk
from bench.market import TICKER, deltas, ladder
from bench.measure import Case, Row, Spent, compare
from mm.core.photographer import photograph

CHANGES = 20
LEVELS = 20
MARKETS = (10, 300, 3_000)
ROUNDS = 5


def _desk(markets: int) -> QuotingDesk:
    """One of them moves."""
    return QuotingDesk([TICKER, *(f"KXQUIET{n}-26NOV21-T50" for n in range(1, markets))], ladder(LEVELS))


def _kept(desk: QuotingDesk) -> Case:
    def case(spent: Spent) -> None:
        desk.engine.picture()
        for change in deltas(ladder(LEVELS), CHANGES, ts=desk.now):
            desk.engine.on_event(change)
            with spent.on(1):
                desk.engine.picture()

    return case


def _from_nothing(desk: QuotingDesk) -> Case:
    def case(spent: Spent) -> None:
        engine = desk.engine
        with spent.on(CHANGES // 10):
            for _ in range(CHANGES // 10):
                photograph(engine.know, engine.desks, engine.mode.value, engine.now, 0)

    return case


def measure() -> list[Row]:
    """Each number of markets against drawing the whole of it."""
    rows: list[Row] = []
    for markets in MARKETS:
        desk, base = _desk(markets), f"from nothing, {markets} markets"
        cases = {base: _from_nothing(desk), f"1 of {markets} changed": _kept(desk)}
        rows += compare("picture", cases, base, ROUNDS)
    return rows
