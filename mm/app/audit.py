"""The last look: our own position, cash, fees and P&L beside what the exchange's API says. A difference is an
error, never explained away.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from mm.core.actions import AnyAction
from mm.core.engine import Engine
from mm.core.events import AccountReport, AnyEvent, Fill
from mm.core.picture import Observed
from mm.core.position import collateral
from mm.core.reconcile import LOOK_BACK
from mm.core.units import Count, Money, Nanos, count_text, money_text


class Line(msgspec.Struct, frozen=True):
    """One figure as we have it and as they have it, in the unit of ``kind``."""

    name: str
    ours: int
    theirs: int
    kind: str

    @property
    def difference(self) -> int:
        return self.ours - self.theirs

    def texts(self) -> tuple[str, str, str]:
        text = count_text if self.kind == "contracts" else money_text
        return text(self.ours), text(self.theirs), text(self.difference)


class Audit(msgspec.Struct, frozen=True):
    """``resting`` are client order ids of ours that the exchange still shows."""

    lines: tuple[Line, ...]
    resting: tuple[str, ...]

    @property
    def is_clean(self) -> bool:
        return not self.resting and all(line.difference == 0 for line in self.lines)


class OpeningNotes:
    """An observer that keeps what the exchange said when the ledger was opened, and adds up what it has told
    of fees since: after a month nobody reads all fills once more. ``fills_from``: the last look must read
    the fills since then."""

    def __init__(self) -> None:
        self.opening: AccountReport | None = None
        self.fills_from: Nanos = 0
        self._fees: Money = 0
        # Fills that were counted, of late: what was told longer ago is told no more.
        self._known: set[tuple[str, str]] = set()
        self._known_before: set[tuple[str, str]] = set()
        self._turn_at: Nanos = 0

    def on_step(self, event: AnyEvent, actions: Sequence[AnyAction], engine: Observed) -> None:
        if not isinstance(event, AccountReport):
            return
        if self.opening is not None:
            self._fees = self.fees(event)
        elif engine.picture().cash is not None:
            self.opening = event
        self._remember(event)

    def fees(self, report: AccountReport) -> Money:
        """Of all fills since the opening, by the exchange's word; ``report`` is its latest."""
        return self._fees + sum(fill.fee for fill in report.fills if not self._is_known(fill))

    def _is_known(self, fill: Fill) -> bool:
        name = (fill.trade_id, fill.order_id)
        return name in self._known or name in self._known_before

    def _remember(self, report: AccountReport) -> None:
        """Two generations, each as long as any report looks back: reads do not go back further."""
        if report.ts >= self._turn_at:
            self._turn_at = report.ts + 2 * LOOK_BACK
            self._known, self._known_before = set(), self._known
        self._known.update((fill.trade_id, fill.order_id) for fill in report.fills)
        self.fills_from = report.fills_from


def audit(engine: Engine, notes: OpeningNotes, now: AccountReport, prefix: str) -> Audit:
    """Compare. ``now`` must cover the fills that ``notes`` have not read; its P&L is made of its own cash and
    positions, at our marks, because the exchange marks nothing, and of what was there before: the opening,
    and money that came or went while we ran, which was told then."""
    ledger = engine.know.ledger
    theirs = {row.ticker: row.position for row in now.positions}
    tickers = sorted({*theirs, *(t for t, p in ledger.positions.items() if p.count or p.fills)})
    lines = [
        Line(f"position {ticker}", _held(engine, ticker), theirs.get(ticker, 0), "contracts")
        for ticker in tickers
    ]
    lines += [
        Line("cash", ledger.cash or 0, now.cash, "dollars"),
        Line("fees", ledger.fees, notes.fees(now), "dollars"),
        Line("P&L", ledger.pnl(), _their_pnl(engine, now), "dollars"),
    ]
    resting = tuple(row.client_order_id for row in now.resting if row.client_order_id.startswith(prefix))
    return Audit(tuple(lines), resting)


def _held(engine: Engine, ticker: str) -> Count:
    position = engine.know.ledger.positions.get(ticker)
    return position.count if position else 0


def _their_pnl(engine: Engine, now: AccountReport) -> Money:
    """What cash and positions became, less what they were without us."""
    ledger = engine.know.ledger
    marks = {ticker: position.mark for ticker, position in ledger.positions.items()}
    value = sum(
        row.position * mark + collateral(row.position)
        for row in now.positions
        if (mark := marks.get(row.ticker)) is not None
    )
    unmarked = sum(row.cost for row in now.positions if marks.get(row.ticker) is None)
    return now.cash + value + unmarked - ((ledger.worth or 0) - ledger.pnl())
