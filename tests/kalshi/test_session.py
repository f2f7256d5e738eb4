"""Stories of one WebSocket session: how it opens, and which markets, fills and orders the engine hears of."""

from __future__ import annotations

import pytest

from mm.core.events import FeeSchedule, LinkUp, MarketStatus
from mm.kalshi.fees import FeeTerms
from mm.kalshi.session import Session
from tests.kalshi import frames
from tests.kalshi.frames import MARKET, OTHER, frame
from tests.kalshi.sessions import START, commands, in_sync, kinds, params


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


# -- the account and the markets --------------------------------------------------------------------------
def test_fills_and_orders_need_no_market_of_ours() -> None:
    session = in_sync()
    assert kinds(session.receive(START, frames.fill(4, market_ticker="ELSEWHERE"))) == ["Fill"]


def test_fills_and_orders_of_another_subaccount_are_strays_once_ours_is_known() -> None:
    session = in_sync()
    assert kinds(session.receive(START, frames.fill(4, subaccount=3))) == ["Fill"], "of a key locked to it"
    session.subaccount = 0
    assert session.receive(START, frames.fill(4, subaccount=3)) == []
    assert session.receive(START, frames.user_order(5, subaccount_number=3)) == []
    assert session.stats.strays == 2
    assert kinds(session.receive(START, frames.fill(4, subaccount=0))) == ["Fill"]
    assert kinds(session.receive(START, frames.fill(4))) == ["Fill"], "whoever has none is not told of any"
    assert kinds(session.receive(START, frames.user_order(5, subaccount_number=0))) == ["OrderReport"]


@pytest.mark.parametrize(
    "text",
    [
        frames.fill(4, fee_cost="?"),
        frames.fill(4).replace('"278.00"', "278"),
        frames.user_order(5, status="canceled", remaining_count_fp=None),
        frames.user_order(5, fill_count_fp="some"),
        frames.fill(4)[:-20],
        frames.user_order(5)[:60].encode() + b"\xff\xfe",
    ],
)
def test_a_fill_or_an_order_that_cannot_be_read_starts_the_connection_anew(text: str | bytes) -> None:
    session = in_sync()
    assert set(kinds(session.receive(START, text))) <= {"BookGap"}
    assert session.wants_reconnect


@pytest.mark.parametrize("text", ["", "<html>", frames.trade(2, 1)[:-20], '{"type":"fil', '{"a":"fill"'])
def test_what_is_torn_and_not_of_the_account_keeps_the_connection(text: str) -> None:
    session = in_sync()
    session.receive(START, text)
    assert not session.wants_reconnect


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
