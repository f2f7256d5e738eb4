"""Deciding: a change of one book, the Tick after it with a `glft` quote, the answers to what that sends."""

from __future__ import annotations

import msgspec

from bench.desk import QuotingDesk
from bench.market import TICKER, deltas, ladder
from bench.measure import Case, Row, Spent, compare

CHANGES = 1_000
LEVELS = 20
MARKETS = (1, 50)


def _tickers(markets: int) -> list[str]:
    """One of them moves."""
    return [TICKER, *(f"KXQUIET{number}-26NOV21-T50" for number in range(1, markets))]


def _change_only(spent: Spent) -> None:
    start = ladder(LEVELS)
    desk = QuotingDesk([TICKER], start)
    changes = deltas(start, CHANGES, ts=desk.now)
    with spent.on(CHANGES):
        for change in changes:
            desk.engine.on_event(change)


def _change_and_tick(markets: int) -> Case:
    def case(spent: Spent) -> None:
        start = ladder(LEVELS)
        desk = QuotingDesk(_tickers(markets), start)
        changes = deltas(start, CHANGES, ts=desk.now)
        with spent.on(CHANGES):
            for change in changes:
                desk.engine.on_event(msgspec.structs.replace(change, ts=desk.now))
                desk.tick()

    return case


def measure() -> list[Row]:
    """The base is a change that nobody decides on."""
    cases: dict[str, Case] = {"change": _change_only}
    cases.update((f"change, Tick, {number} markets", _change_and_tick(number)) for number in MARKETS)
    return compare("engine", cases, "change")
