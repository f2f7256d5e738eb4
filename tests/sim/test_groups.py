"""Order groups: what trips them, what they cancel, and what they say (protocol section 6)."""

from __future__ import annotations

import pytest

from mm.sim.switches import Switches
from mm.sim.venue import Venue
from mm.sim.words import COUNT_ONE, Group, GroupChanged
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

TEN = 10 * COUNT_ONE


def grouped(limit: int = TEN) -> tuple[Venue, Group]:
    venue = open_venue()
    return venue, venue.create_group("ann", limit)


def test_the_group_stops_when_its_matches_reach_the_limit_and_takes_all_its_orders_along() -> None:
    venue, group = grouped()
    add_market(venue, "OTHER")
    first = rest(venue, "ann", "bid 6 @ 50", order_group_id=group.group_id)
    second = rest(venue, "ann", "bid 9 @ 49", order_group_id=group.group_id)
    third = rest(venue, "ann", "ask 9 @ 70", order_group_id=group.group_id, ticker="OTHER")
    outside = rest(venue, "ann", "bid 5 @ 48")
    assert venue.group_orders("ann", group.group_id) == [one.order_id for one in (first, second, third)]
    place(venue, "bob", "ask 6 @ 50")
    assert not group.is_triggered and venue.group_matched("ann", group.group_id) == 600
    taken = place(venue, "bob", "ask 20 @ 48")
    assert group.is_triggered and taken.fill_count == 900 + 500
    assert (first.status, second.status, third.status) == ("executed", "executed", "canceled")
    assert (third.last_update_reason, outside.status) == ("", "executed")
    refused(400, "invalid_order", lambda: place(venue, "ann", "bid 1 @ 50", order_group_id=group.group_id))
    rest(venue, "ann", "bid 1 @ 10")
    venue.check()


def test_the_taker_does_not_go_on_once_its_group_is_stopped() -> None:
    venue, group = grouped()
    rest(venue, "bob", "ask 4 @ 50")
    rest(venue, "bob", "ask 7 @ 51")
    rest(venue, "bob", "ask 5 @ 52")
    behind = rest(venue, "ann", "bid 1 @ 40", order_group_id=group.group_id)
    taken = place(venue, "ann", "bid 30 @ 60", order_group_id=group.group_id)
    assert (taken.fill_count, taken.remaining_count, taken.order.status) == (1_100, 0, "canceled")
    assert taken.order.last_update_reason == "" and behind.status == "canceled"
    assert ladder(venue) == "| 52:5"
    venue.check()


def test_matches_leave_the_window_after_fifteen_seconds() -> None:
    venue, group = grouped()
    rest(venue, "bob", "ask 50 @ 50")
    start = venue.now
    place(venue, "ann", "bid 9 @ 50", order_group_id=group.group_id)
    venue.advance(start + 15 * SECOND - 1)
    assert venue.group_matched("ann", group.group_id) == 900
    venue.advance(start + 15 * SECOND)
    place(venue, "ann", "bid 9 @ 50", order_group_id=group.group_id)
    assert not group.is_triggered and venue.group_matched("ann", group.group_id) == 900
    venue.advance(start + 29 * SECOND)
    place(venue, "ann", "bid 1 @ 50", order_group_id=group.group_id)
    assert group.is_triggered
    venue.advance(start + 100 * SECOND)
    refused(400, "invalid_order", lambda: place(venue, "ann", "bid 1 @ 50", order_group_id=group.group_id))


def test_a_reset_starts_from_nothing() -> None:
    venue, group = grouped()
    rest(venue, "bob", "ask 50 @ 50")
    place(venue, "ann", "bid 10 @ 50", order_group_id=group.group_id)
    assert group.is_triggered
    venue.reset_group("ann", group.group_id)
    place(venue, "ann", "bid 9 @ 50", order_group_id=group.group_id)
    assert not group.is_triggered
    place(venue, "ann", "bid 1 @ 50", order_group_id=group.group_id)
    assert group.is_triggered


