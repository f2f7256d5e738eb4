"""P&L over restarts: what the next run must know of this one, and how it goes on from there.

No loss is forgotten and none is counted twice, however a run ended: the account's worth (cash, and positions
at the marks of that time) is compared with what it was when it was last written down. What it lost since, by
fills that were not yet written down or came while nobody ran, by settlements or fees, is P&L of this moment.
"""

from __future__ import annotations

from mm.core.actions import Alert, AlertLevel
from mm.core.knowledge import Knowledge
from mm.core.memory import BreakerMemory
from mm.core.units import Money, Nanos, money_text

# The balance is told in 1/10,000 dollar (protocol section 3): less than that is nothing to tell.
TOLD_FROM: Money = 100


def carry_over(know: Knowledge) -> None:
    """The ledger has taken over what the exchange holds. What the account gained since may be a deposit, and
    is not counted; a withdrawal cannot be told from a loss, and is. From here on the marks move on from those
    that are remembered, so that a move of the market in between is a gain or a loss of this run."""
    memory, measures, ledger = know.inherited, know.breaker.measures, know.ledger
    for ticker, mark in memory.marks.items():
        if ticker in ledger.positions:
            ledger.mark(ticker, mark)
    worth = ledger.worth
    assert worth is not None
    moved = 0 if memory.worth is None else worth - memory.worth
    measures.carried = memory.pnl + min(moved, 0) - ledger.pnl()
    for ticker, position in ledger.positions.items():
        if desk := know.desk_of(ticker):
            measures.desks[desk].carry(ticker, position.pnl)
    if abs(moved) >= TOLD_FROM:
        word = "counted as a loss, also if it was a withdrawal" if moved < 0 else "not counted as a gain"
        text = f"the account moved by {money_text(moved)} dollars while this bot did not watch; {word}"
        know.notes.append(Alert(AlertLevel.WARNING, "circuit_breaker", text, details=(("moved", moved),)))


def remember(know: Knowledge, now: Nanos) -> BreakerMemory:
    """As of now; until the opening is known, of money what the last run left."""
    measures, ledger, before = know.breaker.measures, know.ledger, know.inherited
    worth = ledger.worth
    is_open = worth is not None
    held = {name: at.mark for name, at in ledger.held.items() if at.mark is not None}
    pnl_of_desk = know.shares.pnl_of_desk()
    return BreakerMemory(
        account=know.settings.account,
        saved_at=now,
        trips=know.breaker.all_trips(),
        errors_in_a_row=measures.calls.errors_in_a_row,
        losing_streak=measures.losing_streak,
        pnl=measures.carried + ledger.pnl() if is_open else before.pnl,
        worth=worth if is_open else before.worth,
        pnl_floor_base=measures.pnl_floor_base,
        day=measures.day,
        day_base=measures.day_base,
        day_equity=measures.day_equity,
        week_base=measures.week_base,
        marks=held if is_open else before.marks,
        desks={name: desk.memory(pnl_of_desk[name]) for name, desk in measures.desks.items()},
        stopped=know.stopped,
    )
