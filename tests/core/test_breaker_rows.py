"""Each row of the breaker, by a story of the whole engine: it trips at its limit and not one step before.

And each story bites: with its row taken out of the table, the same story trips nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec
import pytest

from mm.core import breaker as room
from mm.core.breaker_rows import ACCOUNT_ROWS, DESK_ROWS, ROWS
from mm.core.events import (
    ApiError,
    CancelAllDone,
    CommandKind,
    Fill,
    LinkDown,
    PositionReport,
    RequestKind,
    Tick,
)
from mm.core.settings import BreakerLimits
from mm.core.units import CENT, CONTRACT, MONEY_DOLLAR, SECOND, Side
from tests.core.bench import Bench, engine_settings
from tests.core.words import row

# Every rule off, so that a story meets its own alone.
OFF = BreakerLimits(
    max_consecutive_errors=10**9,
    pnl_threshold=-(10**15),
    max_inventory_imbalance=10.0**9,
    max_error_fraction=None,
    daily_loss_fraction=None,
    daily_loss=None,
    weekly_loss=None,
    losing_round_trips=None,
    feed_lost=None,
    storage_lost=None,
    repeated_rejects=None,
    unknown_orders=None,
    market_cycles=None,
    account_cycles=None,
    quote_drift=None,
    warn_fraction=None,
    warn_imbalance=None,
)


class Story(NamedTuple):
    """``limits`` besides those that are off; ``before`` leads one step short of the limit, ``last`` to it."""

    limits: dict[str, object]
    before: Callable[[Bench], object]
    last: Callable[[Bench], object]


def bought(bench: Bench, count: float, trade_id: str = "b", cents: float = 51) -> None:
    fill(bench, Side.BID, count, trade_id, cents)


def fill(bench: Bench, side: Side, count: float, trade_id: str, cents: float, fee: int = 0) -> None:
    contracts, price = round(count * CONTRACT), round(cents * CENT)
    bench.step(Fill(bench.now, trade_id, "X", "", "KXA", side, price, contracts, fee, False))
    bench.tick()


def marked(cents: float) -> Callable[[Bench], object]:
    def happens(bench: Bench) -> None:
        bench.book(f"{cents - 1:g}:100 | {cents + 1:g}:100")
        bench.tick()

    return happens


def lost_almost_a_dollar(bench: Bench) -> None:
    """Ten contracts bought at 51, a hundredth of a cent above a dollar's loss."""
    bought(bench, 10)
    marked(41.01)(bench)


def errors(count: int) -> Callable[[Bench], object]:
    def happens(bench: Bench) -> None:
        for _ in range(count):
            bench.tick(0.5)
            bench.step(ApiError(bench.now, 4_000, RequestKind.QUERY_ACCOUNT, 503, ""))
        bench.tick()

    return happens


def one_in_ten_failed(bench: Bench) -> None:
    for _ in range(9):
        bench.tick(0.5)
        bench.step(CancelAllDone(bench.now, 4_000))
    errors(1)(bench)


def round_trip_lost(number: int) -> Callable[[Bench], object]:
    def happens(bench: Bench) -> None:
        bought(bench, 1, f"in{number}")
        fill(bench, Side.ASK, 1, f"out{number}", 50)

    return happens


def one_lost_trip_and_half_of_another(bench: Bench) -> None:
    round_trip_lost(1)(bench)
    bought(bench, 1, "in2")


def command(kind: CommandKind) -> Callable[[Bench], object]:
    return lambda bench: bench.command(kind)


def waited(seconds: float) -> Callable[[Bench], object]:
    return lambda bench: bench.tick(seconds)


def disk_refuses(bench: Bench) -> None:
    bench.command(CommandKind.STORAGE_LOST)
    bench.tick(59.999)


def link_lost(bench: Bench) -> None:
    bench.step(LinkDown(bench.now))
    bench.tick(14.999)


def read(bench: Bench, *positions: PositionReport, rests: tuple[str, ...] = ()) -> None:
    bench.wait(31)
    bench.step(Tick(bench.now, 100, 100))
    bench.wait(0.1)
    bench.account(*positions, resting=tuple(row(name, f"Y{name}") for name in rests))
    bench.tick()


def stranger(number: int) -> Callable[[Bench], object]:
    return lambda bench: read(bench, rests=(f"bot-run1-9{number}",))


def wrong(bench: Bench) -> None:
    read(bench, PositionReport("KXA", 500, 2_500_000, 0, 0))


def refused(first: int, last: int) -> Callable[[Bench], object]:
    def happens(bench: Bench) -> None:
        bench.wishes["KXA"] = "51:10 |"
        for which in range(first, last + 1):
            bench.tick(61)
            bench.refuse(which, "invalid_order")
        bench.tick()

    return happens


def filled_at_once(first: int, last: int) -> Callable[[Bench], object]:
    """Whatever is quoted is taken in full: the mean counterparty of control C08."""

    def happens(bench: Bench) -> None:
        for which in range(first, last + 1):
            bench.wishes["KXA"] = "51:1 |"
            bench.tick(1.01)
            bench.ack(which)
            bench.fill(bench.order(which), 1, trade_id=f"c{which}")

    return happens


