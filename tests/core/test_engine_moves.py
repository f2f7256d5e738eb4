"""A quote that is wanted elsewhere: by an amend away from the market, by a new order towards it."""

from __future__ import annotations

import pytest

from mm.core.actions import CancelOrder, PlaceOrder
from mm.core.settings import DeskSettings, RiskLimits
from mm.core.units import CONTRACT, MONEY_DOLLAR
from tests.core.bench import Bench, engine_settings
from tests.core.test_engine_quoting import both_rest


def bid_rests(limits: RiskLimits | None = None, cash: float = 1_000) -> Bench:
    """One bid of 10 at 51, and nothing else wanted."""
    desk = DeskSettings("DEFAULT", "scripted", ("KXA",), limits or RiskLimits())
    bench = Bench(engine_settings(desks=(desk,)))
    bench.cash = round(cash * MONEY_DOLLAR)
    bench.quoting(wishes="51:10 |")
    bench.tick()
    bench.ack(1)
    return bench


def wanted(bench: Bench, wishes: str, book: str = "48:100 | 57:100") -> None:
    """Another wish, and news that let it be asked for."""
    bench.wishes["KXA"] = wishes
    bench.book(book)


def test_a_price_further_from_the_market_is_one_amend() -> None:
    bench = both_rest()
    wanted(bench, "50:10 | 53:10")
    assert bench.tick() == ["amend #1 10@50"]
    assert bench.tick() == [], "one request an order at a time"
    bench.amended(1)
    assert bench.tick() == []
    assert bench.order(1).price == 5_000


def test_a_price_nearer_to_the_market_is_a_new_order_that_cannot_take() -> None:
    """An amend cannot be post-only: one that meets a quote of which we have not heard yet takes it."""
    bench = both_rest()
    wanted(bench, "52:10 | 53:10")
    assert bench.tick() == ["place #3 bid 10@52"]
    assert [action.post_only for action in bench.actions if isinstance(action, PlaceOrder)] == [True] * 3
    assert bench.tick() == [], "until it rests the old one is our quote"
    bench.ack(3)
    assert bench.tick() == ["cancel #1"]
    bench.canceled(1, 10)
    assert bench.tick(1) == []


def test_where_the_new_one_would_have_met_somebody_the_old_one_stays_and_may_retreat() -> None:
    """The market has moved towards us: the next wish is mostly further away, and that can meet nobody."""
    bench = bid_rests()
    wanted(bench, "52:10 |")
    assert bench.tick() == ["place #2 bid 10@52"]
    bench.refuse(2, "post_only_cross")
    assert bench.tick() == [], "the book will show what it would have met"
    assert bench.orders == {"#1": "resting"}
    wanted(bench, "50:10 |", "48:100 | 52:100")
    assert bench.tick() == ["amend #1 10@50"]
    bench.amended(1)
    wanted(bench, "51:10 |", "48:100 | 53:100")
    assert bench.tick(0.5) == []
    assert bench.tick(0.5) == ["place #3 bid 10@51"]


def test_orders_that_would_meet_somebody_are_tried_again_ever_more_slowly() -> None:
    """Fault F18: the same refusal at most three times in a minute; the old quote rests all the while."""
    bench = bid_rests()
    wanted(bench, "52:10 |")
    placed = 0
    for _ in range(60 * 4):
        for _ in bench.tick(0.25):
            placed += 1
            bench.refuse(1 + placed, "post_only_cross")
    assert placed == 3
    assert bench.orders == {"#1": "resting"}
    runs = bench.engine.know.breaker.measures.desks["DEFAULT"].worst_rejects
    assert runs == (3, "KXA: post_only_cross")


def test_while_it_is_not_known_whether_the_new_one_came_to_be_the_old_one_quotes() -> None:
    bench = bid_rests()
    wanted(bench, "52:10 |")
    assert bench.tick() == ["place #2 bid 10@52"]
    bench.doubt(2)
    assert bench.tick(1) == ["ask about #2"]
    bench.told(2, "absent")
    wanted(bench, "49:10 |", "48:100 | 52:100")
    assert bench.tick() == ["amend #1 10@49"], "no gift either"
    bench.amended(1)
    bench.noticed(2, "resting", remaining=10)
    assert bench.tick() == ["cancel #2"]


