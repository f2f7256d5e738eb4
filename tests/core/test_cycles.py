"""The throttle of repeated execution (control C08) counts what is taken and put up again, in any bites."""

from __future__ import annotations

import msgspec
import pytest

from mm.core.units import SECOND
from tests.core.bench import CALM, Bench, engine_settings


def one_rests(cycles: int) -> Bench:
    limits = msgspec.structs.replace(CALM, market_cycles=cycles, cycle_window=60 * SECOND)
    bench = Bench(engine_settings(breaker=limits)).quoting(wishes="51:10 |")
    bench.tick()
    bench.ack(1)
    return bench


def bitten(bench: Bench, contracts: float, number: int) -> None:
    """A taker leaves some of the order, and it is topped up if that is little."""
    order = bench.order(1)
    bench.fill(order, contracts, trade_id=f"bite{number}")
    if bench.tick(1)[:1] == [f"amend #1 {order.next_count / 100:g}@51"]:
        bench.amended(1, filled=order.filled / 100)


@pytest.mark.parametrize(("contracts", "bites"), [(9.5, 8), (6, 8), (3, 16)])
def test_an_order_that_is_topped_up_again_and_again_is_a_cycle_for_each_quotes_worth(
    contracts: float, bites: int
) -> None:
    """It never fills in full: without this a patient taker has a maker for ever, at any price."""
    bench = one_rests(cycles=4)
    for number in range(bites):
        assert bench.engine.mode.value == "quoting"
        bitten(bench, contracts, number)
    bench.tick()
    desk = bench.engine.know.breaker.trips["DEFAULT"]
    assert list(desk) == ["market_cycles"]


def test_a_move_without_fills_and_a_few_fills_among_many_moves_are_no_cycles() -> None:
    bench = one_rests(cycles=2)
    bench.fill(bench.order(1), 3)
    for second in range(40):
        bench.wishes["KXA"] = f"{50 + second % 2}:10 |"
        bench.book(f"49:{100 + second} | 54:100")
        for line in bench.tick(1):
            what, number, *_ = line.split()
            which = int(number[1:])
            if what == "amend":
                bench.amended(which, filled=bench.order(which).filled / 100)
            elif what == "place":
                bench.ack(which)
            else:
                bench.canceled(which, bench.order(which).open / 100)
    assert bench.engine.know.breaker.measures.cycles == 0


def test_a_quote_that_is_all_but_taken_and_comes_nearer_each_time_is_put_up_again() -> None:
    """It never fills in full either: what had filled of the order that is replaced goes on counting."""
    bench = one_rests(cycles=4)
    bench.book("40:100 | 60:100")
    rests = 1
    for cents in range(52, 57):
        bench.fill(bench.order(rests), 9, trade_id=f"bite{cents}")
        bench.wishes["KXA"] = f"{cents}:10 |"
        assert bench.tick() == [f"place #{rests + 1} bid 10@{cents}"]
        bench.ack(rests + 1)
        assert bench.tick() == [f"cancel #{rests}"]
        bench.canceled(rests, 1)
        rests += 1
    assert bench.engine.know.breaker.measures.cycles == 2, "45 contracts: of 18 and of 18 that filled"
