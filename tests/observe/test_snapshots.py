"""With thousands of markets, only those whose P&L moved are worth a line, and never too many at once."""

from __future__ import annotations

import msgspec

from mm.core.events import MarketState
from mm.core.picture import DeskPicture, MarketPicture
from mm.core.units import Money
from mm.observe.snapshots import MARKETS_AT_ONCE, Snapshots

QUIET = MarketPicture(
    "", "DEFAULT", MarketState.ACTIVE, True, None, None, 5_000, 0, 0, 0, 0, 0, 0, 2, 200, 1_000, None
)


def desk(unrealized: dict[int, Money], markets: int = 300) -> DeskPicture:
    rows = tuple(
        msgspec.structs.replace(QUIET, ticker=f"KX{n:03d}", unrealized=unrealized.get(n, 0))
        for n in range(markets)
    )
    return DeskPicture("DEFAULT", "glft", rows, 0, 0, 0, 0.0)


def names(told: list[MarketPicture]) -> list[str]:
    return [market.ticker for market in told]


def test_a_market_is_told_when_it_moved_and_then_not_again() -> None:
    snapshots = Snapshots()
    assert snapshots.moved(desk({})) == []
    assert names(snapshots.moved(desk({7: 5, 3: -1}))) == ["KX003", "KX007"]
    assert snapshots.moved(desk({7: 5, 3: -1})) == []
    assert names(snapshots.moved(desk({7: 6, 3: -1}))) == ["KX007"]
    assert names(snapshots.moved(desk({}))) == ["KX003", "KX007"]


def test_those_that_moved_most_go_first_and_nobody_is_forgotten() -> None:
    snapshots = Snapshots()
    everybody = desk({n: n + 1 for n in range(300)})
    turns = [names(snapshots.moved(everybody)) for _ in range(4)]
    assert [len(turn) for turn in turns] == [MARKETS_AT_ONCE, MARKETS_AT_ONCE, 100, 0]
    assert turns[0][0] == "KX200"
    assert sorted(name for turn in turns for name in turn) == [f"KX{n:03d}" for n in range(300)]
