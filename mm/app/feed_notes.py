"""What the feed tells of itself that no event does: the age of its messages, that it tries again, and what it
could not read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from structlog.typing import FilteringBoundLogger

from mm.core.units import SECOND, Nanos

UNREAD_AGAIN_AFTER: Final[Nanos] = 10 * SECOND


class FeedNotes:
    """A `FeedWatch`. ``aged``: where ages go."""

    def __init__(self, aged: Callable[[Nanos, Nanos], None], logger: FilteringBoundLogger) -> None:
        self.aged = aged
        self._log = logger.bind(logger="websocket")
        self._unread_at: Nanos | None = None
        self._untold = 0

    def reconnecting(self, attempt: int, pause: Nanos, reason: str) -> None:
        """In the words of the manual: the attempt, and the delay in seconds before it."""
        delay = round(pause / SECOND, 3)
        self._log.warning("websocket_reconnecting", attempt=attempt, delay=delay, reason=reason)

    def unread(self, ts: Nanos, reason: str) -> None:
        """A frame that could not be used, or the exchange's complaint: at most one each `UNREAD_AGAIN_AFTER`,
        with how many went untold before it."""
        if self._unread_at is not None and ts - self._unread_at < UNREAD_AGAIN_AFTER:
            self._untold += 1
            return
        more = {"untold": self._untold} if self._untold else {}
        self._log.warning("frame_unread", reason=reason, **more)
        self._unread_at, self._untold = ts, 0
