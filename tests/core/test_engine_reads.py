"""Reads of the account: what they show, what they do not show, and what they show too late."""

from __future__ import annotations

from mm.core.events import (
    AccountReport,
    Fill,
    LinkDown,
    LinkUp,
    PositionReport,
    Tick,
)
from mm.core.units import CONTRACT, MONEY_DOLLAR, SECOND, Side
from tests.core.bench import Bench
from tests.core.words import fill_of, row


def one_rests(wishes: str = "51:10 |") -> Bench:
    bench = Bench().quoting(wishes=wishes)
    bench.tick()
    bench.ack(1)
    assert bench.tick() == []
    return bench


def read(bench: Bench, after: float = 31) -> None:
    """Time passes and the account is asked for; the story answers."""
    bench.tick(after)


def canceling() -> Bench:
    bench = one_rests()
    bench.wishes["KXA"] = "|"
    bench.book("50:90 | 54:100")
    assert bench.tick() == ["cancel #1"]
    return bench


def both_rest() -> Bench:
    bench = Bench().quoting(wishes="51:10 | 53:10")
    bench.tick()
    bench.ack(1)
    bench.ack(2)
    return bench


def test_an_order_missing_from_a_read_is_asked_about_not_forgotten() -> None:
    bench = one_rests()
    read(bench)
    bench.account()
    bench.wishes["KXA"] = "|"
    assert bench.orders == {"#1": "in_doubt"}
    assert bench.order(1).open == 10 * CONTRACT
    assert bench.tick() == ["ask about #1"]
    bench.told(1, "canceled", filled=0)
    assert bench.orders == {}


def test_an_order_whose_cancel_is_refused_after_the_close_ends_by_a_read() -> None:
    """The market closed, its end of the order was told to nobody, and from then on the exchange refuses every
    request about it (protocol 5.7): only a read shows that it is gone (fault F37)."""
    bench = canceling()
    asked = []
    for _ in range(30):
        if bench.orders == {"#1": "pending_cancel"}:
            bench.refuse(1, "market_not_open", 409)
        bench.wait(2)
        lines = bench.step(Tick(bench.now, 100, 100))
        if "read account" in lines:
            bench.account()
        elif lines == ["ask about #1"]:
            asked += lines
            bench.told(1, "canceled")
    assert (bench.orders, asked) == ({}, ["ask about #1"])


def test_an_order_missing_from_a_read_that_was_wrong_is_found_again() -> None:
    """Fault F34, a page that was cut: the order rests. It is cancelled, because that is safe to repeat."""
    bench = one_rests()
    read(bench)
    bench.account()
    bench.wishes["KXA"] = "|"
    assert bench.tick() == ["ask about #1"]
    assert bench.told(1, "resting", remaining=10) == []
    assert bench.tick(0.6) == ["cancel #1"]
    bench.canceled(1, 10)
    assert bench.orders == {}


def test_a_late_read_after_not_found_never_brings_the_order_back() -> None:
    """Reads lag: the order still seems to rest, though the cancel said that it does not."""
    bench = canceling()
    bench.refuse(1, "not_found", 404)
    bench.told(1, "resting", remaining=10)
    assert bench.tick(0.6) == ["cancel #1"]
    assert bench.refuse(1, "not_found", 404) == ["ask about #1"]
    bench.told(1, "executed", filled=10)
    assert bench.order(1).open == 10 * CONTRACT


def test_a_read_too_early_to_know_the_order_asks_nothing() -> None:
    bench = one_rests()
    read(bench)
    bench.account(as_of=bench.order(1).changed_at)
    assert bench.orders == {"#1": "resting"}


def test_a_read_that_still_shows_an_order_that_ended_does_not_bring_it_back() -> None:
    bench = one_rests()
    bench.noticed(1, "canceled")
    ended_at = bench.now
    read(bench)
    bench.account(resting=(row("bot-run1-1", "X1"),), as_of=ended_at)
    assert bench.orders == {"#2": "pending_new"}


def test_an_order_that_rests_long_after_its_end_was_told_is_cancelled() -> None:
    """Invariant I1: whatever was believed of it, it rests and is ours."""
    bench = one_rests()
    bench.noticed(1, "canceled")
    bench.wishes["KXA"] = "|"
    read(bench)
    bench.account(resting=(row("bot-run1-1", "X1", "bid 10@51"),))
    assert bench.tick() == ["cancel #1"]


