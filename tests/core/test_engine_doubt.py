"""Doubt: answers that are lost, late, or contradict each other. It ends by evidence, never by patience."""

from __future__ import annotations

import pytest

from mm.core.events import Fill, OrderCanceled
from mm.core.units import CONTRACT, SECOND, Side
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


def place_in_doubt() -> Bench:
    bench = Bench().quoting(wishes="51:10 |")
    bench.tick()
    bench.doubt(1)
    return bench


# -- a create without an answer ------------------------------------------------------------------------
def test_a_create_in_doubt_is_asked_about_and_never_sent_again() -> None:
    """Faults F01, F02, F06: it may rest, so nothing takes its place until it is known."""
    bench = place_in_doubt()
    assert bench.tick() == []
    assert bench.tick(0.5) == ["ask about #1"]
    assert bench.engine.know.exposure.open_count("KXA", Side.BID) == 10 * CONTRACT
    assert bench.tick(1) == []


def test_a_create_in_doubt_holds_only_its_own_place() -> None:
    bench = Bench().quoting(wishes="50:10 51:10 | 53:10")
    assert bench.tick(orders=1) == ["place #1 bid 10@51"]
    bench.doubt(1)
    assert bench.tick() == ["place #2 bid 10@50", "place #3 ask 10@53"]


def test_a_create_in_doubt_that_rests_is_quoted_with() -> None:
    bench = place_in_doubt()
    bench.tick(0.6)
    bench.told(1, "resting", remaining=10)
    assert bench.orders == {"#1": "resting"}
    assert bench.tick() == []


def test_a_websocket_word_ends_the_doubt_about_a_create() -> None:
    bench = place_in_doubt()
    bench.noticed(1, "resting", remaining=10)
    assert bench.orders == {"#1": "resting"}
    assert bench.tick() == []


def test_a_create_is_given_up_only_when_it_could_no_longer_be_accepted() -> None:
    """Fault F08: reads lag, so absence proves nothing before the exchange would refuse the request."""
    bench = place_in_doubt()
    asked = 0
    while bench.orders:
        asked += bench.tick(1) == ["ask about #1"]
        if bench.order(1).request_id:
            waited = bench.now - bench.order(1).placed_at
            bench.told(1, "absent")
            assert bool(bench.orders) == (waited < 31 * SECOND)
    assert 3 < asked < 12, "asked again and again, but not at every turn"
    assert bench.tick() == ["place #2 bid 10@51"]


def waited_for_the_wire() -> Bench:
    """Requests of one market leave one after the other: behind four that hang, this one left after 20 s."""
    bench = Bench().quoting(wishes="51:10 |")
    bench.tick()
    bench.wait(25)
    bench.doubt(1)
    bench.wishes["KXA"] = "|"
    return bench


def test_a_create_that_waited_for_the_wire_may_come_as_much_later() -> None:
    """The exchange refuses it 30 s after it left, and not after it was decided (protocol section 2)."""
    bench = waited_for_the_wire()
    for wait in (11, 18):
        assert bench.tick(wait) == ["ask about #1"]
        bench.told(1, "absent")
        assert bench.orders == {"#1": "in_doubt"}, "it may still be accepted"
    assert bench.tick(10) == ["ask about #1"]
    bench.told(1, "absent")
    assert bench.orders == {}


def test_reads_of_the_account_give_a_create_the_same_time() -> None:
    bench = waited_for_the_wire()
    for wait, still_there in ((20, True), (31, True), (31, False)):
        read(bench, wait)
        bench.account()
        assert bool(bench.orders) == still_there


def test_a_read_of_the_account_ends_the_doubt_about_a_create_that_rests() -> None:
    bench = place_in_doubt()
    bench.wishes["KXA"] = "|"
    read(bench, 31)
    bench.account(resting=(row(bench.order(1).client_order_id, "X1", "bid 10@51"),))
    assert bench.orders == {"#1": "resting"}
    assert bench.tick() == ["cancel #1"]


