"""What the feed tells those who only watch it: how old its messages are, and that it tries again."""

from __future__ import annotations

import json

from websockets.asyncio.server import ServerConnection

from mm.core.events import BookSnapshot
from mm.core.units import MILLISECOND, SECOND, Nanos
from tests.kalshi import frames
from tests.kalshi.test_feed import Venue, play


class Notes:
    def __init__(self) -> None:
        self.ages: list[tuple[Nanos, Nanos]] = []
        self.attempts: list[tuple[int, Nanos, str]] = []

    def aged(self, age: Nanos, ts: Nanos) -> None:
        self.ages.append((age, ts))

    def reconnecting(self, attempt: int, pause: Nanos, reason: str) -> None:
        self.attempts.append((attempt, pause, reason))


def test_ages_and_attempts_are_told() -> None:
    """The first connection is cut, the next upgrade refused; the third brings a dated message."""

    async def cut_first(venue: Venue, connection: ServerConnection) -> None:
        if venue.connections == 1:
            venue.answers = [503]
            connection.transport.abort()
            return
        stamp = (venue.clock() - 40 * MILLISECOND) // MILLISECOND
        await connection.send(json.dumps({"type": "news", "msg": {"ts_ms": stamp}}))
        await connection.send(frames.snapshot(1, 1))

    async def story(venue: Venue) -> None:
        await venue.until(BookSnapshot)

    notes = Notes()
    play(cut_first, story, watch=notes)
    assert [(attempt, pause) for attempt, pause, _ in notes.attempts] == [
        (1, SECOND // 100),
        (2, SECOND // 100),
    ]
    assert "link was lost" in notes.attempts[0][2] and "503" in notes.attempts[1][2]
    assert notes.ages[0][0] >= 40 * MILLISECOND