def test_a_fill_lost_on_the_way_is_found_by_a_read() -> None:
    bench = one_rests()
    read(bench)
    lost = Fill(bench.now, "t7", "X1", "", "KXA", Side.BID, 5_100, 300, 0, False)
    bench.account(resting=(row("bot-run1-1", "X1", "bid 7@51", filled=3),), fills=(lost,))
    assert (bench.position, bench.order(1).open) == (3, 7 * CONTRACT)
    bench.step(lost)
    assert bench.position == 3


def test_the_fills_of_an_end_that_was_told_are_fetched() -> None:
    bench = one_rests()
    bench.wishes["KXA"] = "|"
    bench.noticed(1, "executed", filled=10)
    assert bench.tick(1) == []
    bench.wait(2)
    lines = bench.tick()
    assert lines == []
    bench.account(fills=(fill_of(bench.order(1), 10, bench.now),))
    assert bench.position == 10
    assert bench.orders == {}


def test_an_answer_to_a_read_that_was_not_asked_is_left_aside() -> None:
    bench = one_rests()
    bench.step(AccountReport(bench.now, 999, bench.now, 5 * MONEY_DOLLAR, (), (), ()))
    assert bench.orders == {"#1": "resting"}
    assert bench.engine.know.ledger.cash == 1_000 * MONEY_DOLLAR


# -- the books do not agree -----------------------------------------------------------------------
def read_told(bench: Bench, *positions: PositionReport, dollars: float = 1_000) -> list[str]:
    bench.wait(31)
    assert "read account" in bench.step(Tick(bench.now, 100, 100))
    bench.wait(0.1)
    return bench.account(*positions, cash=round(dollars * MONEY_DOLLAR))


def test_a_position_that_is_wrong_twice_trips_the_breaker() -> None:
    bench = Bench().quoting()
    bench.tick()
    wrong = PositionReport("KXA", 500, 2_500_000, 0, 0)
    assert read_told(bench, wrong) == []
    assert read_told(bench, wrong) == ["alert circuit_breaker"]
    assert bench.engine.picture().breaker.trip_rule == "position_mismatch"


def test_a_position_that_is_wrong_once_is_the_lag_of_a_read() -> None:
    bench = Bench().quoting()
    bench.tick()
    assert read_told(bench, PositionReport("KXA", 500, 2_500_000, 0, 0)) == []
    assert read_told(bench) == []
    assert read_told(bench, PositionReport("KXA", 500, 2_500_000, 0, 0)) == []
    assert bench.engine.mode.value == "quoting"


def test_a_position_that_just_moved_is_not_compared() -> None:
    bench = both_rest()
    rests = (row("bot-run1-1", "X1", "bid 9@51", filled=1), row("bot-run1-2", "X2", "ask 10@53"))
    for _ in range(3):
        bench.wait(31)
        bench.step(Tick(bench.now, 100, 100))
        bench.fill(bench.order(1), 1, trade_id=f"t{bench.now}")
        bench.account(resting=rests)
    assert bench.engine.mode.value == "quoting"


def test_cash_that_moved_without_us_is_told_and_taken_over() -> None:
    bench = Bench().quoting()
    bench.tick()
    assert read_told(bench, dollars=1_250) == ["alert order_anomaly"]
    assert bench.engine.know.ledger.cash == 1_250 * MONEY_DOLLAR
    assert read_told(bench, dollars=1_250) == []


def test_less_than_the_exchange_tells_is_no_difference() -> None:
    bench = Bench().quoting()
    bench.tick()
    assert read_told(bench, dollars=1_000.00009) == []
    assert read_told(bench, dollars=1_000.0001) == ["alert order_anomaly"]


def test_a_position_outside_our_markets_that_settles_is_told_once_and_stops_nothing() -> None:
    """One of an earlier run, or by hand: when its market settles, it leaves the exchange's list and pays."""
    bench = Bench()
    bench.step(LinkUp(bench.now))
    bench.is_active()
    bench.book("50:100 | 54:100")
    bench.step(Tick(bench.now, 100, 100))
    bench.account(PositionReport("KXOLD", 1_000, 4_000_000, 0, 0))
    assert read_told(bench, PositionReport("KXOLD", 1_000, 4_000_000, 0, 0)) == []
    told = [read_told(bench, dollars=1_010) for _ in range(4)]
    assert told == [["alert order_anomaly", "alert order_anomaly"], [], [], []], "the position, and the cash"
    assert bench.engine.mode.value == "quoting"
    bench.wishes["KXA"] = "51:10 |"
    assert bench.tick(1) == ["place #1 bid 10@51"]