def test_a_read_of_the_account_late_enough_ends_the_doubt_about_a_create_that_never_came() -> None:
    """Whatever it filled would be among the read's fills; it does not rest, and can no longer come."""
    bench = place_in_doubt()
    bench.wishes["KXA"] = "|"
    read(bench, 30.5)
    bench.account()
    assert bench.orders == {"#1": "in_doubt"}, "it could still be accepted"
    read(bench, 31)
    bench.account()
    assert bench.orders == {"#1": "in_doubt"}, "one read may be cut short"
    read(bench, 31)
    bench.account()
    assert bench.orders == {}


def test_a_create_of_which_the_exchange_told_an_id_is_never_taken_for_absent() -> None:
    bench = Bench().quoting(wishes="51:10 |")
    bench.tick()
    bench.noticed(1, "resting", remaining=10)
    bench.doubt(1)
    bench.tick(40)
    bench.told(1, "absent")
    assert bench.order(1).open == 10 * CONTRACT


def test_a_create_in_doubt_that_filled_is_counted_when_its_fills_come() -> None:
    bench = place_in_doubt()
    bench.wishes["KXA"] = "|"
    bench.tick(0.6)
    bench.told(1, "executed", filled=10)
    assert bench.orders == {"#1": "closing"}
    assert bench.order(1).open == 10 * CONTRACT, "still exposure until the fills are seen"
    bench.fill(bench.order(1), 10)
    assert (bench.orders, bench.position) == ({}, 10)


def test_a_fill_that_only_a_read_shows_ends_its_order_though_it_names_no_client_order_id() -> None:
    """The exchange's list of fills knows only its own order ids (protocol section 4)."""
    bench = place_in_doubt()
    bench.wishes["KXA"] = "|"
    bench.tick(0.6)
    bench.told(1, "executed", filled=10)
    read(bench, 3)
    bench.account(fills=(Fill(bench.now, "t1", "X1", "", "KXA", Side.BID, 5_100, 1_000, 0, False),))
    assert (bench.orders, bench.position) == ({}, 10)


def test_a_fill_read_before_its_order_is_known_counts_for_it_later() -> None:
    """Fault F10: the fill is there before the order's id."""
    bench = Bench().quoting(wishes="51:10 |")
    bench.tick()
    read(bench)
    early = Fill(bench.now, "t1", "X1", "", "KXA", Side.BID, 5_100, 400, 0, False)
    bench.account(fills=(early,))
    assert bench.position == 4
    bench.ack(1, filled=4)
    assert bench.order(1).open == 6 * CONTRACT
    bench.step(early)
    assert (bench.position, bench.order(1).open) == (4, 6 * CONTRACT)


def test_a_fill_before_the_ack_counts_for_the_order_at_once() -> None:
    bench = Bench().quoting(wishes="51:10 |")
    bench.tick()
    order = bench.order(1)
    bench.fill(order, 10)
    assert (bench.orders, bench.position) == ({}, 10)


def test_a_refusal_of_what_has_filled_is_not_believed() -> None:
    bench = Bench().quoting(wishes="51:10 |")
    bench.tick()
    bench.fill(bench.order(1), 3)
    bench.refuse(1, "invalid_order")
    assert bench.orders == {"#1": "in_doubt"}
    assert bench.order(1).open == 7 * CONTRACT


# -- a cancel without an answer, or with the wrong one -----------------------------------------------------
def canceling() -> Bench:
    bench = one_rests()
    bench.wishes["KXA"] = "|"
    bench.book("50:90 | 54:100")
    assert bench.tick() == ["cancel #1"]
    return bench


def test_a_pending_cancel_may_still_fill() -> None:
    bench = canceling()
    assert bench.engine.know.exposure.open_count("KXA", Side.BID) == 10 * CONTRACT
    bench.fill(bench.order(1), 10)
    assert (bench.orders, bench.position) == ({}, 10)


def test_a_cancel_in_doubt_is_repeated_because_that_does_no_harm() -> None:
    bench = canceling()
    bench.doubt(1)
    assert bench.tick(0.6) == ["cancel #1"]
    bench.canceled(1, 10)
    assert bench.orders == {}


def test_a_refused_cancel_is_repeated_until_the_order_is_gone() -> None:
    """Fault F12: while the exchange is paused cancels are refused, too."""
    bench = canceling()
    waits = []
    for _ in range(8):
        bench.refuse(1, "trading_is_paused", 409)
        since = bench.now
        while bench.tick(0.5) == []:
            pass
        waits.append((bench.now - since) / SECOND)
    assert waits == [0.5, 1, 2, 4, 8, 10, 10, 10]
    bench.canceled(1, 10)
    assert bench.orders == {}


