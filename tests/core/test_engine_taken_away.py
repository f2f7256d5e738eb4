"""Quotes that the exchange takes away again as soon as they rest: a cancel-all of somebody else that sweeps
for a minute, a post-only order that would have crossed, cash that is short (protocol sections 5.1 to 5.6)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.core.bench import Bench


def by_stream(bench: Bench, which: int) -> None:
    """Accepted, and then the stream says that it is gone."""
    bench.ack(which)
    bench.noticed(which, "canceled")


def by_answer(bench: Bench, which: int) -> None:
    """Accepted, with nothing left of it."""
    bench.ack_nothing(which)


def placed_within(bench: Bench, seconds: int, happens: Callable[[Bench, int], None]) -> list[int]:
    """The numbers of the bids that were placed; each fares the same."""
    numbers = []
    for _ in range(4 * seconds):
        for line in bench.tick(0.25):
            if line.startswith("place") and "bid" in line:
                numbers.append(int(line.split("#")[1].split()[0]))
                happens(bench, numbers[-1])
    return numbers


@pytest.mark.parametrize("happens", [by_stream, by_answer])
def test_what_is_swept_away_at_once_is_tried_again_ever_more_slowly(
    happens: Callable[[Bench, int], None],
) -> None:
    """Not with every Tick: that would spend the write allowance on nothing for as long as the sweep lasts."""
    bench = Bench().quoting(wishes="51:10 |")
    assert placed_within(bench, 60, happens) == [1, 2, 3]
    assert placed_within(bench, 70, lambda bench, which: None) == [4]
    bench.ack(4)
    bench.tick(300)
    bench.noticed(4, "canceled")
    bench.tick(0.25)
    happens(bench, 5)
    assert bench.tick(1.25) == ["place #6 bid 10@51"], "what was is forgotten"


def test_our_own_cancel_is_no_surprise() -> None:
    bench = Bench().quoting(wishes="51:10 |")
    bench.tick()
    bench.ack(1)
    bench.wishes["KXA"] = "|"
    bench.book("50:90 | 54:100")
    assert bench.tick() == ["cancel #1"]
    bench.noticed(1, "canceled")
    bench.wishes["KXA"] = "51:10 |"
    bench.book("50:100 | 54:100")
    assert bench.tick() == ["place #2 bid 10@51"]


def test_the_other_side_is_not_held_up() -> None:
    bench = Bench().quoting(wishes="51:10 | 53:10")
    assert bench.tick() == ["place #1 bid 10@51", "place #2 ask 10@53"]
    bench.ack(1)
    bench.noticed(1, "canceled")
    bench.ack(2)
    bench.wishes["KXA"] = "51:10 | 54:10"
    bench.book("50:90 | 55:100")
    assert bench.tick(0.25) == ["amend #2 10@54"]


def test_one_that_rested_for_a_while_comes_back_at_once() -> None:
    """Its time was up (a quote may expire), or somebody cancelled it by hand."""
    bench = Bench().quoting(wishes="51:10 |")
    bench.tick()
    bench.ack(1)
    bench.tick(60)
    bench.noticed(1, "canceled")
    assert bench.tick(0.25) == ["place #2 bid 10@51"]