def test_an_order_that_somebody_made_smaller_ends_when_two_reads_show_no_fill_of_it() -> None:
    """By hand, on the exchange's own page: the cancel takes 4 of 10, which looks like 6 that had filled. That
    is exposure until the reads have had their say, and not for ever."""
    bench = canceling()
    bench.canceled(1, 4)
    assert bench.order(1).open == 6 * CONTRACT
    read(bench, 3)
    assert bench.account() == []
    assert bench.order(1).open == 6 * CONTRACT, "one read may be cut short"
    read(bench, 3)
    assert bench.account(as_of=bench.now - 3 * SECOND) == []
    assert bench.order(1).open == 6 * CONTRACT, "an old one proves nothing"
    read(bench, 3)
    assert bench.account() == ["alert order_anomaly"]
    assert bench.orders == {}
    assert bench.engine.know.exposure.total == 0


def test_a_late_left_over_that_filled_before_it_was_found_ends_like_any_other() -> None:
    """A request of a former run is accepted after our start, fills, and only then shows up in a read."""
    bench = Bench().quoting()
    bench.tick(31)
    early = Fill(bench.now, "t1", "Xold", "bot-run0-1", "KXA", Side.BID, 5_000, 500, 0, False)
    bench.step(early)
    bench.account(resting=(row("bot-run0-1", "Xold"),), as_of=bench.now - SECOND // 10)
    assert bench.tick() == ["cancel #bot-run0-1"]
    bench.canceled_by_id(bench.engine.know.orders.by_client_id["bot-run0-1"], 5)
    held = PositionReport("KXA", 500, 25 * MONEY_DOLLAR // 10, 0, 0)
    for _ in range(2):
        read(bench, 3)
        assert bench.account(held, fills=(early,), cash=bench.cash - held.cost) == []
    assert (bench.orders, bench.position) == ({}, 5)


def test_reads_that_grow_no_fresher_after_a_lost_feed_are_told_because_quoting_waits_for_them() -> None:
    """The reads of the exchange hang behind (protocol section 5.8): fills of the outage may be missing. That
    is not quoted into, and nobody would know why the market stays empty."""
    bench = one_rests()
    stale = bench.now
    bench.step(LinkDown(bench.now))
    bench.wait(5)
    bench.step(LinkUp(bench.now))
    bench.book("50:90 | 54:100")
    told: list[str] = []
    for _ in range(60):
        bench.wait(2)
        asked = bench.step(Tick(bench.now, 100, 100))
        told += bench.account(as_of=stale) if "read account" in asked else []
        assert not [line for line in asked if line.startswith("place")]
    assert told == ["alert api_errors"], "once"
    bench.wait(2)
    bench.step(Tick(bench.now, 100, 100))
    bench.account()
    assert bench.engine.mode.value == "quoting"
    assert [line for line in bench.tick(2) if line.startswith("place")]


def test_an_order_of_somebody_else_is_told_once_while_it_rests_and_forgotten_with_it() -> None:
    """Another program may send thousands a day for months: only those that rest are remembered."""
    bench = one_rests()
    told = []
    for names in ("A", "AB", "B", "", "A"):
        read(bench)
        rows = tuple(row(f"someone-{name}", name) for name in names)
        lines = bench.account(resting=(row(bench.order(1).client_order_id, "X1"), *rows))
        told.append(lines.count("alert order_anomaly"))
    assert told == [1, 1, 0, 0, 1]


def test_after_a_slow_read_the_next_leaves_the_balance_its_second() -> None:
    """The balance is read last, and once a second at most (protocol section 7): sooner is a 429, and a read
    that was waited for is lost."""
    bench = one_rests()
    stale = bench.now
    bench.step(LinkDown(bench.now))
    bench.wait(5)
    bench.step(LinkUp(bench.now))
    assert "read account" in bench.step(Tick(bench.now, 100, 100))
    bench.wait(3)
    bench.account(as_of=stale)
    asked = []
    for _ in range(6):
        bench.wait(0.25)
        asked.append("read account" in bench.step(Tick(bench.now, 100, 100)))
    assert asked == [False, False, False, True, False, False]
