"""The last look: our own position, cash, fees and P&L beside what the exchange's API says. A difference is an
error, never explained away.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from mm.core.actions import AnyAction
from mm.core.engine import Engine
from mm.core.events import AccountReport, AnyEvent
from mm.core.picture import Observed
from mm.core.position import collateral
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
    """An observer that keeps what the exchange said when the ledger was opened."""

    def __init__(self) -> None:
        self.opening: AccountReport | None = None
        self.last_move: Nanos = 0

    def on_step(self, event: AnyEvent, actions: Sequence[AnyAction], engine: Observed) -> None:
        if isinstance(event, AccountReport) and self.opening is None and engine.picture().cash is not None:
            self.opening = event


def audit(engine: Engine, opening: AccountReport, now: AccountReport, prefix: str) -> Audit:
    """Compare. ``now`` must cover the fills since ``opening``; its P&L is made of its own cash and positions,
    at our marks, because the exchange marks nothing."""
    ledger = engine.know.ledger
    theirs = {row.ticker: row.position for row in now.positions}
    tickers = sorted({*theirs, *(t for t, p in ledger.positions.items() if p.count or p.fills)})
    lines = [
        Line(f"position {ticker}", _held(engine, ticker), theirs.get(ticker, 0), "contracts")
        for ticker in tickers
    ]
    known = {(fill.trade_id, fill.order_id) for fill in opening.fills}
    fees = sum(fill.fee for fill in now.fills if (fill.trade_id, fill.order_id) not in known)
    lines += [
        Line("cash", ledger.cash or 0, now.cash, "dollars"),
        Line("fees", ledger.fees, fees, "dollars"),
        Line("P&L", ledger.pnl(), _their_pnl(engine, opening, now), "dollars"),
    ]
    resting = tuple(row.client_order_id for row in now.resting if row.client_order_id.startswith(prefix))
    return Audit(tuple(lines), resting)


def _held(engine: Engine, ticker: str) -> Count:
    position = engine.know.ledger.positions.get(ticker)
    return position.count if position else 0


def _their_pnl(engine: Engine, opening: AccountReport, now: AccountReport) -> Money:
    """What cash and positions became, less what they were."""
    positions = engine.know.ledger.positions
    marks = {ticker: position.mark for ticker, position in positions.items()}
    value = sum(
        row.position * mark + collateral(row.position)
        for row in now.positions
        if (mark := marks.get(row.ticker)) is not None
    )
    unmarked = sum(row.cost for row in now.positions if marks.get(row.ticker) is None)
    return now.cash + value + unmarked - opening.cash - sum(row.cost for row in opening.positions)
