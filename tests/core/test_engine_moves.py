"""A quote that is wanted elsewhere: by an amend away from the market, by a new order towards it."""

from __future__ import annotations

from mm.core.actions import PlaceOrder
from mm.core.settings import DeskSettings, RiskLimits
from mm.core.units import CONTRACT
from tests.core.bench import Bench, engine_settings
from tests.core.test_engine_quoting import both_rest


def test_a_price_further_from_the_market_is_one_amend() -> None:
    bench = both_rest()
    bench.wishes["KXA"] = "50:10 | 53:10"
    bench.book("49:100 | 54:100")
    assert bench.tick() == ["amend #1 10@50"]
    assert bench.tick() == [], "one request an order at a time"
    bench.amended(1)
    assert bench.tick() == []
    assert bench.order(1).price == 5_000


def test_a_price_nearer_to_the_market_is_a_new_order_that_cannot_take() -> None:
    """An amend cannot be post-only: one that meets a quote of which we have not heard yet takes it."""
    bench = both_rest()
    bench.wishes["KXA"] = "52:10 | 53:10"
    bench.book("51:100 | 54:100")
    assert bench.tick() == ["cancel #1", "place #3 bid 10@52"]
    assert [action.post_only for action in bench.actions if isinstance(action, PlaceOrder)] == [True] * 3
    bench.canceled(1, 10)
    bench.refuse(3, "post_only_cross")
    assert bench.tick() == [], "the book will show what it would have met"
    assert bench.tick(1) == ["place #4 bid 10@52"]


def test_where_there_is_no_room_for_both_the_new_one_waits_until_the_old_one_is_gone() -> None:
    limits = RiskLimits(max_position=15 * CONTRACT)
    desk = DeskSettings("DEFAULT", "scripted", ("KXA",), limits)
    bench = Bench(engine_settings(desks=(desk,))).quoting(wishes="51:10 |")
    bench.tick()
    bench.ack(1)
    bench.wishes["KXA"] = "52:10 |"
    bench.book("51:90 | 54:100")
    assert bench.tick() == ["cancel #1", "place #2 bid 2@52"], "80 % of 15, of which 10 may still fill"
    bench.canceled(1, 10)
    bench.ack(2)
    assert bench.tick() == ["amend #2 10@52"]


def test_no_request_left_for_the_new_one_leaves_the_old_one_where_it_is() -> None:
    bench = both_rest()
    bench.wishes["KXA"] = "52:10 | 53:10"
    bench.book("51:100 | 54:100")
    assert bench.tick(orders=0) == []
    assert bench.tick(orders=1) == ["cancel #1", "place #3 bid 10@52"]


def test_a_smaller_wish_keeps_the_place_by_an_amend_and_no_wish_is_a_cancel() -> None:
    bench = both_rest()
    bench.wishes["KXA"] = "51:4 |"
    bench.book("50:90 | 54:100")
    assert bench.tick() == ["cancel #2", "amend #1 4@51"]


def test_when_the_market_jumps_the_far_side_moves_first_so_that_we_never_meet_ourselves() -> None:
    bench = both_rest()
    bench.wishes["KXA"] = "54:10 | 56:10"
    bench.book("53:100 | 57:100")
    assert bench.tick() == ["amend #2 10@56"]
    bench.amended(2)
    assert bench.tick() == ["cancel #1", "place #3 bid 10@54"]
