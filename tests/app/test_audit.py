"""The last look: it agrees when the books agree, and a difference of the least unit is a difference."""

from __future__ import annotations

import msgspec
import pytest

from mm.app.audit import Audit, OpeningNotes, audit
from mm.app.simulated import Scene
from mm.app.simulated_world import BEGIN, USER
from mm.config.model import Config
from mm.core.actions import QueryAccount
from mm.core.events import AccountReport, Fill, OrderReport, OrderStatus
from mm.core.units import MONEY_DOLLAR, SECOND, Side
from mm.kalshi.calls import call

STILL_RESTS = OrderReport(0, 0, "kmm-x-1", "X1", "KXA", Side.BID, OrderStatus.RESTING, 5_000, 0, 100)


@pytest.fixture(scope="module")
def ended(config: Config) -> tuple[Scene, AccountReport]:
    """A run that traded, and what the exchange says afterwards."""
    scene = Scene(config, 21)
    scene.run(40)
    scene.exchange.advance(scene.venue.now + 10**9)
    assert scene.notes.opening is not None
    report = scene.read(call(QueryAccount(0, scene.notes.fills_from)))
    assert isinstance(report, AccountReport)
    assert scene.witness.fills > 5
    return scene, report


def look(scene: Scene, report: AccountReport) -> Audit:
    assert scene.notes.opening is not None
    return audit(scene.engine, scene.notes, report, "kmm-")


def test_equal_books_agree(ended: tuple[Scene, AccountReport]) -> None:
    found = look(*ended)
    assert found.is_clean
    assert {"cash", "fees", "P&L"} <= {line.name for line in found.lines}


def test_a_micro_dollar_of_cash_is_a_difference(ended: tuple[Scene, AccountReport]) -> None:
    scene, report = ended
    found = look(scene, msgspec.structs.replace(report, cash=report.cash + 1))
    assert [line.name for line in found.lines if line.difference] == ["cash", "P&L"]
    assert not found.is_clean


def test_a_position_that_only_one_side_has_is_a_difference(ended: tuple[Scene, AccountReport]) -> None:
    scene, report = ended
    missing = next(row for row in report.positions if row.position)
    rest = tuple(row for row in report.positions if row is not missing)
    found = look(scene, msgspec.structs.replace(report, positions=rest))
    assert f"position {missing.ticker}" in [line.name for line in found.lines if line.difference]


def test_a_fill_that_only_they_have_is_a_difference_in_fees(ended: tuple[Scene, AccountReport]) -> None:
    scene, report = ended
    extra = Fill(0, "other", "X9", "", "KXA", Side.BID, 5_000, 100, 100, False)
    found = look(scene, msgspec.structs.replace(report, fills=(*report.fills, extra)))
    assert [line.name for line in found.lines if line.difference] == ["fees"]


def test_an_order_of_ours_that_still_rests_is_not_clean(ended: tuple[Scene, AccountReport]) -> None:
    scene, report = ended
    found = look(scene, msgspec.structs.replace(report, resting=(STILL_RESTS,)))
    assert found.resting == ("kmm-x-1",)
    assert not found.is_clean


def test_the_last_look_reads_only_the_fills_that_nobody_has_read_yet(config: Config) -> None:
    """After a month there are hundreds of thousands: they were read while it ran, and are counted since."""
    scene = Scene(config, 21)
    scene.run(660)
    assert scene.wrong() == []
    opening = scene.notes.opening
    assert opening is not None and scene.notes.fills_from > opening.fills_from
    scene.exchange.advance(scene.venue.now + 2 * SECOND)
    everything = scene.read(call(QueryAccount(0, opening.fills_from)))
    scene.exchange.advance(scene.venue.now + 2 * SECOND)
    rest = scene.read(call(QueryAccount(0, scene.notes.fills_from)))
    assert isinstance(everything, AccountReport) and isinstance(rest, AccountReport)
    assert len(rest.fills) < len(everything.fills)
    assert look(scene, rest).is_clean and scene.notes.fees(rest) == sum(fill.fee for fill in everything.fills)


def test_a_read_that_lags_behind_the_one_before_counts_nothing_twice(
    ended: tuple[Scene, AccountReport],
) -> None:
    scene, report = ended
    notes = OpeningNotes()
    reports = [msgspec.structs.replace(report, fills=report.fills[:number]) for number in (0, 5, 3, 5)]
    for each in reports:
        notes.on_step(each, (), scene.engine)
    assert notes.fees(report) == sum(fill.fee for fill in report.fills)


def test_money_that_came_or_went_while_it_ran_is_neither_gain_nor_difference(config: Config) -> None:
    """A withdrawal, interest, a transfer: told when it happens, then part of the books."""
    scene = Scene(config, 21)
    scene.simulation.run_until(BEGIN + 10 * SECOND)
    scene.venue.create_subaccount(USER)
    scene.venue.transfer(USER, "t-1", 0, 1, 100 * MONEY_DOLLAR)
    scene.run(300)
    assert scene.wrong() == []
    ledger, opening = scene.engine.know.ledger, scene.notes.opening
    assert opening is not None and ledger.cash is not None and ledger.cash < opening.cash - 50 * MONEY_DOLLAR
