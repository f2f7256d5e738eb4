"""The kept picture is always the one that would be drawn from nothing, whatever happened since the last."""

from __future__ import annotations

from hypothesis import given

from mm.core.events import Fill, MarketState, MarketStatus
from mm.core.photographer import photograph
from mm.core.picture import EnginePicture
from mm.core.units import CENT, CONTRACT, SECOND, Side
from tests.core.bench import Bench, engine_settings
from tests.core.days_of_markets import DAYS, Day, Word
from tests.core.properties import PROPERTY


def from_nothing(day: Day, kept: EnginePicture) -> EnginePicture:
    engine = day.engine
    return photograph(engine.know, engine.desks, kept.mode, engine.now, kept.last_reconcile)


@PROPERTY
@given(DAYS)
def test_the_kept_picture_is_that_from_nothing(words: list[Word]) -> None:
    day = Day(retire_after=300 * SECOND)
    for word in words:
        day.live(word)
        if word[0] == "look":
            assert day.engine.picture() == from_nothing(day, day.engine.picture())
    kept = day.engine.picture()
    assert kept == from_nothing(day, kept)
    for desk in kept.desks:
        assert desk.realized == desk.retired.realized + sum(market.realized for market in desk.markets)
        assert desk.unrealized == sum(market.unrealized for market in desk.markets)
        assert desk.fees == desk.retired.fees + sum(market.fees for market in desk.markets)
        assert kept.memory.desks[desk.name].pnl == desk.realized + desk.unrealized - desk.fees


def test_what_looks_as_before_is_not_drawn_again() -> None:
    bench = Bench(engine_settings(("KXA", "KXB"))).quoting(wishes="50:10 | 54:10")
    bench.tick()
    before = bench.engine.picture()
    bench.book("51:100 | 54:100", "KXB")
    after = bench.engine.picture()
    assert after.desks[0].markets[0] is before.desks[0].markets[0]
    assert after.desks[0].markets[1] is not before.desks[0].markets[1]
    assert len(after.orders) == 4
    assert all(now is then for now, then in zip(after.orders, before.orders, strict=True))


def test_who_looks_changes_nothing_that_decides() -> None:
    bench = Bench().quoting(wishes="50:10 | 54:10")
    bench.tick()
    bench.ack(1)
    bench.fill(bench.order(1), 5)
    measures = bench.engine.know.breaker.measures.desks["DEFAULT"]
    before = measures.pnl
    bench.book("40:100 | 44:100")
    bench.engine.picture()
    assert measures.pnl == before


def test_round_trips_are_counted_as_they_end_by_a_fill_or_a_settlement() -> None:
    """From flat to flat, after fees: what just breaks even has earned nothing."""
    bench = Bench(engine_settings(("KXA", "KXB"))).quoting()
    for number, cents in enumerate((40, 45, 40, 40, 40)):
        side = (Side.BID, Side.ASK)[number % 2]
        bench.step(Fill(bench.now, f"t{number}", "X", "", "KXA", side, cents * CENT, CONTRACT, 0, False))
    desk = bench.engine.picture().desks[0]
    assert (desk.round_trips, desk.round_trips_won) == (2, 1)
    bench.step(MarketStatus(bench.now, "KXA", state=MarketState.SETTLED, settlement_value=100 * CENT))
    desk = bench.engine.picture().desks[0]
    assert (desk.round_trips, desk.round_trips_won) == (3, 2)
