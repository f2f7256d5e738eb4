"""An amend that would make a post-only order cross, in the three readings of a switch (sections 5.1, 5.2)."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest

from mm.sim.switches import AmendCross, Switches
from mm.sim.venue import Venue
from mm.sim.words import MONEY_ONE, Amended, Filled, Order
from tests.sim.faces import OPEN, Client, Face, spec
from tests.sim.stories import MARKET, ladder, listen, only, open_venue, place, refused, rest

MAKER_FEES = "quadratic_with_maker_fees"


def story(cross: AmendCross, **terms: Any) -> tuple[Venue, Order]:
    """Cat offers 2 at 52 and 1 at 53, bob 4 at 54; ann's post-only bid of 5 at 50 stands before bob's."""
    venue = open_venue(switches=Switches(post_only_cross_amend=cross), fee_type=MAKER_FEES, **terms)
    rest(venue, "cat", "ask 2 @ 52")
    rest(venue, "cat", "ask 1 @ 53")
    rest(venue, "bob", "ask 4 @ 54")
    order = rest(venue, "ann", "bid 5 @ 50", post_only=True, client_order_id="a1")
    rest(venue, "bob", "bid 1 @ 50")
    return venue, order


def amend(venue: Venue, order: Order, price: int, count: int, **terms: Any) -> Amended:
    return venue.amend(
        order.user_id, order.order_id, ticker=MARKET, side=order.side, price=price, count=count, **terms
    )


def test_refused_it_is_a_400_and_the_order_is_what_it_was() -> None:
    venue, order = story("refuse")
    heard = listen(venue)
    error = refused(
        400, "invalid_order", lambda: amend(venue, order, 5_300, 500, updated_client_order_id="a2")
    )
    assert error.details == "post only cross"
    assert heard == [] and ladder(venue) == "50:6 | 52:2 53:1 54:4"
    assert (order.price, order.request.client_order_id, order.last_update_reason) == (5_000, "a1", "")
    assert venue.queue_position(order.order_id) == 0
    rest(venue, "ann", "bid 1 @ 49", client_order_id="a2")  # the refused amend has not used it up


def test_canceled_it_ends_without_a_trade() -> None:
    venue, order = story("cancel")
    heard = listen(venue)
    amended = amend(venue, order, 5_300, 500)
    assert (amended.fill_count, amended.remaining_count, amended.average_price) == (0, 0, None)
    assert (order.status, order.last_update_reason) == ("canceled", "PostOnlyCrossCancel")
    assert not only(heard, Filled) and ladder(venue) == "50:1 | 52:2 53:1 54:4"
    assert venue.cash("ann") == 1_000 * MONEY_ONE


def test_taking_it_pays_as_a_taker_and_rests_with_what_is_left() -> None:
    venue, order = story("take")
    heard = listen(venue)
    amended = amend(venue, order, 5_300, 500)
    assert (amended.fill_count, amended.remaining_count, amended.size_changed) == (300, 200, True)
    assert amended.average_price == 5_233  # 2 at 52 and 1 at 53: the resting prices
    mine = [one for one in only(heard, Filled) if one.order is order]
    assert [(one.price, one.count, one.is_taker, one.post_position) for one in mine] == [
        (5_200, 200, True, 200),
        (5_300, 100, True, 300),
    ]
    theirs = [one.is_taker for one in only(heard, Filled) if one.order is not order]
    assert theirs == [False, False]
    assert ladder(venue) == "50:1 53:2 | 54:4"
    assert (order.status, order.filled, order.remaining, order.count) == ("resting", 300, 200, 500)
    # 0.07 * 2 * .52 * .48 = .034944, rounded to .0350; 0.07 * .53 * .47 = .017437, rounded to .0175, of which
    # the two roundings together pay back .0001 (section 12).
    assert [one.net_fee for one in mine] == [35_000, 17_400]
    assert (order.taker_cost, order.taker_fees) == (1_570_000, 52_400)
    assert (order.maker_cost, order.maker_fees) == (0, 0)
    assert venue.cash("ann") == 1_000 * MONEY_ONE - 1_570_000 - 52_400
    assert venue.positions_of("ann")[MARKET].count == 300


def test_what_is_left_queues_at_the_new_price_and_is_post_only_still() -> None:
    venue, order = story("take")
    amend(venue, order, 5_300, 500)
    behind = rest(venue, "cat", "bid 1 @ 53")
    assert (venue.queue_position(order.order_id), venue.queue_position(behind.order_id)) == (0, 200)
    place(venue, "bob", "ask 1 @ 53")
    assert (order.filled, order.maker_cost) == (400, 530_000)
    assert 0 < order.maker_fees < order.taker_fees // 3
    again = amend(venue, order, 5_400, 700)
    assert (again.fill_count, order.status, ladder(venue)) == (300, "executed", "50:1 53:1 | 54:1")


@pytest.mark.parametrize("cross", get_args(AmendCross))
def test_where_it_does_not_cross_no_reading_matters(cross: AmendCross) -> None:
    venue, order = story(cross)
    amended = amend(venue, order, 5_100, 500)
    assert (amended.fill_count, order.status) == (0, "resting")
    assert ladder(venue) == "50:1 51:5 | 52:2 53:1 54:4"


def test_an_amend_that_takes_must_be_payable_with_the_fee_of_a_taker() -> None:
    as_maker, as_taker = 2_650_000 + 21_797, 2_650_000 + 87_185  # 5 at 53, and a fee on them
    venue, order = story("take", cash=as_taker)
    assert amend(venue, order, 5_300, 500).fill_count == 300
    venue, order = story("take", cash=as_taker - 1)
    refused(400, "insufficient_balance", lambda: amend(venue, order, 5_300, 500))
    assert ladder(venue) == "50:6 | 52:2 53:1 54:4"
    venue, order = story("cancel", cash=as_maker)
    amend(venue, order, 5_300, 500)
    assert order.last_update_reason == "PostOnlyCrossCancel"


@pytest.mark.parametrize(("self_trade", "status"), [("taker_at_cross", "canceled"), ("maker", "resting")])
def test_an_amend_that_takes_never_trades_with_its_own_member(self_trade: str, status: str) -> None:
    venue = open_venue(switches=Switches(post_only_cross_amend="take"))
    mine = rest(venue, "ann", "ask 2 @ 52")
    order = rest(venue, "ann", "bid 5 @ 50", post_only=True, self_trade=self_trade)
    assert amend(venue, order, 5_200, 500).fill_count == 0
    ended = mine if status == "resting" else order
    assert (order.status, ended.last_update_reason) == (status, "SelfTradeCancel")
    assert venue.positions_of("ann") == {}


@pytest.mark.parametrize(
    ("cross", "status", "told"),
    [
        ("refuse", 400, None),
        ("cancel", 200, ("canceled", "0.00", "0.00", "PostOnlyCrossCancel")),
        ("take", 200, ("resting", "2.00", "3.00", "Trade")),
    ],
)
def test_both_faces_tell_what_became_of_it(cross: AmendCross, status: int, told: Any) -> None:
    face = Face(rules=Switches(post_only_cross_amend=cross))
    face.create("bob", "ask", "0.56", "2")
    order_id = face.create("ann", "bid", "0.40", "5", post_only=True)["order_id"]
    client = Client(face, "ann")
    client.subscribe("fill", "user_orders")
    client.new()
    body = {"ticker": OPEN, "side": "bid", "price": "0.56", "count": "5"}
    answer = face.ask("ann", "POST", f"/portfolio/events/orders/{order_id}/amend", body)
    said, frames = json.loads(answer.body), client.new()
    assert answer.status == status
    if told is None:
        assert (said["error"]["code"], frames) == ("invalid_order", [])
        return
    spec("openapi").check(said, "AmendOrderV2Response")
    (change,) = [one["msg"] for one in frames if one["type"] == "user_order"]
    names = ("status", "fill_count_fp", "remaining_count_fp", "last_update_reason")
    assert tuple(change[name] for name in names) == told
    assert (said["fill_count"], said["remaining_count"]) == told[1:3]
    fills = [one["msg"] for one in frames if one["type"] == "fill"]
    assert [(one["is_taker"], one["count_fp"]) for one in fills] == [(True, "2.00")] * (cross == "take")
