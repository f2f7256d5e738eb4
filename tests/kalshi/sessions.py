"""Sessions with which a story can begin, and what they say in a form that can be compared."""

from __future__ import annotations

import json
from typing import Any

from mm.core.events import AnyEvent
from mm.core.units import SECOND, Nanos
from mm.kalshi.session import Session
from tests.kalshi import frames
from tests.kalshi.frames import MARKET, OTHER

START: Nanos = 1_000 * SECOND


def commands(texts: list[str]) -> list[dict[str, Any]]:
    return [json.loads(text) for text in texts]


def params(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)["params"]
    return found


def up(*tickers: str) -> tuple[Session, list[AnyEvent]]:
    """A session with every subscription acknowledged: sid 1 is the book, then the others in order."""
    session = Session(tickers or (MARKET, OTHER), lambda: 0.0)
    events: list[AnyEvent] = []
    for sid, command in enumerate(commands(session.connected(START)), start=1):
        channel = command["params"]["channels"][0]
        events += session.receive(START, frames.subscribed(command["id"], channel, sid))
    return session, events


def in_sync() -> Session:
    session, _ = up()
    session.receive(START, frames.snapshot(1, 1))
    session.receive(START, frames.snapshot(1, 2, OTHER))
    assert session.stale_tickers == ()
    return session


def kinds(events: list[AnyEvent]) -> list[str]:
    return [type(event).__name__ for event in events]
