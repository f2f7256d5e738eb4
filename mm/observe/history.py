"""What had filled before a run directory knew anything of its account, as its first run's journal has it: a
later read that looks back so far must not take it for news."""

from __future__ import annotations

from pathlib import Path

import msgspec

from mm.core.events import AccountReport
from mm.core.units import Nanos
from mm.observe.former_log import MARGIN
from mm.observe.journal_reader import JournalError, read_journal, runs


class _Settings(msgspec.Struct, frozen=True):
    fills_since: Nanos = 0


class _Header(msgspec.Struct, frozen=True):
    """What is needed of a journal's. ``fills_since`` is 0 for a run that had no former one to go on from."""

    started: Nanos = 0
    settings: _Settings = _Settings()


def history_before(journal: Path, since: Nanos) -> frozenset[tuple[str, str]] | None:
    """Order and trade ids of the first read of the account here, whose fills no run told; None if no run has
    ever read it, so that all that filled is history. Empty if that was long before ``since``, or if the
    journals do not go back so far or cannot be read: too much is told then, never too little."""
    try:
        return _history(journal, since - MARGIN)
    except (JournalError, msgspec.MsgspecError, OSError):
        return frozenset()


def _history(journal: Path, earliest: Nanos) -> frozenset[tuple[str, str]] | None:
    """Back from the latest run to the one that began it all."""
    first: AccountReport | None = None
    for run in reversed(runs(journal) if journal.is_dir() else []):
        document, entries = read_journal(journal, run=run)
        header = msgspec.convert(document, _Header)
        if header.started < earliest:
            return frozenset()
        first = next((entry for entry in entries if isinstance(entry, AccountReport)), first)
        if not header.settings.fills_since:
            return None if first is None else frozenset((one.order_id, one.trade_id) for one in first.fills)
    return frozenset()
