"""Creating orders: every row of the outcome matrix (protocol sections 5.1, 5.4, 5.5, 11)."""

from __future__ import annotations

import pytest

from mm.sim.switches import Switches
from mm.sim.words import BookChanged, Filled, OrderChanged, PositionChanged, TickerChanged, Traded
from tests.sim.stories import (
    MARKET,
    SECOND,
    add_market,
    ladder,
    listen,
    only,
    open_venue,
    place,
    refused,
    rest,
)


def test_a_taker_pays_the_resting_price_as_recorded() -> None:
    venue = open_venue()
    rest(venue, "ann", "ask 1 @ 52")
    placed = place(venue, "bob", "bid 1 @ 99", time_in_force="immediate_or_cancel")
    assert (placed.order.status, placed.fill_count, placed.remaining_count) == ("executed", 100, 0)
    assert (placed.average_price, placed.average_fee) == (5_200, 175)
    assert (placed.order.price, placed.order.taker_cost, placed.order.taker_fees) == (9_900, 520_000, 17_500)
    assert venue.cash("bob") == 1_000_000_000 - 520_000 - 17_500
    venue.check()


def test_an_immediate_order_without_a_match_ends_empty() -> None:
    venue = open_venue()
    placed = place(venue, "bob", "bid 1 @ 50", time_in_force="immediate_or_cancel")
    assert (placed.order.status, placed.fill_count, placed.remaining_count) == ("canceled", 0, 0)
    assert placed.average_price is None and ladder(venue) == "|"


@pytest.mark.parametrize("status", ["canceled", "executed"])
def test_a_partly_filled_immediate_order_ends_as_the_switch_says(status: str) -> None:
    venue = open_venue(switches=Switches(partly_filled_ioc_status=status))  # type: ignore[arg-type]
    rest(venue, "ann", "ask 1 @ 50")
    heard = listen(venue)
    placed = place(venue, "bob", "bid 3 @ 50", time_in_force="immediate_or_cancel")
    assert (placed.order.status, placed.order.filled, placed.remaining_count) == (status, 100, 0)
    assert only(heard, OrderChanged)[-1].order is placed.order


def test_fill_or_kill_is_all_or_a_409_and_uses_up_its_id() -> None:
    venue = open_venue()
    rest(venue, "ann", "ask 2 @ 50")
    rest(venue, "ann", "ask 2 @ 51")
    kill = {"time_in_force": "fill_or_kill", "client_order_id": "once"}
    refused(
        409, "fill_or_kill_insufficient_resting_volume", lambda: place(venue, "bob", "bid 4 @ 50", **kill)
    )
    assert venue.orders_of("bob") == []
    refused(409, "order_already_exists", lambda: place(venue, "bob", "bid 4 @ 51", **kill))
    placed = place(venue, "bob", "bid 4 @ 51", time_in_force="fill_or_kill")
    assert placed.order.status == "executed"


def test_fill_or_kill_that_meets_an_own_order_behaves_like_immediate() -> None:
    venue = open_venue()
    rest(venue, "ann", "ask 1 @ 50")
    rest(venue, "bob", "ask 1 @ 51")
    placed = place(venue, "bob", "bid 2 @ 51", time_in_force="fill_or_kill")
    assert (placed.fill_count, placed.order.last_update_reason) == (100, "SelfTradeCancel")


def test_a_post_only_cross_is_a_400_and_leaves_nothing_behind() -> None:
    venue = open_venue()
    rest(venue, "ann", "ask 1 @ 50")
    terms = {"post_only": True, "client_order_id": "mine"}
    error = refused(400, "invalid_order", lambda: place(venue, "bob", "bid 1 @ 50", **terms))
    assert error.details == "post only cross"
    rest(venue, "bob", "bid 1 @ 49", **terms)


def test_a_post_only_cross_may_be_accepted_and_canceled() -> None:
    venue = open_venue(switches=Switches(post_only_cross="cancel"))
    rest(venue, "ann", "ask 1 @ 50")
    placed = place(venue, "bob", "bid 1 @ 50", post_only=True)
    assert placed.order.status == "canceled"
    assert placed.order.last_update_reason == "PostOnlyCrossCancel" and ladder(venue) == "| 50:1"