def put_up_again(bench: Bench) -> None:
    """The third cycle is complete with the fourth quote, and seen with its answer."""
    bench.tick()
    bench.ack(4)


DOLLAR = MONEY_DOLLAR
STORIES: dict[str, Story] = {
    "kill_switch": Story({}, command(CommandKind.PAUSE), command(CommandKind.KILL)),
    "max_consecutive_errors": Story({"max_consecutive_errors": 10}, errors(9), errors(1)),
    "pnl_threshold": Story({"pnl_threshold": -DOLLAR}, lost_almost_a_dollar, marked(41)),
    "max_error_fraction": Story(
        {"max_error_fraction": 0.1, "error_min_samples": 10}, one_in_ten_failed, errors(1)
    ),
    "daily_loss_fraction": Story({"daily_loss_fraction": 0.001}, lost_almost_a_dollar, marked(41)),
    "daily_loss_dollars": Story({"daily_loss": DOLLAR}, lost_almost_a_dollar, marked(41)),
    "weekly_loss_dollars": Story({"weekly_loss": DOLLAR}, lost_almost_a_dollar, marked(41)),
    "losing_round_trips": Story(
        {"losing_round_trips": 2},
        one_lost_trip_and_half_of_another,
        lambda bench: fill(bench, Side.ASK, 1, "out2", 50),
    ),
    "feed_lost_seconds": Story({"feed_lost": 15 * SECOND}, link_lost, waited(0.001)),
    "storage_lost_seconds": Story({"storage_lost": 60 * SECOND}, disk_refuses, waited(0.001)),
    "unknown_orders": Story({"unknown_orders": 2}, stranger(1), stranger(2)),
    "account_cycles": Story({"account_cycles": 3}, filled_at_once(1, 3), put_up_again),
    "position_mismatch": Story({}, wrong, wrong),
    "max_inventory_imbalance": Story(
        {"max_inventory_imbalance": 0.8},
        lambda bench: bought(bench, 80),
        lambda bench: bought(bench, 0.01, "more"),
    ),
    "desk_pnl_threshold": Story({"desk_pnl_threshold": -DOLLAR}, lost_almost_a_dollar, marked(41)),
    "desk_losing_round_trips": Story(
        {"desk_losing_round_trips": 2},
        one_lost_trip_and_half_of_another,
        lambda bench: fill(bench, Side.ASK, 1, "out2", 50),
    ),
    "repeated_rejects": Story({"repeated_rejects": 3}, refused(1, 2), refused(3, 3)),
    "market_cycles": Story({"market_cycles": 3}, filled_at_once(1, 3), put_up_again),
}


def bench_of(story: Story) -> Bench:
    limits = msgspec.structs.replace(OFF, **story.limits)
    bench = Bench(engine_settings(breaker=limits)).quoting()
    bench.tick()
    return bench


def tripped(bench: Bench) -> list[str]:
    return [trip.rule for trip in bench.engine.know.breaker.all_trips()]


def test_every_row_has_a_story() -> None:
    assert set(STORIES) == {each.name for each in ROWS}
    assert len({each.name for each in ROWS}) == len(ROWS)


@pytest.mark.parametrize("rule", STORIES)
def test_a_row_trips_at_its_limit_and_not_one_step_before(rule: str) -> None:
    story = STORIES[rule]
    bench = bench_of(story)
    story.before(bench)
    assert tripped(bench) == []
    story.last(bench)
    assert tripped(bench) == [rule]
    picture = bench.engine.picture()
    assert not picture.breaker.trading_allowed, "there is one desk only"
    assert picture.desks[0].breaker is not None and picture.desks[0].breaker.trip_rule == rule


@pytest.mark.parametrize("rule", STORIES)
def test_without_its_row_the_story_trips_nothing(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, rows in (("ACCOUNT_ROWS", ACCOUNT_ROWS), ("DESK_ROWS", DESK_ROWS)):
        monkeypatch.setattr(room, name, tuple(each for each in rows if each.name != rule))
    story = STORIES[rule]
    bench = bench_of(story)
    story.before(bench)
    story.last(bench)
    assert tripped(bench) == []


@pytest.mark.parametrize("rule", sorted(set(STORIES) - {"kill_switch", "position_mismatch"}))
def test_a_rule_that_is_off_never_trips(rule: str) -> None:
    story = STORIES[rule]
    bench = bench_of(Story({}, story.before, story.last))
    story.before(bench)
    story.last(bench)
    assert tripped(bench) == []


@pytest.mark.parametrize("rule", STORIES)
def test_nothing_is_quoted_after_a_trip_and_everything_is_taken_away(rule: str) -> None:
    story = STORIES[rule]
    bench = bench_of(story)
    story.before(bench)
    story.last(bench)
    bench.wishes["KXA"] = "45:10 | 60:10"
    bench.book("44:100 | 61:100")
    for seconds in (0.01, 1, 2):
        assert not [line for line in bench.tick(seconds) if line.startswith(("place", "amend"))]
    assert all(order.cancel_wanted for order in bench.engine.know.orders)
