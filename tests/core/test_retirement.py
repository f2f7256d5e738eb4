"""Markets that are over for good are let go, and nothing that is counted or decided can tell."""

from __future__ import annotations

import pytest
from hypothesis import given

from mm.core.actions import Alert, AnyAction, Resubscribe
from mm.core.events import Fill, LinkUp, MarketAssigned, MarketState, MarketStatus, Tick
from mm.core.picture import DeskPicture, RetiredMarkets
from mm.core.units import CENT, DOLLAR, MONEY_DOLLAR, SECOND, Nanos, Side
from tests.core.bench import Bench
from tests.core.days_of_markets import DAYS, EVENING, Day, Word
from tests.core.properties import PROPERTY

PATIENCE = 300.0
NEVER: Nanos = 10**9 * SECOND
NONE = RetiredMarkets()


def with_a_fill() -> Bench:
    """Ten were bought at 50 and five sold at 54; fees of a cent each time."""
    bench = Bench().quoting(wishes="50:10 | 54:10")
    bench.tick()
    bench.ack(1)
    bench.ack(2)
    bench.fill(bench.order(1), 10, fee=10_000, trade_id="bought")
    bench.fill(bench.order(2), 5, fee=10_000, trade_id="sold")
    return bench


def settle(bench: Bench, value: int = DOLLAR, state: MarketState = MarketState.SETTLED) -> None:
    bench.step(MarketStatus(bench.now, "KXA", state, settlement_value=value))


def desk(bench: Bench) -> DeskPicture:
    return bench.engine.picture().desks[0]


def over(bench: Bench) -> Bench:
    """Settled at a dollar, and what still rested was taken out by the exchange."""
    settle(bench)
    bench.noticed(2, "canceled", filled=5)
    bench.tick()
    return bench


def late_fill(bench: Bench, trade_id: str) -> None:
    bench.step(
        Fill(bench.now, trade_id, "X1", "bot-run1-1", "KXA", Side.BID, 50 * CENT, 1_000, 10_000, False)
    )


def test_a_settled_market_is_let_go_and_its_sums_stay() -> None:
    bench = over(with_a_fill())
    before, cash = desk(bench), bench.engine.know.ledger.cash
    memory = bench.engine.picture().memory
    bench.tick(after=PATIENCE + 1)
    after = desk(bench)
    assert [market.ticker for market in before.markets] == ["KXA"]
    assert after.markets == ()
    earned = 10 * MONEY_DOLLAR * 50 // 100 - 5 * MONEY_DOLLAR * 46 // 100
    assert (after.realized, after.unrealized, after.fees) == (earned, 0, 20_000)
    assert (after.realized, after.fees) == (before.realized, before.fees)
    assert (after.retired.count, after.retired.fills, after.retired.quoted) == (1, 2, 1)
    ledger = bench.engine.know.ledger
    assert (ledger.cash, ledger.fees, ledger.fills, ledger.pnl()) == (cash, 20_000, 2, earned - 20_000)
    assert bench.engine.picture().memory.pnl == memory.pnl
    assert bench.engine.picture().memory.desks == memory.desks


def test_nothing_of_it_is_left_in_any_room() -> None:
    bench = over(with_a_fill())
    bench.tick(after=PATIENCE + 1)
    know = bench.engine.know
    rooms = [
        *(know.markets, know.tickers["DEFAULT"], know.ledger.positions, know.ledger.held, know.ledger.moved),
        *(know.orders.moved, know.orders._by_ticker, know.orders._resting),
        *(know.exposure._market, know.exposure._event),
        *(know.exposure._event_of, know.dirty, know.stale, know.over, bench.engine._looked_at),
        *(bench.engine.desks["DEFAULT"]._strategies, know.breaker.measures.desks["DEFAULT"]._pnl_of),
    ]
    assert rooms == [type(room)() for room in rooms]


def test_not_before_it_has_been_quiet_for_a_while() -> None:
    bench = over(with_a_fill())
    bench.tick(after=PATIENCE - 1)
    late_fill(bench, "late")
    bench.tick(after=2)
    assert desk(bench).retired == NONE
    bench.tick(after=PATIENCE + 1)
    assert desk(bench).retired.fills == 3