def test_taker_at_cross_stops_before_its_own_order() -> None:
    venue = open_venue()
    rest(venue, "ann", "ask 1 @ 49")
    own = rest(venue, "bob", "ask 5 @ 50")
    placed = place(venue, "bob", "bid 3 @ 50", self_trade="taker_at_cross")
    assert (placed.fill_count, placed.remaining_count, placed.order.status) == (100, 0, "canceled")
    assert placed.order.last_update_reason == "SelfTradeCancel" and own.status == "resting"


def test_the_takers_word_maker_takes_its_own_order_away_and_goes_on() -> None:
    venue = open_venue()
    own = rest(venue, "bob", "ask 5 @ 50", self_trade="taker_at_cross")
    rest(venue, "ann", "ask 1 @ 50")
    placed = place(venue, "bob", "bid 3 @ 50", self_trade="maker")
    assert (own.status, own.last_update_reason) == ("canceled", "SelfTradeCancel")
    assert (placed.fill_count, placed.remaining_count) == (100, 200)
    venue.check()


def test_reduce_only_is_capped_to_the_position_it_closes() -> None:
    venue = open_venue()
    rest(venue, "ann", "ask 2 @ 50")
    place(venue, "bob", "bid 2 @ 50")
    rest(venue, "ann", "bid 9 @ 48")
    terms = {"reduce_only": True, "time_in_force": "immediate_or_cancel"}
    placed = place(venue, "bob", "ask 5 @ 48", **terms)
    assert (placed.fill_count, placed.order.count, placed.remaining_count) == (200, 500, 0)
    assert placed.order.last_update_reason == "ReduceOnlyCancel"
    assert venue.positions_of("bob")[MARKET].count == 0
    assert place(venue, "bob", "ask 5 @ 48", **terms).fill_count == 0


@pytest.mark.parametrize(
    ("text", "terms", "code"),
    [
        ("bid 0 @ 50", {}, "invalid_order_size"),
        ("bid 1 @ 50.5", {}, "invalid_price"),
        ("bid 1 @ 0", {}, "invalid_price"),
        ("bid 1 @ 100", {}, "invalid_price"),
        ("bid 1 @ 50", {"reduce_only": True}, "invalid_order"),
        ("bid 1 @ 50", {"expiration_s": 99, "time_in_force": "immediate_or_cancel"}, "invalid_order"),
        ("bid 1 @ 50", {"expiration_s": 10}, "invalid_order"),
        ("bid 2000 @ 99", {}, "insufficient_balance"),
    ],
)
def test_what_is_refused_with_400(text: str, terms: dict[str, object], code: str) -> None:
    venue = open_venue(start=10 * SECOND)
    refused(400, code, lambda: place(venue, "bob", text, client_order_id="again", **terms))
    rest(venue, "bob", "bid 1 @ 50", client_order_id="again")  # a refusal does not use up the id


def test_unknown_things_are_404() -> None:
    venue = open_venue()
    refused(404, "user_not_found", lambda: place(venue, "nobody", "bid 1 @ 50"))
    refused(404, "market_not_found", lambda: place(venue, "bob", "bid 1 @ 50", ticker="KXNONE"))
    refused(404, "user_not_found", lambda: place(venue, "bob", "bid 1 @ 50", subaccount=3))
    refused(404, "not_found", lambda: place(venue, "bob", "bid 1 @ 50", order_group_id="none"))


def test_a_client_order_id_is_never_free_again_but_belongs_to_its_account() -> None:
    venue = open_venue()
    order = rest(venue, "bob", "bid 1 @ 50", client_order_id="x")
    venue.cancel("bob", order.order_id)
    refused(409, "order_already_exists", lambda: place(venue, "bob", "bid 1 @ 50", client_order_id="x"))
    rest(venue, "ann", "bid 1 @ 50", client_order_id="x")


