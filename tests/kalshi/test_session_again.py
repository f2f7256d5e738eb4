"""What a session asks for again, and how soon: snapshots, subscriptions, signs of life, the connection."""

from __future__ import annotations

import json

import pytest

from mm.core.events import LinkDown, LinkUp
from mm.core.units import MILLISECOND, SECOND
from mm.kalshi.backoff import backoff
from mm.kalshi.session import Session
from tests.kalshi import frames
from tests.kalshi.frames import MARKET, OTHER, frame
from tests.kalshi.sessions import START, commands, in_sync, kinds, params, up

CHANNELS = ("orderbook_delta", "trade", "ticker", "fill", "user_orders", "market_lifecycle_v2")


def test_a_snapshot_that_does_not_come_is_asked_for_again_ever_more_slowly() -> None:
    session, _ = up(MARKET)
    asked_at = []
    for step in range(400):
        now = START + step * 100 * MILLISECOND
        session.receive(now, frame("unknown_but_alive"))
        session.on_time(now)
        asked_at += [step // 10 for text in session.outgoing() if params(text)["action"] == "get_snapshot"]
    assert asked_at == [2, 6, 14, 30]


def test_resubscribe_asks_and_holds_back_deltas() -> None:
    session = in_sync()
    session.resubscribe(START, MARKET)
    assert params(session.outgoing()[0]) == {"sid": 1, "action": "get_snapshot", "market_tickers": [MARKET]}
    assert session.receive(START, frames.delta(1, 3)) == []
    assert kinds(session.receive(START, frames.snapshot(1, 4))) == ["BookSnapshot"]
    session.resubscribe(START, "UNKNOWN")
    assert session.outgoing() == []


@pytest.mark.parametrize("code", [7, 10, 25])
def test_a_subscription_that_ended_is_asked_for_again_at_once(code: int) -> None:
    session = in_sync()
    error = frame("error", sid=1, seq=3, msg={"code": code, "msg": "Subscription buffer overflow"})
    assert kinds(session.receive(START, error)) == ["BookGap", "BookGap"]
    (command,) = session.outgoing()
    assert params(command)["channels"] == ["orderbook_delta"]
    assert session.receive(START, frames.delta(1, 4)) == [], "the old subscription is dead"
    session.receive(START, frames.subscribed(json.loads(command)["id"], "orderbook_delta", 31))
    assert kinds(session.receive(START, frames.snapshot(31, 1))) == ["BookSnapshot"]


def test_one_that_keeps_ending_is_asked_for_more_and_more_slowly() -> None:
    session = in_sync()
    now, waits = START, []
    for sid in range(40, 44):
        session.receive(
            now, frame("error", sid=session._control.book.sid, msg={"code": 25, "msg": "overflow"})
        )
        ended = now
        while not (texts := session.outgoing()):
            now += 100 * MILLISECOND
            session.receive(now, frame("alive"))
            session.on_time(now)
        waits.append((now - ended) // SECOND)
        session.receive(now, frames.subscribed(json.loads(texts[0])["id"], "orderbook_delta", sid))
    assert waits[0] == 0 and waits[1] >= 1 and waits[3] >= waits[2] >= waits[1] and waits[3] > 1


def test_one_that_held_for_a_while_is_again_asked_for_at_once() -> None:
    session = in_sync()
    overflow = {"code": 25, "msg": "overflow"}
    for sid, now in ((1, START), (41, START + 31 * SECOND)):
        session.receive(now, frame("error", sid=sid, msg=overflow))
        (command,) = session.outgoing()
        session.receive(now, frames.subscribed(json.loads(command)["id"], "orderbook_delta", 41 + sid // 41))


def test_a_refused_change_is_repeated_later_with_all_markets() -> None:
    session = in_sync()
    session.add_markets(START, ["NEW"])
    first = json.loads(session.outgoing()[0])
    session.receive(START, frame("error", id=first["id"], msg={"code": 27, "msg": "Too many requests"}))
    session.on_time(START + 900 * MILLISECOND)
    assert session.outgoing() == []
    session.on_time(START + SECOND)
    (again,) = commands(session.outgoing())
    assert again["params"]["market_tickers"] == [MARKET, OTHER, "NEW"]
    assert kinds(session.receive(START, frames.delta(1, 3))) == ["BookDelta"], "the old one goes on meanwhile"
    session.receive(START + SECOND, frames.subscribed(again["id"], "orderbook_delta", 50))
    assert kinds(session.receive(START + SECOND, frames.snapshot(50, 1, "NEW"))) == ["BookSnapshot"]


def test_a_change_that_is_refused_once_an_hour_never_costs_the_connection() -> None:
    """Markets come and go every day; what was refused and mended long ago is no reason to start over."""
    session, now = in_sync(), START
    for hour in range(12):
        now = START + hour * 3_600 * SECOND
        session.add_markets(now, [f"NEW-{hour}"])
        for text in commands(session.outgoing()):
            session.receive(now, frame("error", id=text["id"], msg={"code": 18, "msg": "Command timeout"}))
        session.on_time(now + SECOND)
        again = [each for each in commands(session.outgoing()) if each["cmd"] == "subscribe"]
        assert len(again) == 3, f"hour {hour}: each channel is asked for again, and soon"
        for sid, command in enumerate(again, 1):
            channel = command["params"]["channels"][0]
            session.receive(now + SECOND, frames.subscribed(command["id"], channel, sid))
    assert session.wants_reconnect == ""


def test_losing_the_fills_takes_the_link_down_until_they_are_back() -> None:
    session = in_sync()
    error = frame("error", sid=4, msg={"code": 10, "msg": "Channel error"})
    (event,) = session.receive(START, error)
    assert isinstance(event, LinkDown) and event.reason.startswith("fill: 10")
    assert not session.is_up
    (command,) = session.outgoing()
    assert session.receive(START, frames.subscribed(json.loads(command)["id"], "fill", 14)) == [LinkUp(START)]
    assert kinds(session.receive(START, frames.fill(14))) == ["Fill"]


def test_a_refused_subscribe_is_retried_after_a_pause() -> None:
    session = Session([MARKET], lambda: 0.0)
    asked = commands(session.connected(START))
    session.receive(START, frame("error", id=asked[0]["id"], msg={"code": 18, "msg": "Command timeout"}))
    session.on_time(START + 900 * MILLISECOND)
    assert session.outgoing() == []
    session.on_time(START + 1_000 * MILLISECOND)
    assert [params(text)["channels"] for text in session.outgoing()] == [["orderbook_delta"]]


def test_a_subscribe_that_is_never_answered_ends_in_a_new_connection() -> None:
    session = Session([MARKET], lambda: 0.0)
    session.connected(START)
    for step in range(1, 60):
        session.receive(START + step * SECOND, frame("alive"))
        session.on_time(START + step * SECOND)
    assert "not acknowledged" in session.wants_reconnect
    session.connected(START + 60 * SECOND)
    assert session.wants_reconnect == ""


def test_silence_is_probed_and_then_ends_the_connection() -> None:
    session = in_sync()
    session.on_time(START + 4_900 * MILLISECOND)
    assert session.outgoing() == []
    session.on_time(START + 5 * SECOND)
    session.on_time(START + 6 * SECOND)
    (probe,) = commands(session.outgoing())
    assert probe["cmd"] == "list_subscriptions"
    session.on_time(START + 11_900 * MILLISECOND)
    assert session.wants_reconnect == ""
    session.on_time(START + 12 * SECOND)
    assert session.wants_reconnect == "no frame for 12 s"


def test_a_probe_whose_answer_was_overtaken_does_not_prevent_the_next() -> None:
    session = in_sync()
    for quiet_since in (START, START + 6 * SECOND):
        session.receive(quiet_since, frames.trade(2, 1))
        session.on_time(quiet_since + 4 * SECOND)
        session.on_time(quiet_since + 5 * SECOND)
        assert [command["cmd"] for command in commands(session.outgoing())] == ["list_subscriptions"]


def test_what_the_exchange_has_forgotten_is_asked_for_again() -> None:
    session = in_sync()
    session.on_time(START + 5 * SECOND)
    (probe,) = commands(session.outgoing())
    listed = [{"channel": channel, "sid": sid} for sid, channel in enumerate(CHANNELS, start=1)]
    now = START + 6 * SECOND
    assert session.receive(now, frame("ok", id=probe["id"], msg=listed)) == []
    assert session.outgoing() == []
    session.on_time(now + 5 * SECOND)
    (probe,) = commands(session.outgoing())
    events = session.receive(now + 6 * SECOND, frame("ok", id=probe["id"], msg=listed[1:]))
    assert kinds(events) == ["BookGap", "BookGap"]
    assert [params(text)["channels"] for text in session.outgoing()] == [["orderbook_delta"]]


def test_the_pause_before_a_reconnect_grows_and_is_random() -> None:
    low = [backoff(attempt, lambda: 0.0) / SECOND for attempt in range(8)]
    high = [backoff(attempt, lambda: 0.999) / SECOND for attempt in range(8)]
    assert low == [1, 1, 2, 4, 8, 15, 15, 15]
    assert all(1 <= value <= 30 for value in high) and high[6] > 29


@pytest.mark.parametrize("code", [10, 25])
def test_an_end_that_names_no_subscription_is_looked_for(code: int) -> None:
    session = in_sync()
    session.receive(START, frame("error", msg={"code": code, "msg": "Subscription buffer overflow"}))
    (asked,) = commands(session.outgoing())
    assert asked["cmd"] == "list_subscriptions"
    left = [{"channel": "fill", "sid": 4}, {"channel": "user_orders", "sid": 5}]
    session.receive(START, frame("ok", id=asked["id"], msg=left))
    again = {command["params"]["channels"][0] for command in commands(session.outgoing())}
    assert again == {"orderbook_delta", "trade", "ticker", "market_lifecycle_v2"}
    assert set(session.stale_tickers) == {MARKET, OTHER}


def test_a_question_that_is_answered_by_such_an_error_is_not_asked_again_at_once() -> None:
    session = in_sync()
    error = {"code": 10, "msg": "Channel error"}
    session.receive(START, frame("error", msg=error))
    (asked,) = commands(session.outgoing())
    session.receive(START, frame("error", id=asked["id"], msg=error))
    assert session.outgoing() == []
