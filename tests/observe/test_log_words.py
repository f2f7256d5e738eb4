"""The log speaks the words of the operator's manual, each where it truly happens to a market maker."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mm.alerts.file import AlertFile
from mm.core.actions import Alert, AlertLevel, PlaceOrder, Reconnect, Resubscribe
from mm.core.events import ApiError, Fill, LinkUp, MarketStatus, OrderInDoubt, RequestKind, Tick
from mm.core.units import MILLISECOND, MONEY_DOLLAR, Nanos, Side
from mm.kalshi.paths import ENDPOINTS
from mm.observe.heartbeat import Process
from mm.observe.house import RunFiles, RunSettings, open_run_files
from tests.observe.engine import START, TICKER, Bench, at, decision

Line = dict[str, Any]


class Story(Bench):
    def __init__(self, home: Path) -> None:
        self.home = home
        self.files: RunFiles = open_run_files(
            RunSettings(home, {"DEFAULT": "glft"}, START, Process(1, "test"), AlertFile, endpoints=ENDPOINTS)
        )
        super().__init__(self.files.observers)
        self._trades = 0

    def trade(self, second: float, side: Side, price: int, count: int, fee: int = 0) -> None:
        self._trades += 1
        self.step(Fill(at(second), f"t{self._trades}", "o-1", "mm-1", TICKER, side, price, count, fee, False))

    def said(self, *words: str) -> list[Line]:
        """The log's lines with one of these words, without what all lines have."""
        self.time(self.engine.now + 250 * MILLISECOND)
        lines = [json.loads(line) for line in (self.home / "DEFAULT.log").read_text().splitlines()]
        return [
            {key: line[key] for key in line if key not in ("timestamp", "logger", "desk")}
            for line in lines
            if line["event"] in words
        ]


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    story = Story(tmp_path)
    yield story
    story.close()
    story.files.close()


def test_a_position_is_entered_and_closed_with_what_it_earned(story: Story) -> None:
    """10 bought at 0.40 and 0.42, sold at 0.45: 35 cents, less 3 of fees."""
    story.trade(1, Side.BID, 4_000, 500, fee=10_000)
    story.trade(2, Side.BID, 4_200, 500, fee=10_000)
    story.trade(3, Side.ASK, 4_500, 1_000, fee=10_000)
    entered, closed = story.said("position_entered", "position_closed")
    assert entered["entry_price"] == 0.4 and entered["size"] == 5.0
    assert closed == {
        "level": "info",
        "event": "position_closed",
        "position_id": TICKER,
        "market_id": TICKER,
        "exit_price": 0.45,
        "pnl": 0.37,
        "size": 10.0,
        "exit_reason": "fill",
    }


def test_one_fill_may_close_a_position_and_enter_the_opposite_one(story: Story) -> None:
    story.trade(1, Side.ASK, 6_000, 300)
    story.trade(2, Side.BID, 5_000, 800)
    story.step(MarketStatus(at(3), TICKER, settlement_value=10_000))
    told = [
        (line["event"], line["size"], line.get("pnl"), line.get("exit_reason"))
        for line in story.said("position_entered", "position_closed")
    ]
    assert told == [
        ("position_entered", -3.0, None, None),
        ("position_closed", -3.0, 0.3, "fill"),
        ("position_entered", 5.0, None, None),
        ("position_closed", 5.0, 2.5, "settled"),
    ]


def test_what_a_position_found_at_the_start_earned_is_not_known(story: Story) -> None:
    story.engine.positions[TICKER] = 700
    story.trade(1, Side.ASK, 6_000, 700)
    (closed,) = story.said("position_entered", "position_closed")
    assert (closed["event"], closed["pnl"], closed["size"]) == ("position_closed", None, 7.0)


def test_a_signal_is_a_wish_that_begins_or_ends_and_does_not_chatter(story: Story) -> None:
    idle = msgspec.structs.replace(decision(note="cutoff"), wanted=())
    for second, seen in ((1, decision()), (2, idle), (3, decision()), (9, idle), (10, idle)):
        story.step(Tick(at(second), 1, 1), decided=[seen])
    began, ended = story.said("signal_generated", "signal_withdrawn")
    assert (began["bid_price"], began["ask_price"], began["fair_price"]) == (0.46, 0.49, 0.47555)
    assert (ended["event"], ended["bid_price"], ended["note"]) == ("signal_withdrawn", None, "cutoff")