def test_the_grid_of_a_tapered_market() -> None:
    venue = open_venue(structure="tapered_deci_cent")
    rest(venue, "ann", "bid 1 @ 9.9")
    rest(venue, "ann", "ask 1 @ 90.1")
    refused(400, "invalid_price", lambda: place(venue, "ann", "bid 1 @ 10.1"))
    refused(400, "invalid_price", lambda: place(venue, "ann", "bid 1 @ 9.95"))


def test_the_entry_check_is_net_of_the_position_an_order_closes() -> None:
    venue = open_venue(cash=51_750_000)  # 100 contracts at .50 and their fee of 1.75
    rest(venue, "ann", "ask 100 @ 50")
    place(venue, "bob", "bid 100 @ 50")
    assert venue.cash("bob") == 0
    refused(400, "insufficient_balance", lambda: place(venue, "bob", "bid 1 @ 1"))
    rest(venue, "bob", "ask 100 @ 40")
    refused(400, "insufficient_balance", lambda: place(venue, "bob", "ask 300 @ 60"))


def test_resting_orders_lock_no_cash_and_die_at_the_match_when_it_is_gone() -> None:
    venue = open_venue(cash=60_000_000)
    add_market(venue, "KXRAIN-26NOV21-T2")
    quote = rest(venue, "bob", "bid 100 @ 50")
    other = rest(venue, "bob", "bid 100 @ 50", ticker="KXRAIN-26NOV21-T2")
    place(venue, "ann", "ask 100 @ 50", ticker="KXRAIN-26NOV21-T2")
    assert other.status == "executed" and venue.cash("bob") == 10_000_000
    behind = rest(venue, "ann", "bid 5 @ 49")
    placed = place(venue, "cat", "ask 30 @ 49")
    assert (quote.status, quote.last_update_reason, quote.filled) == ("canceled", "MarginCancel", 0)
    assert placed.fill_count == 500 and behind.status == "executed"
    venue.check()


def test_a_switch_locks_cash_for_resting_orders() -> None:
    venue = open_venue(cash=60_000_000, switches=Switches(resting_orders_lock_cash=True))
    order = rest(venue, "bob", "bid 100 @ 50")
    refused(400, "insufficient_balance", lambda: place(venue, "bob", "bid 100 @ 50"))
    venue.amend("bob", order.order_id, ticker=MARKET, side="bid", price=5_100, count=10_000)


def test_a_taker_that_cannot_pay_the_match_is_canceled() -> None:
    # 0.55 and a fee of 0.017325 pass the entry check; rounded to whole cents it is 0.57 at the match.
    venue = open_venue(cash=567_400, switches=Switches(balance_unit=10_000))
    rest(venue, "ann", "ask 1 @ 55")
    placed = place(venue, "bob", "bid 1 @ 55")
    assert (placed.order.status, placed.order.last_update_reason) == ("canceled", "MarginCancel")
    assert (placed.fill_count, venue.cash("bob"), ladder(venue)) == (0, 567_400, "| 55:1")
    venue.check()


def test_one_match_is_told_to_everybody_it_concerns() -> None:
    venue = open_venue()
    maker = rest(venue, "ann", "ask 3 @ 50")
    heard = listen(venue)
    taker = place(venue, "bob", "bid 2 @ 50").order
    change = only(heard, BookChanged)[0]
    assert (change.side, change.price, change.change, change.order) == ("ask", 5_000, -200, taker)
    trade = only(heard, Traded)[0]
    fills = only(heard, Filled)
    assert {(fill.order.order_id, fill.is_taker, fill.post_position) for fill in fills} == {
        (taker.order_id, True, 200),
        (maker.order_id, False, -200),
    }
    assert {fill.trade_id for fill in fills} == {trade.trade_id}
    assert [one.user_id for one in only(heard, PositionChanged)] == ["bob", "ann"]
    assert only(heard, TickerChanged) and len(only(heard, OrderChanged)) == 2
    market = venue.markets[MARKET]
    assert (market.volume, market.open_interest, market.last_price, market.last_trade_size) == (
        200,
        200,
        5_000,
        200,
    )
