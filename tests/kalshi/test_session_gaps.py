"""What a session loses, to the book, when messages are missing, repeated, unreadable, or the link is gone."""

from __future__ import annotations

import json

import pytest

from mm.core.events import BookDelta, BookGap, BookSnapshot, LinkDown
from tests.kalshi import frames
from tests.kalshi.frames import MARKET, OTHER, frame
from tests.kalshi.sessions import START, commands, in_sync, kinds, params


def test_a_gap_loses_every_book_of_the_subscription_until_its_snapshot() -> None:
    session = in_sync()
    assert kinds(session.receive(START, frames.delta(1, 3))) == ["BookDelta"]
    gap = session.receive(START, frames.delta(1, 5))
    assert kinds(gap) == ["BookGap", "BookGap"]
    (command,) = session.outgoing()
    assert params(command) == {"sid": 1, "action": "get_snapshot", "market_tickers": [MARKET, OTHER]}
    assert session.receive(START, frames.delta(1, 6)) == []
    assert kinds(session.receive(START, frames.snapshot(1, 7))) == ["BookSnapshot"]
    assert kinds(session.receive(START, frames.delta(1, 8))) == ["BookDelta"]
    assert session.receive(START, frames.delta(1, 9, OTHER)) == []
    assert session.stale_tickers == (OTHER,)


def test_a_snapshot_that_comes_after_a_gap_is_believed_at_once() -> None:
    session = in_sync()
    assert kinds(session.receive(START, frames.snapshot(1, 9))) == ["BookGap", "BookGap", "BookSnapshot"]
    assert session.stale_tickers == (OTHER,)


def test_old_and_repeated_messages_change_nothing() -> None:
    session = in_sync()
    first = session.receive(START, frames.delta(1, 3))
    assert first and session.receive(START, frames.delta(1, 3)) == []
    assert session.receive(START, frames.delta(1, 2)) == []
    assert session.receive(START, frames.snapshot(1, 1)) == []
    assert session.stats.duplicates == 3
    assert kinds(session.receive(START, frames.delta(1, 4))) == ["BookDelta"]


def test_each_subscription_counts_for_itself() -> None:
    session = in_sync()
    assert kinds(session.receive(START, frames.trade(2, 1))) == ["Trade"]
    assert kinds(session.receive(START, frames.trade(2, 5))) == ["Trade"]
    assert session.stats.gaps == 1
    assert session.stale_tickers == ()
    assert kinds(session.receive(START, frames.delta(1, 3))) == ["BookDelta"]


@pytest.mark.parametrize(
    "text",
    [
        frame("ok", id=99, sid=1, seq=3, msg={"market_tickers": [MARKET, OTHER]}),
        frame("error", id=99, sid=1, seq=3, msg={"code": 14, "msg": "Market Ticker required"}),
        frame("something_new", sid=1, seq=3, msg={}),
    ],
)
def test_acknowledgements_errors_and_unknown_types_use_a_number_too(text: str) -> None:
    session = in_sync()
    session.receive(START, text)
    assert kinds(session.receive(START, frames.delta(1, 4))) == ["BookDelta"]


def test_an_implausible_number_does_not_silence_the_book_for_ever() -> None:
    session = in_sync()
    assert kinds(session.receive(START, frames.delta(1, 2**60))) == ["BookGap", "BookGap"]
    (command,) = session.outgoing()
    assert params(command)["channels"] == ["orderbook_delta"]
    session.receive(START, frames.subscribed(json.loads(command)["id"], "orderbook_delta", 1))
    session.receive(START, frames.snapshot(1, 4))
    assert session.stale_tickers == (OTHER,)


@pytest.mark.parametrize(
    "text",
    ['{"type":"orderbook_delta","sid":1,"seq":3,"msg":{"market_tick', "garbage", "", b"\xff\xfe", b"[1,2]"],
)
def test_an_unreadable_frame_could_have_been_of_any_book(text: str | bytes) -> None:
    session = in_sync()
    assert kinds(session.receive(START, text)) == ["BookGap", "BookGap"]
    assert params(session.outgoing()[0])["action"] == "get_snapshot"
    assert session.stats.bad == 1
    assert session.receive(START, text) == []
    assert session.outgoing() == [], "a flood of bad frames makes no flood of commands"


def test_an_absurd_delta_loses_its_own_book_only() -> None:
    session = in_sync()
    assert kinds(session.receive(START, frames.delta(1, 3, change="NaN"))) == ["BookGap"]
    assert session.stale_tickers == (MARKET,)
    assert kinds(session.receive(START, frames.delta(1, 4, OTHER))) == ["BookDelta"]


def test_a_book_message_without_its_number_is_not_believed() -> None:
    session = in_sync()
    assert kinds(session.receive(START, frames.delta(1, 3).replace('"seq": 3,', ""))) == [
        "BookGap",
        "BookGap",
    ]


def test_strangers_change_nothing_but_are_counted() -> None:
    session = in_sync()
    assert session.receive(START, frames.delta(77, 3)) == []
    assert session.receive(START, frames.delta(2, 3)) == []
    assert session.receive(START, frames.delta(1, 3, "UNKNOWN")) == []
    assert session.receive(START, frames.trade(2, 1, "UNKNOWN")) == []
    assert session.receive(START, frames.fill(2)) == []
    assert session.stats.strays == 5
    assert kinds(session.receive(START, frames.delta(1, 4))) == ["BookDelta"]


def test_losing_the_link_loses_every_book_and_forgets_the_numbers() -> None:
    session = in_sync()
    assert session.disconnected(START, "reset") == [
        LinkDown(START, reason="reset"),
        BookGap(START, MARKET, "disconnected"),
        BookGap(START, OTHER, "disconnected"),
    ]
    assert session.disconnected(START, "refused") == [LinkDown(START, reason="refused")]
    asked = commands(session.connected(START))
    session.receive(START, frames.subscribed(asked[0]["id"], "orderbook_delta", 1))
    (event,) = session.receive(START, frames.snapshot(1, 1))
    assert isinstance(event, BookSnapshot)
    (event,) = session.receive(START, frames.delta(1, 2))
    assert isinstance(event, BookDelta)
