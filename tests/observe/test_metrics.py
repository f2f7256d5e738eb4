"""The arithmetic of the metrics: exact parts of an exact whole, and a file that stays small."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mm.core.events import Fill, MarketState
from mm.core.ledger import Ledger
from mm.core.picture import DeskPicture, MarketPicture, RetiredMarkets
from mm.core.units import MONEY_DOLLAR, SECOND, Money, Nanos, Price, Side
from mm.observe.latency import Latencies
from mm.observe.markouts import Markout
from mm.observe.metrics_form import MARKETS_SHOWN, empty_metrics, metrics
from mm.observe.replace import json_document
from mm.observe.tally import DeskTally
from tests.observe.engine import START, TICKER, at

PRICES = st.integers(1, 9_999)
MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("mid"), st.integers(2, 19_998)),
        st.tuples(st.just("mark"), PRICES),
        st.tuples(
            st.just("fill"),
            st.sampled_from(Side),
            PRICES,
            st.integers(1, 100_000),
            st.integers(-50_000, 50_000),
        ),
    ),
    max_size=60,
)


class Books:
    """The ledger and the observers' tally of one market, told the same."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.ledger.open(0, (), ())
        self.desk = DeskTally()
        self.tally = self.desk.market(TICKER)
        self._told = 0

    def tell(self, kind: str, *values: Any) -> None:
        now: Nanos = START + self._told
        self._told += 1
        if kind == "mid":
            position = self.ledger.position(TICKER)
            if not position.settled:
                self.tally.see(now, values[0] / 2, position.count)
        elif kind == "mark":
            self.mark(values[0])
        else:
            side, price, count, fee = values
            fill = Fill(now, f"t{self._told}", "o", "c", TICKER, side, price, count, fee, False)
            assert self.ledger.book(fill)
            self.tally.fill(now, fill)

    def mark(self, price: Price) -> None:
        if not self.ledger.position(TICKER).settled:
            self.ledger.mark(TICKER, price)

    def settle(self, value: Price) -> None:
        self.ledger.settle(TICKER, value, START)
        self.tally.attribution.mark(2 * value)

    def is_exact(self) -> bool:
        """P&L = spread capture + inventory - fees, in whole half-millionths of a dollar."""
        position = self.ledger.position(TICKER)
        capture, inventory = self.desk.doubled_sources({TICKER: position.mark})
        return 2 * position.pnl == capture + inventory - 2 * position.fees

    def summary(self) -> dict[str, Any]:
        position = self.ledger.position(TICKER)
        shown = picture(
            TICKER, position.count, position.realized, position.unrealized, position.fees, position.mark
        )
        desk = DeskPicture(
            "DEFAULT", "glft", (shown,), position.realized, position.unrealized, position.fees, 0.0
        )
        document = json.loads(json_document(metrics(desk, self.desk, START + SECOND, START)))
        found: dict[str, Any] = document["summary"]
        return found


def picture(
    ticker: str,
    position: int,
    realized: Money,
    unrealized: Money,
    fees: Money,
    mark: Price | None,
    fills: int = 0,
) -> MarketPicture:
    return MarketPicture(
        ticker=ticker,
        desk="DEFAULT",
        state=MarketState.ACTIVE,
        in_sync=True,
        bid=None,
        ask=None,
        mark=mark,
        position=position,
        average_cost=0,
        realized=realized,
        unrealized=unrealized,
        fees=fees,
        fills=fills,
        quotes=2,
        spread_width=200,
        max_position=0,
        close_ts=None,
    )


@given(MOVES, PRICES, st.none() | st.integers(0, 10_000), MOVES)
def test_pnl_is_capture_plus_inventory_less_fees_exactly(
    before: list[Any], last: Price, value: Price | None, late: list[Any]
) -> None:
    """Of any fills, mids, marks, a settlement, and fills that are learned of after it."""
    books = Books()
    for move in before:
        books.tell(*move)
    books.mark(last)
    assert books.is_exact()
    if value is not None:
        books.settle(value)
        assert books.is_exact()
    for move in late:
        books.tell(*move)
        assert books.is_exact()


@given(MOVES, PRICES)
def test_the_file_says_the_same_in_dollars(moves: list[Any], last: Price) -> None:
    books = Books()
    for move in moves:
        books.tell(*move)
    books.mark(last)
    summary = books.summary()

    def micros(name: str) -> int:
        half_millionths: int = round(2 * MONEY_DOLLAR * summary[name])
        return half_millionths

    assert micros("total_pnl") == 2 * books.ledger.position(TICKER).pnl
    assert micros("carried_pnl") == 0
    parts = micros("spread_capture_pnl") + micros("inventory_pnl") - micros("total_fees")
    assert micros("total_pnl") == parts
    assert micros("total_pnl") == sum(
        (micros("total_realized_pnl"), micros("total_unrealized_pnl"), -micros("total_fees"))
    )


def test_what_was_held_at_the_start_is_told_apart() -> None:
    """10 contracts found, bought long ago at 0.40; the first mid is 0.45, the mark 0.50."""
    tally = DeskTally()
    tally.market(TICKER).see(at(1), 4_500.0, 1_000)
    shown = picture(TICKER, 1_000, 0, 1_000_000, 0, 5_000)
    desk = DeskPicture("DEFAULT", "glft", (shown,), 0, 1_000_000, 0, 0.0)
    summary: Any = metrics(desk, tally, at(2), START)["summary"]
    assert (summary["spread_capture_pnl"], summary["inventory_pnl"], summary["carried_pnl"]) == (0, 0.5, 0.5)


