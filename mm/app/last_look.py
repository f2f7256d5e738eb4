"""After the engine has stopped: what the exchange says, read until its lagging reads have caught up."""

from __future__ import annotations

import asyncio

from mm.app.audit import Audit, OpeningNotes, audit
from mm.app.connect import Line
from mm.core.actions import CancelAll, QueryAccount
from mm.core.engine import Engine
from mm.core.events import AccountReport, CancelAllDone
from mm.kalshi.calls import call

TRIES = 6
PAUSE_SECONDS = 1.25  # the balance may be read once a second


async def last_look(line: Line, engine: Engine, notes: OpeningNotes) -> Audit | None:
    """Compare ledgers; reads lag, so a difference is looked at again before it is believed. ``None`` if the
    exchange cannot be read, or never could be."""
    if notes.opening is None:
        return None
    found: Audit | None = None
    query = QueryAccount(0, notes.fills_from, "last look")
    for attempt in range(TRIES):
        if attempt:
            await asyncio.sleep(PAUSE_SECONDS)
        report = await line.hold(call(query))
        if isinstance(report, AccountReport):
            found = audit(engine, notes, report, engine.settings.instance + "-")
            if found.is_clean:
                break
    return found


async def cancel_everything(line: Line) -> bool:
    """The way out of a fault of ours: nothing new leaves, everything resting goes. ``True`` if accepted."""
    line.guard.close()
    for _ in range(TRIES):
        if isinstance(await line.hold(call(CancelAll(0, "fault"))), CancelAllDone):
            return True
        await asyncio.sleep(PAUSE_SECONDS)
    return False