@pytest.mark.parametrize("state", [MarketState.CLOSED, MarketState.DETERMINED, MarketState.ACTIVE])
def test_a_market_that_never_settles_stays(state: MarketState) -> None:
    bench = with_a_fill()
    settle(bench, state=state)
    for _ in range(5):
        bench.tick(after=PATIENCE + 1)
    assert desk(bench).retired == NONE
    assert len(desk(bench).markets) == 1


def test_an_order_in_the_table_holds_it() -> None:
    bench = with_a_fill()
    settle(bench)
    bench.tick(after=PATIENCE + 1)
    assert desk(bench).retired == NONE
    bench.noticed(2, "canceled", filled=5)
    bench.tick(after=PATIENCE + 1)
    assert desk(bench).retired.count == 1


def test_a_trade_that_is_told_again_is_not_booked_again() -> None:
    bench = over(with_a_fill())
    bench.tick(after=PATIENCE + 1)
    before = desk(bench)
    late_fill(bench, "bought")
    assert desk(bench) == before


def test_a_fill_learned_of_too_late_is_paid_for_at_the_same_value() -> None:
    bench = over(with_a_fill())
    bench.tick(after=PATIENCE + 1)
    before, cash = desk(bench), bench.engine.know.ledger.cash
    late_fill(bench, "too late")
    after, gain = desk(bench), 10 * MONEY_DOLLAR * 50 // 100
    assert cash is not None and bench.engine.know.ledger.cash == cash + gain - 10_000
    assert (after.realized, after.fees) == (before.realized + gain, before.fees + 10_000)
    assert (after.retired.count, after.retired.fills) == (1, 3)
    assert bench.engine.know.ledger.positions == {}
    assert bench.engine.desk_of("KXA") == "DEFAULT"
    pnl = after.realized - after.fees
    assert bench.engine.picture().memory.desks["DEFAULT"].pnl == pnl == bench.engine.know.ledger.pnl()


def test_it_does_not_come_back() -> None:
    bench = over(with_a_fill())
    bench.tick(after=PATIENCE + 1)
    bench.step(MarketAssigned(bench.now, "KXA", "DEFAULT"))
    bench.is_active()
    bench.book("50:100 | 54:100")
    assert bench.tick() == []
    assert desk(bench).markets == ()
    assert bench.engine.has_retired("KXA")


def test_one_that_was_settled_before_the_account_was_read_goes_too() -> None:
    bench = Bench()
    bench.step(LinkUp(bench.now))
    settle(bench)
    bench.step(Tick(bench.now, 100, 100))
    bench.wait(1)
    bench.account()
    bench.tick(after=PATIENCE + 1)
    assert desk(bench).retired.count == 1


def measures(desk: DeskPicture) -> dict[str, float]:
    """What was refused in a market that is gone is no reason to stop any more."""
    assert desk.breaker is not None
    return {name: value for name, value in desk.breaker.measures.items() if name != "repeated_rejects"}


def decided(day: Day) -> list[AnyAction]:
    """A retired market has no book that could be mended, and no fee schedule to hold a fill against."""
    return [action for action in day.actions if not isinstance(action, Resubscribe | Alert)]


@PROPERTY
@given(DAYS)
def test_nothing_that_is_decided_or_counted_can_tell(words: list[Word]) -> None:
    letting_go, keeping = Day(retire_after=300 * SECOND), Day(retire_after=NEVER)
    for word in [*words, *EVENING]:
        letting_go.live(word)
        keeping.live(word)
    assert decided(letting_go) == decided(keeping)
    one, other = letting_go.engine, keeping.engine
    assert one.picture().memory == other.picture().memory
    for mine, theirs in zip(one.picture().desks, other.picture().desks, strict=True):
        assert (mine.realized, mine.unrealized, mine.fees) == (
            theirs.realized,
            theirs.unrealized,
            theirs.fees,
        )
        assert measures(mine) == measures(theirs)
        fills = sum(market.fills for market in mine.markets) + mine.retired.fills
        assert fills == sum(market.fills for market in theirs.markets)
        assert len(mine.markets) + mine.retired.count == len(theirs.markets)
    a, b = one.know.ledger, other.know.ledger
    assert (a.cash, a.fees, a.fills, a.worth, a.value_at_risk) == (
        b.cash,
        b.fees,
        b.fills,
        b.worth,
        b.value_at_risk,
    )
    assert (a.trips_ended, a.losing_streak, one.know.exposure.total) == (
        b.trips_ended,
        b.losing_streak,
        other.know.exposure.total,
    )