def test_not_found_on_a_cancel_proves_only_that_it_does_not_rest() -> None:
    """Fault F11: this one had been filled."""
    bench = canceling()
    assert bench.refuse(1, "not_found", 404) == ["ask about #1"]
    assert bench.order(1).open == 10 * CONTRACT
    bench.told(1, "executed", filled=10)
    assert bench.orders == {"#1": "closing"}
    read(bench, 3)
    bench.account(fills=(fill_of(bench.order(1), 10, bench.now),))
    assert (bench.orders, bench.position) == ({}, 10)


def test_a_cancelled_order_stays_until_what_had_filled_before_is_seen() -> None:
    """The exchange's answer comes before the WebSocket's fill."""
    bench = canceling()
    order = bench.order(1)
    bench.canceled(1, 6)
    assert (bench.orders, order.open) == ({"#1": "closing"}, 4 * CONTRACT)
    bench.fill(order, 4)
    assert (bench.orders, bench.position) == ({}, 4)


def test_a_websocket_end_before_the_answer_makes_the_answer_worth_nothing() -> None:
    bench = canceling()
    answer = OrderCanceled(bench.now, bench.order(1).request_id, "bot-run1-1", "X1", 1_000)
    bench.noticed(1, "canceled")
    assert bench.orders == {}
    assert bench.step(answer) == []
    assert bench.orders == {}


# -- an amend without an answer ----------------------------------------------------------------------------
def amending() -> Bench:
    bench = one_rests()
    bench.wishes["KXA"] = "50:20 |"
    bench.book("49:100 | 54:100")
    assert bench.tick() == ["amend #1 20@50"]
    return bench


def test_an_amend_under_way_counts_as_the_larger_of_old_and_new() -> None:
    bench = amending()
    know = bench.engine.know
    assert know.exposure.open_count("KXA", Side.BID) == 20 * CONTRACT
    assert know.exposure.of_market("KXA") == 20 * 51 * 10_000, "at the dearer of the two prices"


@pytest.mark.parametrize(("gone", "filled"), [(17, 3), (8, 12), (8, 2), (10, 0)])
def test_an_amend_in_doubt_is_resolved_by_a_cancel_and_a_question(gone: float, filled: float) -> None:
    bench = amending()
    bench.doubt(1)
    bench.wishes["KXA"] = "|"
    assert bench.tick(0.6) == ["cancel #1"]
    assert bench.order(1).open == 20 * CONTRACT
    assert bench.canceled(1, gone) == ["ask about #1"], "of ten or of twenty: how many had filled?"
    assert bench.order(1).open == 20 * CONTRACT
    order = bench.order(1)
    bench.told(1, "canceled", filled=filled)
    assert order.open == filled * CONTRACT
    if filled:
        bench.fill(order, filled)
    assert (bench.orders, bench.position) == ({}, filled)


def test_an_amend_of_what_is_gone_is_asked_about() -> None:
    """Fault F13: it filled while the amend was on its way."""
    bench = amending()
    assert bench.refuse(1, "not_found", 404) == ["ask about #1"]
    assert bench.order(1).open == 10 * CONTRACT, "the amend never took hold"
    bench.told(1, "executed", filled=10)
    bench.fill(bench.order(1), 10)
    assert (bench.orders, bench.position) == ({}, 10)


def test_a_refused_amend_leaves_the_order_as_it_was() -> None:
    bench = amending()
    bench.refuse(1, "invalid_order")
    assert bench.orders == {"#1": "resting"}
    assert (bench.order(1).price, bench.order(1).open) == (5_100, 10 * CONTRACT)


def test_fills_while_an_amend_is_under_way_are_counted_once() -> None:
    bench = amending()
    bench.fill(bench.order(1), 4)
    assert bench.order(1).open == 16 * CONTRACT
    bench.amended(1, filled=4)
    assert bench.order(1).open == 16 * CONTRACT


def test_more_fills_than_the_order_had_never_make_the_exposure_negative() -> None:
    bench = amending()
    bench.fill(bench.order(1), 21)
    assert bench.order(1).open == 0
    assert bench.position == 21
