"""Whatever a client sends, the exchange answers in its own words and keeps its books."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sim.faces import OPEN, OTHER, Client, Face
from tests.sim.test_stream import PAYLOADS

BOOK = "orderbook_delta"
COMMANDS = ["subscribe", "unsubscribe", "update_subscription", "list_subscriptions", "dance"]

FIELDS = st.fixed_dictionaries(
    {
        "ticker": st.sampled_from([OPEN, OTHER, "KXNONE", ""]),
        "side": st.sampled_from(["bid", "ask", "yes"]),
        "price": st.integers(-100, 11_000).map(lambda price: f"{price / 10_000:.4f}") | st.text(max_size=6),
        "count": st.integers(-100, 5_000).map(lambda count: f"{count / 100:.2f}") | st.text(max_size=6),
        "time_in_force": st.sampled_from(["good_till_canceled", "immediate_or_cancel", "fill_or_kill"]),
        "self_trade_prevention_type": st.sampled_from(["taker_at_cross", "maker"]),
    },
    optional={
        "client_order_id": st.sampled_from(["a", "b", "ü\u2028"]) | st.integers(),
        "expiration_time": st.integers() | st.floats(allow_nan=False) | st.none(),
        "post_only": st.booleans() | st.integers(),
        "reduce_only": st.booleans(),
        "subaccount": st.integers(0, 2),
        "exchange_index": st.integers(-1, 1),
        "something_new": st.lists(st.integers(), max_size=2),
    },
)


@given(st.lists(st.tuples(st.sampled_from(["ann", "bob"]), FIELDS | st.binary(max_size=8)), max_size=12))
@settings(max_examples=150, deadline=None)
def test_no_body_breaks_the_exchange(requests: list[tuple[str, Any]]) -> None:
    face = Face()
    for user, body in requests:
        response = face.ask(user, "POST", "/portfolio/events/orders", body)
        assert response.status in (201, 400, 404, 409)
        assert isinstance(json.loads(response.body), dict)
    face.venue.check()
    for user in ("ann", "bob"):
        face.get("/portfolio/orders", user=user)
        face.get("/portfolio/positions", user=user)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
PARAMS = st.dictionaries(
    st.sampled_from(
        ["channels", "market_ticker", "market_tickers", "market_id", "sid", "sids", "action", "use_yes_price"]
    ),
    ANY_JSON
    | st.sampled_from(
        [["ticker"], [BOOK], OPEN, [OPEN, OTHER], 1, [1], "add_markets", "delete_markets", True]
    ),
)


@given(
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "id": st.integers(0, 9) | ANY_JSON,
                "cmd": st.sampled_from(
                    ["subscribe", "unsubscribe", "update_subscription", "list_subscriptions"]
                ),
                "params": PARAMS | ANY_JSON,
            },
        ),
        max_size=6,
    )
)
@settings(max_examples=150, deadline=None)
def test_no_command_breaks_the_stream(commands: list[Any]) -> None:
    face = Face()
    client = Client(face, "ann")
    for command in commands:
        assert {frame["type"] for frame in client.say(command)} <= set(PAYLOADS)
        face.create("bob", "bid", "0.40", "1")
        assert {frame["type"] for frame in client.new()} <= {"ticker", BOOK}
