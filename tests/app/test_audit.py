"""The last look: it agrees when the books agree, and a difference of the least unit is a difference."""

from __future__ import annotations

import msgspec
import pytest

from mm.app.audit import Audit, audit
from mm.app.simulated import Scene
from mm.config.model import Config
from mm.core.actions import QueryAccount
from mm.core.events import AccountReport, Fill, OrderReport, OrderStatus
from mm.core.units import Side
from mm.kalshi.calls import call

STILL_RESTS = OrderReport(0, 0, "kmm-x-1", "X1", "KXA", Side.BID, OrderStatus.RESTING, 5_000, 0, 100)


@pytest.fixture(scope="module")
def ended(config: Config) -> tuple[Scene, AccountReport]:
    """A run that traded, and what the exchange says afterwards."""
    scene = Scene(config, 21)
    scene.run(40)
    scene.exchange.advance(scene.venue.now + 10**9)
    assert scene.notes.opening is not None
    report = scene.read(call(QueryAccount(0, scene.notes.opening.fills_from)))
    assert isinstance(report, AccountReport)
    assert scene.witness.fills > 5
    return scene, report


def look(scene: Scene, report: AccountReport) -> Audit:
    assert scene.notes.opening is not None
    return audit(scene.engine, scene.notes.opening, report, "kmm-")


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
