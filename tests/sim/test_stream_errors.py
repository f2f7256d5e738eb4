"""What a client can do wrong on the stream beside the grammar of its commands: shards, limits, numbering."""

from __future__ import annotations

from typing import Any

import pytest

from mm.sim.face_switches import FaceSwitches
from mm.sim.stream_channels import CHANNELS, ERRORS
from tests.sim.faces import OPEN, OTHER, SECOND, Client, Face, spec

BOOK = "orderbook_delta"
MARKET_ID = "00000000-0000-4000-8000-000000000001"


def code_of(frames: list[Any]) -> int:
    (frame,) = frames
    spec("asyncapi").check_frame(frame)
    assert frame["type"] == "error"
    code: int = frame["msg"]["code"]
    assert frame["msg"]["msg"] == ERRORS[code]
    return code


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"shard_factor": 0}, 19),
        ({"shard_factor": -3, "shard_key": 0}, 19),
        ({"shard_key": 0}, 20),
        ({"shard_factor": 4, "shard_key": 4}, 21),
        ({"shard_factor": 4, "shard_key": -1}, 21),
        ({"shard_factor": 101}, 22),
        ({"shard_factor": "4"}, 11),
        ({"shard_factor": True}, 11),
        ({"user_filter": "others"}, 11),
        ({"skip_ticker_ack": 1}, 11),
        ({"send_initial_snapshot": "yes"}, 11),
    ],
)
def test_the_fan_out_of_communications_is_checked_and_nothing_is_subscribed(params: Any, code: int) -> None:
    client = Client(Face(), "ann")
    assert code_of(client.subscribe("communications", **params)) == code
    assert client.say({"id": 2, "cmd": "list_subscriptions"})[0]["msg"] == []


def test_good_shards_are_taken_and_other_channels_do_not_look_at_them() -> None:
    client = Client(Face(), "ann")
    for params in ({"shard_factor": 100, "shard_key": 99}, {"shard_factor": 1}, {"user_filter": "self"}):
        (frame,) = client.subscribe("communications", **params)
        assert frame["type"] == "subscribed"
    (frame,) = client.subscribe("trade", shard_key=7)
    assert frame["type"] == "subscribed"


def test_a_subscription_holds_only_so_many_markets_and_is_left_as_it_was() -> None:
    face = Face(switches=FaceSwitches(most_markets=2))
    client = Client(face, "ann")
    assert code_of(client.subscribe(BOOK, market_tickers=[OPEN, OTHER, "KXTEST-27-A"])) == 26
    client.subscribe(BOOK, market_tickers=[OPEN, OTHER])
    more = {"sid": 1, "action": "add_markets", "market_ticker": "KXTEST-27-A"}
    assert code_of(client.say({"id": 2, "cmd": "update_subscription", "params": more})) == 26
    face.create("bob", "bid", "0.40", "1", ticker=OTHER)
    (frame,) = client.new()
    assert (frame["type"], frame["msg"]["market_ticker"]) == (BOOK, OTHER)
    again = {"sid": 1, "action": "add_markets", "market_tickers": [OPEN, OTHER]}  # known ones count once
    (ok,) = client.say({"id": 3, "cmd": "update_subscription", "params": again})
    assert ok["type"] == "ok"


@pytest.mark.parametrize(
    ("channels", "code"),
    [([BOOK], 11), (["trade"], 11), (["fill"], 11), (["ticker", "market_positions"], 11), (["ticker"], None)],
)
def test_markets_are_named_by_their_ids_on_the_ticker_alone(channels: list[str], code: int | None) -> None:
    client = Client(Face(), "ann")
    for named in ({"market_id": MARKET_ID}, {"market_ids": [MARKET_ID]}):
        said = client.subscribe(*channels, **named)
        assert (None if said[0]["type"] == "subscribed" else code_of(said)) == code
    client = Client(Face(), "ann")
    client.subscribe(*channels, market_ticker=OPEN)
    more = {"sid": 1, "action": "add_markets", "market_id": MARKET_ID}
    for sid, channel in enumerate(channels, 1):
        (answer,) = client.say({"id": 2, "cmd": "update_subscription", "params": {**more, "sid": sid}})
        assert answer["type"] == ("ok" if channel == "ticker" else "error")


def test_commands_that_come_too_fast_are_refused_until_a_second_has_passed() -> None:
    face = Face(switches=FaceSwitches(most_commands=3))
    client = Client(face, "ann")
    listing = {"id": 1, "cmd": "list_subscriptions"}
    for _ in range(3):
        assert client.say(listing)[0]["type"] == "ok"
    assert code_of(client.say(listing)) == 27
    face.wait(SECOND // 3 + 1)
    assert client.say(listing)[0]["type"] == "ok"
    assert code_of(client.say(listing)) == 27


@pytest.mark.parametrize("channel", ["ticker", BOOK])
def test_an_error_is_numbered_where_the_messages_are(channel: str) -> None:
    client = Client(Face(), "ann")
    client.subscribe(channel, market_ticker=OPEN)
    wrong = {"id": 2, "cmd": "update_subscription", "params": {"sid": 1, "action": "swap"}}
    (error,) = client.say(wrong)
    assert ("seq" in error) == CHANNELS[channel].is_sequenced


def test_an_overflow_of_an_unnumbered_channel_says_so_without_a_number() -> None:
    face = Face(most_backlog=10)
    unread = [0]
    client = Client(face, "ann", lambda: unread[0])
    client.subscribe("ticker", market_ticker=OPEN)
    unread[0] = 11
    face.create("bob", "bid", "0.40", "1")
    (error,) = client.new()
    assert (error["msg"]["code"], "seq" in error) == (25, False)


def test_every_code_of_the_specification_is_known_here_or_said_why_not() -> None:
    listed = {one["code"] for one in spec("asyncapi").document["x-error-codes"]["codes"]}
    assert listed - set(ERRORS) == {9, 10, 18, 23, 24, 28}
    assert set(ERRORS) <= listed