def test_an_api_error_names_endpoint_status_and_message(story: Story) -> None:
    story.step(ApiError(at(1), 1, RequestKind.QUERY_ACCOUNT, 429, "too_many_requests", "slow down"))
    story.step(OrderInDoubt(at(2), 2, "mm-1", RequestKind.AMEND, 0, "no answer"))
    read, amend = story.said("api_error")
    assert read == {
        "level": "error",
        "event": "api_error",
        "endpoint": "/portfolio",
        "kind": "query_account",
        "status_code": 429,
        "code": "too_many_requests",
        "message": "API error: slow down",
    }
    assert amend["endpoint"] == "/portfolio/events/orders/{order_id}/amend"


def test_a_link_has_an_address(story: Story) -> None:
    story.files.urls["feed"] = "wss://example.test/ws"
    story.step(LinkUp(at(1)))
    (line,) = story.said("websocket_connected")
    assert (line["link"], line["url"]) == ("feed", "wss://example.test/ws")


def test_slow_is_told_at_once_but_not_without_end(story: Story) -> None:
    ask(story, 1, written=at(1), answered=at(1.1))
    assert story.said("slow_operation") == []
    for number in range(2, 6):
        ask(story, number, written=at(number), answered=at(number + 0.3))
    ask(story, 12, written=at(12.5), answered=at(12.9))
    slow = story.said("slow_operation")
    assert [(line["component"], line["latency_ms"], line.get("untold")) for line in slow] == [
        ("round_trip", 300.0, None),
        ("round_trip", 400.0, 3),
    ]


def test_how_long_things_take_is_told_once_a_minute(story: Story) -> None:
    story.time(at(0))
    for number in range(1, 101):
        ask(story, number, written=at(1), answered=at(1) + number * MILLISECOND)
    story.time(at(59.7))
    assert story.said("latency_measured") == []
    story.time(at(60))
    told = {line["component"]: line for line in story.said("latency_measured")}
    assert set(told) == {"tick_to_wire", "sign", "round_trip"}
    measured = told["round_trip"]
    assert [measured[key] for key in ("latency_ms", "p99_ms", "max_ms", "count")] == [50.0, 99.0, 100.0, 100]


def test_the_least_and_the_worst_of_a_sample_are_no_components_of_their_own(story: Story) -> None:
    story.time(at(0))
    for age in (5, 1, 9):
        story.files.stopwatch.aged(age * MILLISECOND, at(1))
    story.time(at(2))
    story.time(at(60))
    (measured,) = story.said("latency_measured")
    assert [measured[key] for key in ("component", "max_ms", "count")] == ["feed_age", 9.0, 1]


def ask(story: Story, number: int, written: Nanos, answered: Nanos) -> None:
    """One request, from the decision to the answer."""
    order = PlaceOrder(number, f"mm-{number}", TICKER, Side.BID, 4_600, 100)
    story.step(Tick(written, 1, 1), order)
    story.files.stopwatch.request(number, 1_000, written, answered)
    story.time(answered)


@pytest.mark.parametrize(
    ("category", "level", "word"),
    [
        ("circuit_breaker", AlertLevel.CRITICAL, "circuit_breaker_triggered"),
        ("circuit_breaker", AlertLevel.INFO, "circuit_breaker"),
        ("position_limit", AlertLevel.WARNING, "position_limit_approaching"),
        ("exposure", AlertLevel.WARNING, "exposure_high"),
    ],
)
def test_an_alert_is_a_line_of_the_log_too(story: Story, category: str, level: AlertLevel, word: str) -> None:
    alert = Alert(level, category, "daily loss", "DEFAULT", (("loss", -5.0), ("limit", MONEY_DOLLAR)))
    story.step(Tick(at(1), 1, 1), alert)
    story.step(Tick(at(2), 1, 1), alert)
    line, again = story.said(word)
    assert line == again and (line["level"], line["message"]) == (level.value, "daily loss")
    assert line["details"] == {"loss": -5.0, "limit": MONEY_DOLLAR}


def test_a_book_and_a_feed_that_are_not_trusted_are_told_with_the_reason(story: Story) -> None:
    story.step(Tick(at(1), 10, 10), Resubscribe(TICKER, "impossible delta"), Reconnect("it stands still"))
    assert story.said("book_requested", "feed_mistrusted") == [
        {
            "level": "warning",
            "event": "book_requested",
            "market_id": TICKER,
            "reason": "impossible delta",
        },
        {"level": "warning", "event": "feed_mistrusted", "reason": "it stands still"},
    ]
