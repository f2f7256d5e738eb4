"""Where an order should move and must not be amended, it is taken away: no stale quote is left to be hit."""

from __future__ import annotations

from mm.core.actions import AmendOrder
from mm.core.units import CENT, CONTRACT, MONEY_DOLLAR
from tests.core.bench import Bench, engine_settings


def refused_to_move() -> Bench:
    """A bid at 52 was to go to 51 and was refused, so nothing new is sent on its side for a second."""
    bench = Bench().quoting(wishes="52:10 | 55:10")
    bench.tick()
    bench.ack(1)
    bench.ack(2)
    bench.wishes["KXA"] = "51:10 | 55:10"
    bench.book("50:90 | 57:100")
    assert bench.tick() == ["amend #1 10@51"]
    bench.refuse(1, "invalid_order")
    return bench


def test_a_quote_that_must_move_while_nothing_new_is_sent_goes_at_once() -> None:
    """The market that refuses us is the one that moves fast: a minute at the old price is a gift."""
    bench = refused_to_move()
    bench.wishes["KXA"] = "41:10 | 43:10"
    bench.book("40:100 | 44:100")
    assert bench.tick() == ["cancel #1"], "and the ask does not yet come down to our own bid"
    bench.canceled(1, 10)
    assert bench.tick(0.5) == ["place #3 ask 10@43"], "nobody refused that"
    assert bench.tick(0.6) == ["place #4 bid 10@41"]


def test_a_quote_that_is_only_to_come_nearer_stays_where_it_is_meanwhile() -> None:
    """What rests gives away less than what is wanted."""
    bench = refused_to_move()
    bench.wishes["KXA"] = "53:10 | 55:10"
    bench.book("50:100 | 57:100")
    assert bench.tick(0.5) == []
    assert bench.tick(0.6) == ["place #3 bid 10@53"]


def test_a_quote_that_is_to_be_smaller_while_nothing_new_is_sent_goes_at_once() -> None:
    bench = refused_to_move()
    bench.wishes["KXA"] = "52:2 | 55:10"
    bench.book("50:90 | 54:100")
    assert bench.tick(0.6) == ["cancel #1"]


def test_a_quote_that_is_only_to_be_larger_keeps_its_place_meanwhile() -> None:
    bench = refused_to_move()
    bench.wishes["KXA"] = "52:10 | 55:10"
    bench.fill(bench.order(1), 8)
    assert bench.tick(0.6) == []
    assert bench.orders == {"#1": "resting", "#2": "resting"}
    assert bench.tick(0.5) == ["amend #1 18@52"]


def test_an_order_that_would_outgrow_the_cap_on_contracts_is_replaced() -> None:
    """The last check before the wire counts all that an order was ever for, filled or not (control C01): an
    order that is filled and topped up all day would be refused there, again and again."""
    bench = Bench(engine_settings(hard_cap_count=25 * CONTRACT)).quoting(wishes="51:10 |")
    bench.tick()
    bench.ack(1)
    bench.fill(bench.order(1), 8)
    assert bench.tick() == ["amend #1 18@51"]
    bench.amended(1, filled=8)
    bench.fill(bench.order(1), 8)
    assert bench.tick() == ["cancel #1"], "16 filled and 10 more would be 26"
    bench.canceled(1, 2)
    assert bench.tick() == ["place #2 bid 10@51"]
    assert all(a.count <= 25 * CONTRACT for a in bench.actions if isinstance(a, AmendOrder))


def test_an_order_that_would_outgrow_the_cap_on_dollars_is_replaced() -> None:
    """An order that is filled and topped up may come to cost more than one order ever may."""
    bench = Bench(engine_settings(hard_cap_value=10 * MONEY_DOLLAR)).quoting(wishes="| 55:10")
    bench.tick()
    bench.ack(1)
    bench.fill(bench.order(1), 8)
    assert bench.tick() == ["amend #1 18@55"], "18 contracts may lose 45 cents each"
    bench.amended(1, filled=8)
    bench.fill(bench.order(1), 8)
    assert bench.tick() == ["cancel #1"], "26 contracts would lose 11.70 dollars"
    assert bench.order(1).price == 55 * CENT
