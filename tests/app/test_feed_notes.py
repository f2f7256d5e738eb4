"""What the feed could not read is in the log, and does not flood it."""

from __future__ import annotations

import json
from collections.abc import MutableMapping
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from mm.app.feed_notes import FeedNotes
from mm.core.units import SECOND, Nanos
from mm.kalshi.session import Session
from tests.kalshi import frames
from tests.kalshi.frames import MARKET, frame
from tests.kalshi.sessions import START

LIFE = {"market_ticker": MARKET, "event_type": "determined", "settlement_value": "2.0000"}


def session_of(notes: FeedNotes) -> Session:
    session = Session([MARKET], lambda: 0.0, unread=notes.unread)
    for sid, text in enumerate(session.connected(START), start=1):
        command = json.loads(text)
        channel = command["params"]["channels"][0]
        session.receive(START, frames.subscribed(command["id"], channel, sid))
    return session


def lines(*received: tuple[Nanos, str]) -> list[MutableMapping[str, Any]]:
    """What the log says of these frames, each with its moment."""
    with capture_logs() as log:
        session = session_of(FeedNotes(lambda age, ts: None, structlog.get_logger()))
        for after, text in received:
            session.receive(START + after, text)
    return log


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<html>", "unreadable frame"),
        (frames.user_order(5, remaining_count_fp=None), "user_order"),
        (frame("market_lifecycle_v2", sid=6, seq=1, msg=LIFE), "LifecycleFrame"),
        (frame("error", msg={"code": 25, "msg": "Subscription buffer overflow"}), "error 25 Subscription"),
        (frame("error", msg={"code": 9, "msg": "Authentication required"}), "error 9 Authentication"),
    ],
)
def test_each_has_its_line_with_the_reason(text: str, reason: str) -> None:
    (line,) = lines((0, text))
    assert (line["event"], line["log_level"], line["logger"]) == ("frame_unread", "warning", "websocket")
    assert line["reason"].startswith(reason) and "untold" not in line


def test_many_are_one_line_in_ten_seconds_and_the_others_are_counted() -> None:
    bad = [(number * SECOND, "<html>") for number in range(23)]
    assert [line.get("untold") for line in lines(*bad)] == [None, 9, 9]


def test_what_can_be_read_says_nothing() -> None:
    assert lines((0, frames.snapshot(1, 1)), (0, frames.delta(1, 2)), (0, frames.fill(4))) == []
