"""Amend, decrease, cancel, cancel-all, and the place in the queue (protocol sections 5.2, 5.3, 6)."""

from __future__ import annotations

import pytest

from mm.sim.switches import Switches
from mm.sim.venue import Venue
from mm.sim.words import Amended, Order
from tests.sim.stories import MARKET, SECOND, ladder, open_venue, place, refused, rest


def amend(venue: Venue, order: Order, price: int, count: int, **terms: object) -> Amended:
    return venue.amend(
        order.user_id,
        order.order_id,
        ticker=MARKET,
        side=order.side,
        price=price,
        count=count,
        **terms,  # type: ignore[arg-type]
    )


def two_in_a_queue() -> tuple[Venue, Order, Order]:
    venue = open_venue()
    return venue, rest(venue, "ann", "bid 5 @ 50"), rest(venue, "bob", "bid 5 @ 50")


@pytest.mark.parametrize(
    ("price", "count", "ahead_of_ann", "ahead_of_bob"),
    [(5_000, 300, 0, 300), (5_000, 500, 0, 500), (5_000, 600, 500, 0), (4_900, 500, 0, 0)],
)
def test_only_a_smaller_size_at_the_same_price_keeps_the_place(
    price: int, count: int, ahead_of_ann: int, ahead_of_bob: int
) -> None:
    venue, ann, bob = two_in_a_queue()
    amended = amend(venue, ann, price, count)
    assert amended.remaining_count == count == ann.count and amended.size_changed == (count != 500)
    assert venue.queue_position(ann.order_id) == ahead_of_ann
    assert venue.queue_position(bob.order_id) == ahead_of_bob
    venue.check()


def test_the_count_of_an_amend_is_the_total_with_what_has_filled() -> None:
    venue, ann, _ = two_in_a_queue()
    place(venue, "cat", "ask 2 @ 50")
    amended = amend(venue, ann, 5_000, 400)
    assert (amended.fill_count, amended.remaining_count, ann.filled) == (0, 200, 200)
    refused(400, "invalid_order_size", lambda: amend(venue, ann, 5_000, 200))
    venue.check()


def test_a_crossing_amend_fills_as_taker() -> None:
    venue, ann, _ = two_in_a_queue()
    rest(venue, "cat", "ask 2 @ 52")
    amended = amend(venue, ann, 5_200, 500)
    assert (amended.fill_count, amended.average_price, amended.remaining_count) == (200, 5_200, 300)
    assert ann.taker_fees > 0 and ladder(venue) == "50:5 52:3 |"
    venue.check()


def test_an_amend_names_the_order_it_means() -> None:
    venue = open_venue()
    order = rest(venue, "ann", "bid 5 @ 50", client_order_id="a1")
    rest(venue, "ann", "bid 5 @ 50", client_order_id="a2")
    wrong = [
        ({"side": "ask"}, "order_side_mismatch"),
        ({"ticker": "KXOTHER"}, "order_ticker_mismatch"),
        ({"client_order_id": "a2"}, "order_id_and_client_order_id_mismatch"),
    ]
    for terms, code in wrong:
        full = {"ticker": MARKET, "side": "bid", "price": 5_000, "count": 500} | terms
        refused(400, code, lambda full=full: venue.amend("ann", order.order_id, **full))  # type: ignore[misc]
    refused(
        404,
        "not_found",
        lambda: venue.amend("bob", order.order_id, ticker=MARKET, side="bid", price=1, count=1),
    )
    refused(
        409, "order_already_exists", lambda: amend(venue, order, 5_000, 500, updated_client_order_id="a2")
    )
    amend(venue, order, 5_000, 500, client_order_id="a1", updated_client_order_id="a3")
    assert order.request.client_order_id == "a3"
    refused(409, "order_already_exists", lambda: place(venue, "ann", "bid 1 @ 40", client_order_id="a1"))


def test_an_amend_moves_or_removes_the_expiry_without_losing_the_place() -> None:
    venue = open_venue()
    ann = rest(venue, "ann", "bid 5 @ 50", expiration_s=10)
    bob = rest(venue, "bob", "bid 5 @ 50", expiration_s=10)
    amend(venue, ann, 5_000, 500, expiration_s=20)
    amend(venue, bob, 5_000, 500, expiration_s=0)
    assert venue.queue_position(bob.order_id) == 500
    venue.advance(15 * SECOND)
    assert ann.status == bob.status == "resting"
    venue.advance(3_000 * SECOND)
    assert (ann.status, ann.last_update_reason, ann.updated_ns) == ("canceled", "ExpiryCancel", 20 * SECOND)
    assert bob.status == "resting"


def test_decrease_keeps_the_place_and_down_to_nothing_is_a_cancel() -> None:
    venue, ann, bob = two_in_a_queue()
    assert venue.decrease("ann", ann.order_id, reduce_by=100).remaining == 400
    assert venue.decrease("ann", ann.order_id, reduce_to=100).remaining == 100
    assert (venue.queue_position(ann.order_id), venue.queue_position(bob.order_id)) == (0, 100)
    refused(400, "bad_request", lambda: venue.decrease("ann", ann.order_id))
    refused(400, "bad_request", lambda: venue.decrease("ann", ann.order_id, reduce_by=1, reduce_to=1))
    refused(400, "invalid_order_size", lambda: venue.decrease("ann", ann.order_id, reduce_to=200))
    assert venue.decrease("ann", ann.order_id, reduce_to=0).status == "canceled"
    venue.check()


def test_unknown_canceled_executed_and_foreign_are_one_and_the_same_404() -> None:
    venue, ann, bob = two_in_a_queue()
    order, reduced_by = venue.cancel("ann", ann.order_id)
    assert (order.status, reduced_by, order.remaining, order.count) == ("canceled", 500, 0, 500)
    assert order.last_update_reason == ""
    place(venue, "cat", "ask 5 @ 50")
    assert bob.status == "executed"
    bodies = set()
    for user, order_id in (("ann", ann.order_id), ("bob", bob.order_id), ("cat", "nothing")):
        error = refused(404, "not_found", lambda user=user, order_id=order_id: venue.cancel(user, order_id))  # type: ignore[misc]
        bodies.add((error.message, error.details))
    assert len(bodies) == 1
    other = rest(venue, "ann", "bid 1 @ 50")
    refused(404, "not_found", lambda: venue.cancel("bob", other.order_id))


def test_cancel_all_sweeps_the_members_orders_only() -> None:
    venue, ann, bob = two_in_a_queue()
    rest(venue, "ann", "ask 1 @ 60")
    venue.cancel_all("ann")
    assert ann.status == "canceled" and bob.status == "resting" and ladder(venue) == "50:5 |"
    rest(venue, "ann", "bid 1 @ 50")
    venue.advance(120 * SECOND)
    assert ladder(venue) == "50:6 |"


def test_the_tail_of_a_cancel_all_may_sweep_what_came_later() -> None:
    tail = Switches(cancel_all_tail_ns=60 * SECOND, cancel_all_tail_share=1.0)
    venue = open_venue(switches=tail)
    venue.cancel_all("ann")
    venue.advance(30 * SECOND)
    caught = rest(venue, "ann", "bid 1 @ 50")
    venue.advance(60 * SECOND)
    late = rest(venue, "ann", "bid 1 @ 50")
    venue.advance(600 * SECOND)
    assert caught.status == "canceled" and 30 * SECOND <= caught.updated_ns <= 60 * SECOND
    assert late.status == "resting"
