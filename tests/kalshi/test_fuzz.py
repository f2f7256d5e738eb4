"""Whatever bytes come: a frame is read or refused, a session never raises, a call ends in one event."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mm.core.actions import AmendOrder, CancelAll, CancelOrder, PlaceOrder, QueryAccount, QueryOrder
from mm.core.events import AccountReport, BookDelta, BookGap, BookSnapshot, OrderAck, OrderReport
from mm.core.units import SECOND, Side
from mm.kalshi.calls import RequestAction, call
from mm.kalshi.codec import decode_frame
from mm.kalshi.conversation import HttpResponse
from mm.kalshi.session import Session
from mm.kalshi.wire import FrameError
from tests.kalshi import frames
from tests.kalshi.frames import MARKET, OTHER, frame

SAMPLES = [
    frames.snapshot(1, 3),
    frames.delta(1, 3),
    frames.delta(1, 4, OTHER, client_order_id="mine-1"),
    frames.trade(2, 1),
    frames.fill(4),
    frames.subscribed(1, "orderbook_delta", 1),
    frame("ok", id=3, sid=1, seq=3, msg={"market_tickers": [MARKET]}),
    frame("ok", id=7, msg=[{"channel": "trade", "sid": 2}]),
    frame("error", id=3, sid=1, seq=3, msg={"code": 25, "msg": "overflow"}),
    frame("unsubscribed", id=3, sid=1, seq=3),
    frame("event_fee_update", sid=6, seq=1, msg={"event_ticker": "E", "fee_multiplier_override": 0.5}),
    frame("market_lifecycle_v2", sid=6, seq=1, msg={"market_ticker": MARKET, "event_type": "determined"}),
]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["NaN", "-1.00", "1e5", "9999999999999.00", "", "orderbook_delta", "yes", "0.4000"]),
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def mutated(draw: st.DrawFn) -> str | bytes:
    """A real frame in which one field is something else, or which is cut or spoiled somewhere."""
    text = draw(st.sampled_from(SAMPLES))
    how = draw(st.sampled_from(["field", "cut", "byte", "whole"]))
    if how == "field":
        value: dict[str, Any] = json.loads(text)
        target = value["msg"] if isinstance(value.get("msg"), dict) and draw(st.booleans()) else value
        target[draw(st.sampled_from(sorted(target)))] = draw(JSON)
        return json.dumps(value)
    if how == "cut":
        return text[: draw(st.integers(0, len(text)))]
    if how == "byte":
        spoiled = bytearray(text.encode())
        spoiled[draw(st.integers(0, len(spoiled) - 1))] = draw(st.integers(0, 255))
        return bytes(spoiled)
    return text


ANY_FRAME = mutated() | st.binary(max_size=60) | st.text(max_size=60) | JSON.map(json.dumps)


@given(ANY_FRAME)
@settings(max_examples=600, deadline=None)
def test_any_frame_is_read_or_refused(text: str | bytes) -> None:
    for use_yes_price in (True, False):
        try:
            decode_frame(1, text, use_yes_price=use_yes_price)
        except FrameError:
            continue


@given(st.lists(ANY_FRAME, max_size=12))
@settings(max_examples=300, deadline=None)
def test_a_session_survives_anything_and_shows_no_delta_of_a_lost_book(texts: list[str | bytes]) -> None:
    session = Session([MARKET, OTHER], lambda: 0.5)
    for sid, text in enumerate(session.connected(0), start=1):
        command = json.loads(text)
        session.receive(0, frames.subscribed(command["id"], command["params"]["channels"][0], sid))
    known: set[str] = set()
    good = [frames.snapshot(1, 1), frames.snapshot(1, 2, OTHER)]
    for step, incoming in enumerate([*good, *texts]):
        for event in session.receive(step * SECOND, incoming):
            if isinstance(event, BookSnapshot):
                known.add(event.ticker)
            elif isinstance(event, BookGap):
                known.discard(event.ticker)
            elif isinstance(event, BookDelta):
                assert event.ticker in known
        session.on_time(step * SECOND)
        for outgoing in session.outgoing():
            json.loads(outgoing)
        assert known == {MARKET, OTHER} - set(session.stale_tickers)


ACTIONS: list[RequestAction] = [
    PlaceOrder(1, "mine-1", "M", Side.BID, 5_000, 100),
    AmendOrder(1, "mine-1", "order-1", "M", Side.BID, 5_000, 100),
    CancelOrder(1, "mine-1", "order-1", "M"),
    CancelAll(1),
    QueryOrder(1, "mine-1", "order-1", "M"),
    QueryOrder(1, "mine-1", "", "M"),
    QueryAccount(1, 0),
]
ORDER = {
    "order_id": "order-1",
    "client_order_id": "mine-1",
    "ticker": "M",
    "status": "resting",
    "book_side": "bid",
    "yes_price_dollars": "0.5000",
    "fill_count_fp": "0.00",
    "remaining_count_fp": "1.00",
}
BODIES: list[dict[str, Any]] = [
    {"order_id": "order-1", "fill_count": "0.00", "remaining_count": "1.00", "reduced_by": "1.00"},
    {"as_of_time": "2026-06-11T06:29:20Z"},
    {"order": ORDER, "orders": [ORDER], "cursor": ""},
    {"orders": [], "fills": [], "market_positions": [], "cursor": "c", "balance": 1},
    {"orders": [], "fills": [], "market_positions": [], "as_of_time": "2026-06-11T06:29:20Z", "balance": 1},
    {"error": {"code": "not_found", "message": "not found"}},
]


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    body = dict(draw(st.sampled_from(BODIES)))
    if draw(st.booleans()):
        body[draw(st.sampled_from(sorted(body)))] = draw(JSON)
    text = json.dumps(body).encode()
    return text[: draw(st.integers(0, len(text)))] if draw(st.integers(0, 3)) == 0 else text


RESPONSES = st.builds(
    HttpResponse,
    ts=st.just(7),
    status=st.sampled_from([0, 200, 200, 200, 201, 204, 301, 400, 404, 409, 429, 500, 503]),
    body=st.one_of(bodies(), st.binary(max_size=40), JSON.map(lambda value: json.dumps(value).encode())),
    error=st.just("ReadTimeout"),
    was_sent=st.booleans(),
)


@given(st.sampled_from(ACTIONS), st.lists(RESPONSES, min_size=8, max_size=8))
@settings(max_examples=800, deadline=None)
def test_any_answers_make_exactly_one_event(action: RequestAction, responses: list[HttpResponse]) -> None:
    conversation = call(action)
    next(conversation)
    try:
        for step in range(10_000):
            conversation.send(responses[step % len(responses)])
    except StopIteration as end:
        event = end.value
    assert event.request_id == 1 and event.ts == 7
    if isinstance(event, OrderAck):
        assert event.order_id and event.filled + event.remaining <= 100
    if isinstance(event, OrderReport | AccountReport):
        assert event.as_of != 0
