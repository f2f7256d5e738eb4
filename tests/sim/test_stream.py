"""The streaming face in process: frames as the specification wants them, numbering, merging, own changes."""

from __future__ import annotations

from typing import Any

import pytest

from mm.sim.rest_numbers import member_text
from tests.sim.faces import OPEN, OTHER, SECOND, Client, Face, spec

PAYLOADS = {
    "orderbook_snapshot": "orderbookSnapshotPayload",
    "orderbook_delta": "orderbookDeltaPayload",
    "ticker": "tickerPayload",
    "trade": "tradePayload",
    "fill": "fillPayload",
    "user_order": "userOrderPayload",
    "market_position": "marketPositionPayload",
    "market_lifecycle_v2": "marketLifecycleV2Payload",
    "subscribed": "subscribedResponsePayload",
    "unsubscribed": "unsubscribedResponsePayload",
    "ok": "okResponsePayload",
    "error": "errorResponsePayload",
}
BOOK = "orderbook_delta"


def check(frames: list[Any]) -> set[str]:
    for frame in frames:
        spec("asyncapi").check(frame, PAYLOADS[frame["type"]])
    return {frame["type"] for frame in frames}


def test_every_message_fits_the_specification() -> None:
    face = Face()
    client = Client(face, "ann")
    frames = client.subscribe(BOOK, "ticker", market_tickers=[OPEN], send_initial_snapshot=True)
    frames += client.subscribe("trade", "fill", "user_orders", "market_positions", "market_lifecycle_v2")
    face.create("bob", "ask", "0.56", "10")
    face.create("ann", "bid", "0.57", "4", client_order_id='with "quotes"')
    placed = face.create("ann", "bid", "0.40", "4", expiration_time=face.now // SECOND + 1)
    face.wait(2 * SECOND)
    face.venue.deactivate(OPEN)
    face.venue.activate(OPEN)
    face.venue.determine(OPEN, "no")
    face.venue.settle(OPEN)
    face.exchange.flush()
    frames += client.new()
    frames += client.say({"id": 9, "cmd": "unsubscribe", "params": {"sids": [1, 99]}})
    assert check(frames) == set(PAYLOADS) - {"ok"}
    expired = [one["msg"] for one in frames if one["type"] == "user_order"][-1]
    assert (expired["order_id"], expired["last_update_reason"]) == (placed["order_id"], "ExpiryCancel")


def test_acknowledgements_come_first_then_snapshots_from_seq_1() -> None:
    face = Face()
    face.create("ann", "bid", "0.40", "3")
    client = Client(face, "ann")
    frames = client.subscribe("fill", BOOK, market_tickers=[OPEN, OTHER])
    assert [one["type"] for one in frames] == ["subscribed"] * 2 + ["orderbook_snapshot"] * 2
    assert frames[1] == {"type": "subscribed", "id": 1, "msg": {"channel": BOOK, "sid": 2}}
    assert frames[2] == {
        "type": "orderbook_snapshot",
        "sid": 2,
        "seq": 1,
        "msg": {
            "market_ticker": OPEN,
            "market_id": "00000000-0000-4000-8000-000000000000",
            "clock": 1,
            "yes_dollars_fp": [["0.4000", "3.00"]],
        },
    }
    assert frames[3]["seq"] == 2
    assert set(frames[3]["msg"]) == {"market_ticker", "market_id", "clock"}


def test_seq_counts_every_frame_of_a_subscription() -> None:
    face = Face()
    client = Client(face, "ann")
    frames = client.subscribe(BOOK, market_ticker=OPEN)
    for price in ("0.40", "0.41", "0.42"):
        face.create("bob", "bid", price, "1")
    frames += client.new()
    frames += client.say({"id": 2, "cmd": "update_subscription", "params": {"sid": 1, "action": "nonsense"}})
    frames += client.say(
        {
            "id": 3,
            "cmd": "update_subscription",
            "params": {"sids": [1], "action": "add_markets", "market_ticker": OTHER},
        }
    )
    frames += client.say({"id": 4, "cmd": "unsubscribe", "params": {"sids": [1]}})
    check(frames)
    numbered = [(one["type"], one["seq"]) for one in frames if "seq" in one]
    assert numbered == [
        ("orderbook_snapshot", 1),
        *((BOOK, seq) for seq in (2, 3, 4)),
        ("error", 5),
        ("ok", 6),
        ("orderbook_snapshot", 7),
        ("unsubscribed", 8),
    ]
    face.create("bob", "bid", "0.43", "1")
    assert client.new() == []


def rebuilt(frames: list[Any], ticker: str, *, yes_price: bool = False) -> dict[str, dict[str, float]]:
    """A book folded from a snapshot and its deltas, as any client would."""
    book: dict[str, dict[str, float]] = {"yes": {}, "no": {}}
    for frame in frames:
        msg = frame["msg"]
        if frame["type"] == "orderbook_snapshot" and msg["market_ticker"] == ticker:
            book = {
                side: {p: float(c) for p, c in msg.get(f"{side}_dollars_fp", [])} for side in ("yes", "no")
            }
        elif frame["type"] == BOOK and msg["market_ticker"] == ticker:
            side, price = book[msg["side"]], msg["price_dollars"]
            side[price] = side.get(price, 0.0) + float(msg["delta_fp"])
            if side[price] == 0:
                del side[price]
    return book


def test_snapshot_and_deltas_rebuild_the_book_that_rest_shows() -> None:
    face = Face()
    face.create("bob", "ask", "0.56", "10")
    client, yes_client = Client(face, "ann"), Client(face, "ann")
    frames = client.subscribe(BOOK, market_ticker=OPEN)
    yes_frames = yes_client.subscribe(BOOK, market_ticker=OPEN, use_yes_price=True)
    face.create("bob", "ask", "0.58", "2.5")
    face.create("ann", "bid", "0.57", "4")
    face.create("ann", "bid", "0.45", "7")
    face.ask("ann", "DELETE", "/portfolio/events/orders")
    frames, yes_frames = frames + client.new(), yes_frames + yes_client.new()
    shown = face.get(f"/markets/{OPEN}/orderbook")["orderbook_fp"]
    book = rebuilt(frames, OPEN)
    for side in ("yes", "no"):
        assert book[side] == {price: float(count) for price, count in shown[f"{side}_dollars"]}
    assert book["no"] == {"0.4400": 6.0, "0.4200": 2.5}
    assert rebuilt(yes_frames, OPEN)["no"] == {"0.5600": 6.0, "0.5800": 2.5}
    clocks = [one["msg"]["clock"] for one in frames if "clock" in one["msg"]]
    assert clocks == sorted(clocks)


def test_only_the_causer_sees_whose_change_it_was() -> None:
    face = Face()
    ann, bob = Client(face, "ann"), Client(face, "bob")
    for client in (ann, bob):
        client.subscribe(BOOK, market_ticker=OPEN)
        client.new()
    face.create("ann", "bid", "0.40", "1", client_order_id="mine")
    (own,), (others,) = ann.new(), bob.new()
    assert own["msg"]["client_order_id"] == "mine"
    assert "client_order_id" not in others["msg"]


def test_private_messages_go_to_their_owner_only() -> None:
    face = Face()
    ann, bob, filtered = Client(face, "ann"), Client(face, "bob"), Client(face, "ann")
    for client in (ann, bob):
        client.subscribe("fill", "user_orders", "market_positions")
        client.new()
    filtered.subscribe("fill", market_tickers=[OTHER])
    filtered.new()
    maker = face.create("bob", "ask", "0.56", "10", client_order_id="b")
    face.create("ann", "bid", "0.56", "4", client_order_id="a")
    seen = {name: client.new() for name, client in (("ann", ann), ("bob", bob))}
    assert filtered.new() == []
    for name, side in (("ann", "bid"), ("bob", "ask")):
        (fill,) = [one["msg"] for one in seen[name] if one["type"] == "fill"]
        assert (fill["book_side"], fill["is_taker"]) == (side, name == "ann")
        (position,) = [one["msg"] for one in seen[name] if one["type"] == "market_position"]
        assert (position["user_id"], position["volume_fp"]) == (member_text(name), "4.00")
        assert position["position_fp"] == fill["post_position_fp"] == ("4.00" if name == "ann" else "-4.00")
    orders = [one["msg"] for one in seen["bob"] if one["type"] == "user_order"]
    assert {one["user_id"] for one in orders} == {member_text("bob")}
    listed = face.get("/portfolio/orders", user="bob")["orders"]
    assert {one["user_id"] for one in listed} == {member_text("bob")}
    assert {one["order_id"] for one in orders} == {maker["order_id"]}
    assert [one["remaining_count_fp"] for one in orders] == ["10.00", "6.00"]


def test_the_order_between_channels_varies_with_the_seed_and_never_within_one() -> None:
    face = Face()
    client = Client(face, "ann")
    client.subscribe(BOOK, "trade", "fill", "user_orders", market_ticker=OPEN)
    client.new()
    orders = set()
    for _ in range(30):
        face.create("bob", "ask", "0.56", "1")
        client.new()
        face.create("ann", "bid", "0.56", "1")
        frames = client.new()
        orders.add(tuple(one["type"] for one in frames))
        face.create("ann", "bid", "0.40", "1")
        face.ask("ann", "DELETE", "/portfolio/events/orders")
        changes = [one["msg"]["delta_fp"] for one in client.new() if one["type"] == BOOK]
        assert changes == ["1.00", "-1.00"]
    assert len(orders) > 5


def test_subscribing_again_merges_into_the_same_sid() -> None:
    face = Face()
    client = Client(face, "ann")
    client.subscribe(BOOK, market_ticker=OPEN)
    frames = client.subscribe(BOOK, market_tickers=[OPEN, OTHER])
    assert [one["type"] for one in frames] == ["subscribed", "orderbook_snapshot"]
    assert frames[0]["msg"]["sid"] == 1
    assert (frames[1]["msg"]["market_ticker"], frames[1]["seq"]) == (OTHER, 2)
    client.subscribe("trade", market_ticker=OPEN)
    client.subscribe("trade")
    client.new()
    face.create("bob", "ask", "0.56", "1", ticker=OTHER)
    face.create("ann", "bid", "0.56", "1", ticker=OTHER)
    face.create("bob", "ask", "0.56", "1")
    face.create("ann", "bid", "0.56", "1")
    trades = [one["msg"]["market_ticker"] for one in client.new() if one["type"] == "trade"]
    assert trades == [OTHER, OPEN]
    (listed,) = client.say({"id": 5, "cmd": "list_subscriptions"})
    assert listed == {
        "id": 5,
        "type": "ok",
        "msg": [{"channel": BOOK, "sid": 1}, {"channel": "trade", "sid": 2}],
    }


def test_markets_are_added_deleted_and_read_again() -> None:
    face = Face()
    client = Client(face, "ann")
    client.subscribe(BOOK, market_ticker=OPEN)

    def update(action: str, *tickers: str) -> list[Any]:
        params = {"sids": [1], "action": action, "market_tickers": list(tickers)}
        return client.say({"id": 7, "cmd": "update_subscription", "params": params})

    added = update("add_markets", OTHER)
    assert added[0] == {"id": 7, "sid": 1, "seq": 2, "type": "ok", "msg": {"market_tickers": [OPEN, OTHER]}}
    assert added[1]["msg"]["market_ticker"] == OTHER
    (again,) = update("get_snapshot", OPEN)
    assert (again["type"], again["id"], again["seq"]) == ("orderbook_snapshot", 7, 4)
    (deleted,) = update("delete_markets", OPEN)
    assert deleted["msg"] == {"market_tickers": [OTHER]}
    face.create("bob", "bid", "0.40", "1")
    assert client.new() == []
    (refused,) = update("get_snapshot", OPEN)
    assert (refused["type"], refused["msg"]["code"]) == ("error", 11)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("not json", 1),
        ("[]", 1),
        ('{"id":"x","cmd":"subscribe"}', 1),
        ({"id": 1, "cmd": "dance"}, 5),
        ({"id": 1, "cmd": "subscribe"}, 2),
        ({"id": 1, "cmd": "subscribe", "params": {}}, 3),
        ({"id": 1, "cmd": "subscribe", "params": {"channels": ["books"]}}, 8),
        ({"id": 1, "cmd": "subscribe", "params": {"channels": [BOOK]}}, 14),
        ({"id": 1, "cmd": "subscribe", "params": {"channels": [BOOK], "market_tickers": "x"}}, 11),
        (
            {
                "id": 1,
                "cmd": "subscribe",
                "params": {"channels": [BOOK], "market_ticker": "x", "market_tickers": ["y"]},
            },
            11,
        ),
        ({"id": 1, "cmd": "subscribe", "params": {"channels": ["trade"], "market_tickers": []}}, 11),
        ({"id": 1, "cmd": "unsubscribe", "params": {}}, 4),
        ({"id": 1, "cmd": "unsubscribe", "params": {"sids": [5]}}, 7),
        ({"id": 1, "cmd": "update_subscription", "params": {"sids": [1, 2]}}, 12),
        ({"id": 1, "cmd": "update_subscription", "params": {"sid": 4, "action": "add_markets"}}, 7),
        ({"id": 1, "cmd": "update_subscription", "params": {"sid": 1}}, 15),
        ({"id": 1, "cmd": "update_subscription", "params": {"sid": 1, "action": "swap"}}, 13),
        ({"id": 1, "cmd": "update_subscription", "params": {"sid": 1, "action": "add_markets"}}, 14),
    ],
)
def test_a_wrong_command_is_answered_by_its_code_and_does_no_harm(command: Any, code: int) -> None:
    face = Face()
    client = Client(face, "ann")
    client.subscribe("ticker", market_ticker=OPEN)
    (error,) = client.say(command)
    check([error])
    assert error["msg"]["code"] == code
    face.create("bob", "bid", "0.40", "1")
    assert [one["type"] for one in client.new()] == ["ticker"]


