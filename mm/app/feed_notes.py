"""What the feed tells of itself that no event does: the age of its messages, and that it tries again."""

from __future__ import annotations

from collections.abc import Callable

from structlog.typing import FilteringBoundLogger

from mm.core.units import SECOND, Nanos


class FeedNotes:
    """A `FeedWatch`. ``aged``: where ages go."""

    def __init__(self, aged: Callable[[Nanos, Nanos], None], logger: FilteringBoundLogger) -> None:
        self.aged = aged
        self._log = logger.bind(logger="websocket")

    def reconnecting(self, attempt: int, pause: Nanos, reason: str) -> None:
        """In the words of the manual: the attempt, and the delay in seconds before it."""
        delay = round(pause / SECOND, 3)
        self._log.warning("websocket_reconnecting", attempt=attempt, delay=delay, reason=reason)