def test_a_wish_that_goes_back_while_the_new_one_is_under_way_keeps_the_place_in_the_queue() -> None:
    bench = bid_rests()
    wanted(bench, "52:10 |")
    assert bench.tick() == ["place #2 bid 10@52"]
    wanted(bench, "51:10 |", "47:100 | 57:100")
    assert bench.tick() == []
    bench.ack(2)
    assert bench.tick() == ["cancel #2"]
    assert bench.orders == {"#1": "resting", "#2": "pending_cancel"}


def test_a_wish_that_runs_ahead_is_followed_one_new_order_at_a_time() -> None:
    bench = bid_rests()
    for which, cents in ((2, 52), (3, 54)):
        wanted(bench, f"{cents}:10 |")
        assert bench.tick()[-1] == f"place #{which} bid 10@{cents}"
        wanted(bench, f"{cents + 1}:10 |", "47:100 | 57:100")
        assert bench.tick() == []
        bench.ack(which)
        wanted(bench, f"{cents}:10 |")
        assert bench.tick() == [f"cancel #{which - 1}"]
        bench.canceled(which - 1, 10)
    assert bench.orders == {"#3": "resting"}


def test_both_count_until_the_old_one_is_gone_so_where_there_is_no_room_it_goes_first() -> None:
    bench = bid_rests(RiskLimits(max_position=15 * CONTRACT))
    wanted(bench, "52:10 |")
    assert bench.tick() == ["cancel #1"], "80 % of 15, of which 10 may still fill"
    assert [action.reason for action in bench.actions if isinstance(action, CancelOrder)] == [
        "price; no room for both"
    ]
    assert bench.tick() == []
    bench.canceled(1, 10)
    assert bench.tick() == ["place #3 bid 10@52"]


@pytest.mark.parametrize(
    ("cash", "done"),
    [(10.30, ["place #2 bid 10@52"]), (10.29, ["cancel #1"]), (5.20, ["cancel #1"]), (5.19, [])],
)
def test_what_the_cash_bears_says_whether_the_old_one_stays_goes_first_or_is_all_there_is(
    cash: float, done: list[str]
) -> None:
    """Ten at 51 may cost 5.10, ten at 52 5.20. A quote a cent away is better than none."""
    bench = bid_rests(cash=cash)
    wanted(bench, "52:10 |")
    assert [line.replace("#3", "#2") for line in bench.tick()] == done
    if not done:
        assert bench.tick(2) == []
        assert bench.orders == {"#1": "resting"}


def test_no_request_left_for_the_new_one_leaves_the_old_one_where_it_is() -> None:
    bench = both_rest()
    wanted(bench, "52:10 | 53:10")
    assert bench.tick(orders=0) == []
    assert bench.tick(orders=1) == ["place #3 bid 10@52"]


def test_an_old_one_that_fills_meanwhile_is_made_up_for_by_the_new_one() -> None:
    bench = bid_rests()
    wanted(bench, "52:10 |")
    assert bench.tick() == ["place #2 bid 10@52"]
    bench.fill(bench.order(1), 10)
    assert bench.tick() == []
    bench.ack(2)
    assert bench.tick(1) == []
    assert bench.orders == {"#2": "resting"}


def test_a_smaller_wish_keeps_the_place_by_an_amend_and_no_wish_is_a_cancel() -> None:
    bench = both_rest()
    wanted(bench, "51:4 |")
    assert bench.tick() == ["cancel #2", "amend #1 4@51"]


def test_when_the_market_jumps_the_far_side_moves_first_so_that_we_never_meet_ourselves() -> None:
    bench = both_rest()
    wanted(bench, "54:10 | 56:10")
    assert bench.tick() == ["amend #2 10@56"]
    bench.amended(2)
    assert bench.tick() == ["place #3 bid 10@54"]
