"""Stories of one WebSocket session: what is lost, what is asked for again, and what the engine hears."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mm.core.events import (
    AnyEvent,
    BookDelta,
    BookGap,
    BookSnapshot,
    FeeSchedule,
    LinkDown,
    LinkUp,
    MarketStatus,
)
from mm.core.units import MILLISECOND, SECOND, Nanos
from mm.kalshi.backoff import backoff
from mm.kalshi.fees import FeeTerms
from mm.kalshi.session import Session
from tests.kalshi import frames
from tests.kalshi.frames import MARKET, OTHER, frame

START: Nanos = 1_000 * SECOND
CHANNELS = ("orderbook_delta", "trade", "ticker", "fill", "user_orders", "market_lifecycle_v2")


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


# -- opening ------------------------------------------------------------------------------------------
def test_it_asks_for_each_channel_on_its_own_and_says_which_leg() -> None:
    session = Session([MARKET], lambda: 0.0)
    asked = {c["params"]["channels"][0]: c["params"] for c in commands(session.connected(START))}
    assert asked == {
        "orderbook_delta": {
            "channels": ["orderbook_delta"],
            "market_tickers": [MARKET],
            "use_yes_price": True,
        },
        "trade": {"channels": ["trade"], "market_tickers": [MARKET]},
        "ticker": {"channels": ["ticker"], "market_tickers": [MARKET], "send_initial_snapshot": True},
        "fill": {"channels": ["fill"]},
        "user_orders": {"channels": ["user_orders"]},
        "market_lifecycle_v2": {"channels": ["market_lifecycle_v2"]},
    }


def test_the_link_is_up_when_the_last_channel_is_acknowledged() -> None:
    session = Session([MARKET], lambda: 0.0)
    asked = commands(session.connected(START))
    for sid, command in enumerate(asked, start=1):
        assert not session.is_up
        events = session.receive(
            START, frames.subscribed(command["id"], command["params"]["channels"][0], sid)
        )
        assert events == ([LinkUp(START)] if sid == len(asked) else [])


def test_without_markets_no_market_channel_is_asked_for_until_there_are_some() -> None:
    session = Session([], lambda: 0.0)
    asked = commands(session.connected(START))
    channels = [c["params"]["channels"][0] for c in asked]
    assert channels == ["fill", "user_orders", "market_lifecycle_v2"]
    for sid, (command, channel) in enumerate(zip(asked, channels, strict=True), start=1):
        session.receive(START, frames.subscribed(command["id"], channel, sid))
    assert session.is_up
    session.add_markets(START, [MARKET])
    assert [params(text)["channels"][0] for text in session.outgoing()] == [
        "orderbook_delta",
        "trade",
        "ticker",
    ]


def test_a_market_added_while_a_subscribe_is_under_way_is_added_after() -> None:
    session = Session([MARKET], lambda: 0.0)
    asked = commands(session.connected(START))
    session.add_markets(START, [OTHER])
    session.drop_markets([MARKET])
    assert session.outgoing() == []
    session.receive(START, frames.subscribed(asked[0]["id"], "orderbook_delta", 1))
    assert [(params(t)["action"], params(t)["market_tickers"]) for t in session.outgoing()] == [
        ("add_markets", [OTHER]),
        ("delete_markets", [MARKET]),
    ]


# -- gaps -----------------------------------------------------------------------------------------------
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


# -- time-outs, errors, probes --------------------------------------------------------------------------
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


# -- the account and the markets --------------------------------------------------------------------------
def test_fills_and_orders_need_no_market_of_ours() -> None:
    session = in_sync()
    assert kinds(session.receive(START, frames.fill(4, market_ticker="ELSEWHERE"))) == ["Fill"]


@pytest.mark.parametrize("text", [frames.fill(4, fee_cost="?"), frames.fill(4).replace('"278.00"', "278")])
def test_a_fill_that_cannot_be_read_starts_the_connection_anew(text: str) -> None:
    session = in_sync()
    assert session.receive(START, text) == []
    assert session.wants_reconnect


def test_only_our_markets_change_their_status() -> None:
    session = in_sync()
    for ticker, count in ((MARKET, 1), ("ELSEWHERE", 0)):
        msg = {"market_ticker": ticker, "event_type": "deactivated"}
        events = session.receive(START, frame("market_lifecycle_v2", sid=6, seq=2 - count, msg=msg))
        assert len(events) == count


def test_an_events_fees_reach_its_markets() -> None:
    session = in_sync()
    session.learn([FeeTerms(MARKET, "FED-23DEC", "quadratic", 1)])  # type: ignore[arg-type]
    msg = {"event_ticker": "FED-23DEC", "fee_type_override": "quadratic_with_maker_fees"}
    msg2 = {**msg, "fee_multiplier_override": 0.5}
    events = session.receive(START, frame("event_fee_update", sid=6, seq=1, msg=msg2))
    assert events == [MarketStatus(START, MARKET, fees=FeeSchedule(35_000, 8_750))]


def test_markets_come_and_go() -> None:
    session = in_sync()
    session.add_markets(START, ["NEW", MARKET])
    assert [(params(t)["sid"], params(t)["market_tickers"]) for t in session.outgoing()] == [
        (1, ["NEW"]),
        (2, ["NEW"]),
        (3, ["NEW"]),
    ]
    assert session.receive(START, frames.delta(1, 3, "NEW")) == []
    assert kinds(session.receive(START, frames.snapshot(1, 4, "NEW"))) == ["BookSnapshot"]
    session.drop_markets(["NEW"])
    assert {params(text)["action"] for text in session.outgoing()} == {"delete_markets"}
    assert session.receive(START, frames.delta(1, 5, "NEW")) == []
    assert session.tickers == (MARKET, OTHER)


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


def test_the_pause_before_a_reconnect_grows_and_is_random() -> None:
    low = [backoff(attempt, lambda: 0.0) / SECOND for attempt in range(8)]
    high = [backoff(attempt, lambda: 0.999) / SECOND for attempt in range(8)]
    assert low == [1, 1, 2, 4, 8, 15, 15, 15]
    assert all(1 <= value <= 30 for value in high) and high[6] > 29