def test_an_operator_can_pull_it_and_it_says_each_thing_once() -> None:
    venue = open_venue(switches=Switches(group_triggered_status=409, group_triggered_code="group_stopped"))
    heard = listen(venue)
    group = venue.create_group("ann", TEN)
    order = rest(venue, "ann", "bid 1 @ 50", order_group_id=group.group_id, client_order_id="one")
    venue.trigger_group("ann", group.group_id)
    venue.trigger_group("ann", group.group_id)
    assert order.status == "canceled"
    again = {"order_group_id": group.group_id, "client_order_id": "two"}
    refused(409, "group_stopped", lambda: place(venue, "ann", "bid 1 @ 50", **again))
    venue.reset_group("ann", group.group_id)
    rest(venue, "ann", "bid 1 @ 50", **again)
    venue.set_group_limit("ann", group.group_id, 5 * COUNT_ONE)
    venue.delete_group("ann", group.group_id)
    assert ladder(venue) == "|" and venue.groups_of("ann") == []
    told = [(one.event_type, one.limit) for one in only(heard, GroupChanged)]
    assert told == [
        ("created", TEN),
        ("triggered", None),
        ("reset", None),
        ("limit_updated", 500),
        ("deleted", None),
    ]
    assert {(one.user_id, one.group_id) for one in only(heard, GroupChanged)} == {("ann", group.group_id)}
    refused(404, "not_found", lambda: place(venue, "ann", "bid 1 @ 50", order_group_id=group.group_id))


def test_a_limit_under_what_has_matched_stops_at_once() -> None:
    venue, group = grouped()
    rest(venue, "bob", "ask 50 @ 50")
    order = rest(venue, "ann", "bid 5 @ 40", order_group_id=group.group_id)
    place(venue, "ann", "bid 5 @ 50", order_group_id=group.group_id)
    venue.set_group_limit("ann", group.group_id, 6 * COUNT_ONE)
    assert not group.is_triggered
    venue.set_group_limit("ann", group.group_id, 5 * COUNT_ONE)
    assert group.is_triggered and order.status == "canceled"


@pytest.mark.parametrize("limit", [-1, 0, 99, 100_000_001])
def test_limits_are_one_to_a_million_contracts(limit: int) -> None:
    venue, group = grouped(1_000_000 * COUNT_ONE)
    refused(400, "bad_request", lambda: venue.create_group("ann", limit))
    refused(400, "bad_request", lambda: venue.set_group_limit("ann", group.group_id, limit))
    assert [one.limit for one in venue.groups_of("ann")] == [1_000_000 * COUNT_ONE]


def test_nobody_sees_another_members_group() -> None:
    venue, group = grouped()
    acts = (venue.group, venue.reset_group, venue.trigger_group, venue.delete_group, venue.group_orders)
    for act in acts:
        refused(404, "not_found", lambda act=act: act("bob", group.group_id))  # type: ignore[misc]
    refused(404, "not_found", lambda: place(venue, "bob", "bid 1 @ 50", order_group_id=group.group_id))
    assert venue.groups_of("bob") == [] and venue.groups_of("ann") == [group]


def test_a_group_belongs_to_one_subaccount() -> None:
    venue, group = grouped()
    number = venue.create_subaccount("ann")
    venue.transfer("ann", "t", 0, number, 100_000_000)
    theirs = venue.create_group("ann", TEN, number)
    refused(
        404,
        "not_found",
        lambda: place(venue, "ann", "bid 1 @ 50", order_group_id=group.group_id, subaccount=number),
    )
    order = rest(venue, "ann", "bid 1 @ 50", order_group_id=theirs.group_id, subaccount=number)
    refused(404, "not_found", lambda: venue.trigger_group("ann", theirs.group_id, 0))
    venue.trigger_group("ann", theirs.group_id, number)
    assert order.status == "canceled"
    assert venue.groups_of("ann", 0) == [group] and venue.groups_of("ann") == [group, theirs]
    refused(404, "user_not_found", lambda: venue.create_group("ann", TEN, 63))


def test_an_exchange_pause_lets_no_group_cancel_anything() -> None:
    venue, group = grouped()
    order = rest(venue, "ann", "bid 1 @ 50", order_group_id=group.group_id)
    venue.pause(exchange=True)
    refused(409, "trading_is_paused", lambda: venue.trigger_group("ann", group.group_id))
    refused(409, "trading_is_paused", lambda: venue.delete_group("ann", group.group_id))
    refused(409, "trading_is_paused", lambda: venue.set_group_limit("ann", group.group_id, TEN))
    assert venue.group_orders("ann", group.group_id) == [order.order_id] and not group.is_triggered
    venue.resume()
    venue.deactivate(MARKET)
    venue.trigger_group("ann", group.group_id)
    assert order.status == "canceled"