def test_a_client_that_does_not_read_loses_its_subscription_and_hears_why() -> None:
    face = Face(most_backlog=100)
    unread = [0]
    client = Client(face, "ann", lambda: unread[0])
    client.subscribe(BOOK, market_ticker=OPEN)
    unread[0] = 101
    face.create("bob", "bid", "0.40", "1")
    face.create("bob", "bid", "0.41", "1")
    (error,) = client.new()
    check([error])
    assert (error["sid"], error["seq"], error["msg"]["code"]) == (1, 2, 25)
    unread[0] = 0
    assert client.say({"id": 2, "cmd": "list_subscriptions"})[0]["msg"] == []
    assert client.subscribe(BOOK, market_ticker=OPEN)[0]["msg"]["sid"] == 2


def test_a_closed_connection_hears_nothing_more() -> None:
    face = Face()
    client = Client(face, "ann")
    client.subscribe(BOOK, "user_orders", market_ticker=OPEN)
    client.new()
    client.connection.close()
    face.create("ann", "bid", "0.40", "1")
    assert client.new() == []


def test_the_tickers_of_all_markets_can_be_asked_for_at_the_start() -> None:
    face = Face()
    client = Client(face, "ann")
    frames = client.subscribe("ticker", send_initial_snapshot=True)
    tickers = [frame["msg"]["market_ticker"] for frame in frames if frame["type"] == "ticker"]
    assert tickers == list(face.venue.markets)


def test_a_market_can_be_followed_by_its_id() -> None:
    face = Face()
    client = Client(face, "ann")
    client.subscribe("ticker", market_ids=["00000000-0000-4000-8000-000000000001"])
    face.create("bob", "bid", "0.40", "1")
    face.create("bob", "bid", "0.40", "1", ticker=OTHER)
    frames = client.new()
    assert [frame["msg"]["market_ticker"] for frame in frames if frame["type"] == "ticker"] == [OTHER]


def test_nothing_follows_the_error_that_ended_a_subscription() -> None:
    face = Face(most_backlog=100)
    unread = iter([0, 101, *[0] * 9])
    client = Client(face, "ann", lambda: next(unread))
    for price in ("0.56", "0.57"):
        face.create("bob", "ask", price, "1")
    client.subscribe(BOOK, market_ticker=OPEN)
    client.new()
    face.create("ann", "bid", "0.57", "2")  # takes two levels: two changes in one action
    assert [frame["type"] for frame in client.new()] == ["error"]
