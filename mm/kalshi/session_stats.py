"""What a session counts besides what it tells: frames it could not use, and why."""

from __future__ import annotations

from typing import Final

import msgspec

from mm.core.units import Nanos

LONGEST_REASON: Final = 200


class SessionStats(msgspec.Struct):
    """Counts since the start. ``strays``: of no subscription or market of ours; ``bad``: unreadable."""

    frames: int = 0
    bad: int = 0
    strays: int = 0
    duplicates: int = 0
    gaps: int = 0
    errors: int = 0
    last_bad: str = ""
    last_error: str = ""

    def could_not_read(self, reason: str) -> str:
        """One frame more. Returns the reason, cut to what a line can take."""
        self.bad += 1
        self.last_bad = reason[:LONGEST_REASON]
        return self.last_bad

    def complained(self, code: int, text: str) -> str:
        """One error frame more. Returns what it says, cut to what a line can take."""
        self.errors += 1
        self.last_error = f"{code} {text}"[:LONGEST_REASON]
        return self.last_error


def untold(ts: Nanos, reason: str) -> None:
    """Who hears of frames that could not be used, if nobody asked."""