def test_thousands_of_markets_make_a_small_file_that_adds_up() -> None:
    """Those with a position, then the most traded, are told one by one; the rest as one."""
    tally = DeskTally()
    markets = [
        picture(f"KX{n:04d}", 100 if n == 2_999 else 0, n, -2 * n, 3 * n, 5_000, n % 1_000)
        for n in range(3_000)
    ]
    desk = DeskPicture(
        "DEFAULT",
        "glft",
        tuple(markets),
        sum(m.realized for m in markets),
        sum(m.unrealized for m in markets),
        sum(m.fees for m in markets),
        0.0,
    )
    data = json_document(metrics(desk, tally, at(2), START))
    assert len(data) < 200_000
    document = json.loads(data)
    shown, rest, summary = document["markets"], document["other_markets"], document["summary"]
    assert len(shown) == MARKETS_SHOWN and rest["count"] == 3_000 - MARKETS_SHOWN
    assert "KX2999" in shown and "KX0999" in shown and "KX0000" not in shown
    assert list(shown) == sorted(shown)
    for part, whole in (
        ("realized_pnl", "total_realized_pnl"),
        ("unrealized_pnl", "total_unrealized_pnl"),
        ("fees", "total_fees"),
    ):
        told = sum(round(MONEY_DOLLAR * market[part]) for market in [*shown.values(), rest])
        assert told == round(MONEY_DOLLAR * summary[whole])
    assert rest["fills"] + sum(m["fills"] for m in shown.values()) == sum(m.fills for m in markets)


def test_a_number_that_is_none_is_null() -> None:
    desk = DeskPicture("DEFAULT", "glft", (), 0, 0, 0, float("nan"))
    data = json_document(metrics(desk, DeskTally(), START, START))
    assert b"NaN" not in data and json.loads(data)["summary"]["order_success_rate_pct"] is None


def test_the_win_rate_is_of_the_round_trips_that_ended() -> None:
    desk = DeskPicture("DEFAULT", "glft", (), 0, 0, 0, 0.0, round_trips=8, round_trips_won=5)
    summary = metrics(desk, DeskTally(), START, START)["summary"]
    assert isinstance(summary, dict)
    assert (summary["round_trips"], summary["win_rate_pct"]) == (8, 62.5)
    none = empty_metrics("DEFAULT", "glft", START)["summary"]
    assert isinstance(none, dict)
    assert (none["round_trips"], none["win_rate_pct"]) == (0, None), "unknown is not 0"


def test_markouts_count_what_was_known_when_due() -> None:
    markout = Markout(SECOND)
    assert markout.mean() is None
    markout.fill(at(0), Side.BID, 4_700, 100)
    markout.fill(at(0.5), Side.ASK, 4_900, 300)
    markout.settle(at(0.9), 9_000)
    assert markout.mean() is None
    markout.settle(at(1), 9_500)
    assert markout.mean() == 50.0
    markout.settle(at(1.5), None)
    assert markout.mean() == 50.0


def test_each_horizon_has_the_mid_that_stood_when_it_was_over() -> None:
    """Bought 10 at 0.46: the mid was 0.47 after a second, 0.48 after ten, 0.43 after a minute."""
    tally = DeskTally().market(TICKER)
    fill = Fill(at(0), "t", "o", "c", TICKER, Side.BID, 4_600, 1_000, 0, False)
    tally.see(at(0), 4_650.0, 0)
    tally.fill(at(0), fill)
    for second, mid in ((0.5, 4_700.0), (5, 4_800.0), (30, 4_300.0)):
        tally.see(at(second), mid, 1_000)
    tally.settle_due(at(61))
    assert {name: markout.mean() for name, markout in tally.markouts} == {
        "markout_1s": 100.0,
        "markout_10s": 200.0,
        "markout_60s": -300.0,
    }


def test_quantiles_are_values_that_were_measured() -> None:
    latencies = Latencies()
    assert latencies.mean() is None and latencies.quantiles(50, 99) == [None, None]
    for value in range(1, 101):
        latencies.add(float(value))
    assert latencies.quantiles(50, 95, 99) == [50.0, 95.0, 99.0]
    assert latencies.mean() == 50.5


@given(MOVES, PRICES)
def test_what_is_over_stays_in_the_sums(moves: list[tuple[Any, ...]], value: Price) -> None:
    books = Books()
    for move in moves:
        books.tell(*move)
    books.settle(value)
    before = books.desk.doubled_sources({TICKER: value})
    books.desk.retire_all_but(())
    assert books.desk.markets == {}
    assert books.desk.doubled_sources({}) == before


def test_other_markets_have_those_that_are_over() -> None:
    gone = RetiredMarkets(count=3, quoted=2, realized=5_000_000, fees=20_000, fills=7, quotes=40)
    desk = DeskPicture("DEFAULT", "glft", (), 5_000_000, 0, 20_000, 0.0, retired=gone)
    rest = json.loads(json_document(metrics(desk, DeskTally(), START, START)))["other_markets"]
    assert (rest["count"], rest["with_position"]) == (3, 0)
    assert (rest["realized_pnl"], rest["fees"]) == (5, 0.02)
    assert (rest["fills"], rest["quotes"]) == (7, 40)
