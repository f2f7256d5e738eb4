"""Little is left of something that quoting needs: requests, a side of the book, permission, room beside the
orders of others. What is dangerous goes first, and nothing is hidden."""

from __future__ import annotations

import pytest

from mm.core.actions import Alert
from mm.core.events import (
    CancelAllDone,
    Command,
    CommandKind,
    Fill,
    LinkDown,
    LinkUp,
    OrderReport,
    OrderStatus,
    PositionReport,
)
from mm.core.memory import BreakerMemory, TripMemory
from mm.core.settings import BreakerLimits
from mm.core.units import CENT, CONTRACT, MONEY_DOLLAR, SECOND, Side
from tests.core.bench import CALM, START, Bench, engine_settings

TICKERS = ("KXA", "KXB", "KXC")


def all_rest(bench: Bench, wishes: str = "50:10 | 54:10") -> Bench:
    bench.quoting(wishes=wishes)
    bench.tick()
    for which in range(1, 2 * len(bench.engine.know.markets) + 1):
        bench.ack(which)
    return bench


def moved(bench: Bench, wishes: str, book: str) -> None:
    for ticker in bench.engine.know.markets:
        bench.wishes[ticker] = wishes
        bench.book(book, ticker)


# -- requests ----------------------------------------------------------------------------------------------
def test_with_no_request_left_to_move_them_bids_in_a_falling_market_are_cancelled() -> None:
    """Cancels have a share of the limits of their own; asks, which nobody will take, wait for their turn."""
    bench = all_rest(Bench(engine_settings(TICKERS)))
    moved(bench, "40:10 | 44:10", "40:100 | 44:100")
    lines = bench.tick(orders=1, cancels=100)
    assert lines == ["amend #1 10@40", "cancel #3", "cancel #5"]
    assert bench.tick(orders=0, cancels=100) == []
    bench.amended(1)
    bench.canceled(3, 10)
    bench.canceled(5, 10)
    lines = bench.tick(orders=100)
    new = sorted(line.split(maxsplit=2)[2] for line in lines)
    assert new == ["ask 10@44"] * 3 + ["bid 10@40"] * 2, "and the asks at 54 go when those at 44 rest"


def test_with_no_request_left_a_quote_that_is_a_cent_off_keeps_its_place_until_there_is_one() -> None:
    bench = all_rest(Bench())
    moved(bench, "49:10 | 53:10", "49:100 | 53:100")
    assert bench.tick(orders=0, cancels=100) == []
    assert "amend #1 10@49" in bench.tick(orders=100)


def test_with_no_cancel_left_either_they_wait() -> None:
    bench = all_rest(Bench())
    moved(bench, "40:10 | 44:10", "40:100 | 44:100")
    assert bench.tick(orders=0, cancels=0) == []


# -- a side of the book ------------------------------------------------------------------------------------
def holding(contracts: int, book: str) -> Bench:
    """A position at 51 cents each, marked by this book."""
    bench = Bench(engine_settings(breaker=CALM))
    bench.step(LinkUp(bench.now))
    bench.is_active()
    bench.book(book)
    bench.wishes["KXA"] = "|"
    bench.tick()
    cost = contracts * 51 * CENT * CONTRACT
    bench.account(PositionReport("KXA", contracts * CONTRACT, cost, 0, 0))
    bench.tick()
    return bench


def pnl(bench: Bench) -> float:
    bench.tick(1)
    return bench.engine.know.breaker.measures.pnl / MONEY_DOLLAR


def test_a_lost_position_is_lost_also_while_nobody_bids() -> None:
    bench = holding(80, "50:100 | 52:100")
    assert pnl(bench) == 0
    bench.book("| 1:50000")
    assert pnl(bench) == pytest.approx(-80 * 0.50)


def test_a_side_that_is_gone_for_a_moment_changes_nothing() -> None:
    bench = holding(80, "50:100 | 52:100")
    for book in ("| 52:100", "| 90:100", "50:100 |", "10:100 |", "|"):
        bench.book(book)
        assert pnl(bench) == 0, book


def test_what_was_sold_short_is_worth_what_is_bid_while_nobody_asks() -> None:
    bench = holding(80, "50:100 | 52:100")
    bench.book("90:100 |")
    assert pnl(bench) == pytest.approx(80 * 0.39)


# -- permission --------------------------------------------------------------------------------------------
def test_an_account_that_may_not_trade_stops_although_everything_else_goes_well() -> None:
    """A scope that was taken away, an attestation that lapsed: orders alone are refused, with a 403."""
    limits = BreakerLimits(warn_fraction=None, warn_imbalance=None, repeated_rejects=3)
    bench = Bench(engine_settings(breaker=limits)).quoting(wishes="51:10 |")
    for which in (1, 2, 3):
        lines = bench.tick(61)
        assert f"place #{which} bid 10@51" in lines
        bench.refuse(which, "forbidden", status=403)
        bench.account()
    bench.tick(61)
    assert bench.engine.picture().breaker.trip_rule == "repeated_rejects"


def test_a_desk_that_came_tripped_quotes_after_its_reset_in_a_market_that_does_not_move() -> None:
    trip = TripMemory("market_cycles", "around and around", START - 5 * SECOND, "DEFAULT")
    bench = Bench(engine_settings(memory=BreakerMemory(account="", trips=(trip,))))
    bench.quoting(wishes="50:10 | 54:10")
    for _ in range(5):
        assert bench.tick(1) == []
    bench.step(Command(bench.now, CommandKind.RESET, "looked at it", "DEFAULT"))
    assert bench.tick(1) == ["place #1 bid 10@50", "place #2 ask 10@54"]


# -- others ------------------------------------------------------------------------------------------------
def report(bench: Bench, client_order_id: str, order_id: str, end: str = "") -> OrderReport:
    """Of an order that rests, or has ended for this reason."""
    status, left = (OrderStatus.CANCELED, 0) if end else (OrderStatus.RESTING, 10 * CONTRACT)
    about = (client_order_id, order_id, "KXA", Side.BID, status, 51 * CENT)
    return OrderReport(bench.now, 0, *about, filled=0, remaining=left, reason=end)


def test_where_others_have_orders_ours_are_cancelled_one_by_one() -> None:
    """A cancel-all would take theirs, and an alert has promised that they are left alone."""
    bench = all_rest(Bench(engine_settings(TICKERS, cancel_all_over=5)))
    bench.tick(31)  # the account is read again
    stranger = report(bench, "by-hand", "X-by-hand")
    ours = (report(bench, order.client_order_id, order.order_id) for order in bench.engine.know.orders)
    assert bench.account(resting=(*ours, stranger)) == ["alert order_anomaly"]
    assert bench.step(LinkDown(bench.now)) == [f"cancel #{which}" for which in range(1, 7)]


def test_nothing_is_placed_for_a_minute_after_a_cancel_all_was_accepted_and_not_after_it_was_sent() -> None:
    bench = all_rest(Bench(engine_settings(TICKERS, cancel_all_over=5)))
    assert bench.step(LinkDown(bench.now)) == ["cancel all"]
    asked = bench.actions[-1].request_id  # type: ignore[union-attr]
    bench.wait(8)
    bench.step(CancelAllDone(bench.now, asked))
    answered = bench.now
    assert bench.engine._retreat.hold_until == answered + bench.settings.cancel_all_hold


# -- the taker's fee ---------------------------------------------------------------------------------------
def test_a_quote_that_took_is_told_once_a_market() -> None:
    bench = all_rest(Bench())
    order = bench.order(1)
    ids = (order.order_id, order.client_order_id, "KXA")
    for trade in ("t1", "t2"):
        bench.step(Fill(bench.now, trade, *ids, Side.BID, order.price, CONTRACT, 0, is_taker=True))
        bench.tick()
    told = [action.message for action in bench.actions if isinstance(action, Alert)]
    assert told == ["KXA: a quote took what was there, for the taker's fee"]


def test_a_quote_that_is_cancelled_for_want_of_collateral_comes_back_ever_more_slowly() -> None:
    bench = Bench().quoting(wishes="51:10 |")
    placed = []
    for _ in range(240):
        for line in bench.tick(0.25):
            if line.startswith("place"):
                placed.append(round((bench.now - START) / SECOND))
                bench.ack(len(placed))
        for order in list(bench.engine.know.orders):
            if bench.now - order.placed_at > 6 * SECOND:
                bench.step(report(bench, order.client_order_id, order.order_id, end="MarginCancel"))
    assert placed == [0, 8, 24]
