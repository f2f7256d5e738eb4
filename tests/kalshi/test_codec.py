"""Samples of the wire (protocol section 10.3, asyncapi.yaml) and the events that they tell."""

from __future__ import annotations

import pytest

from mm.core.events import (
    BookDelta,
    BookSnapshot,
    Fill,
    MarketState,
    MarketStatus,
    OrderReport,
    OrderStatus,
    Ticker,
    Trade,
)
from mm.core.grid import TAPERED_DECI_CENT_GRID
from mm.core.units import SECOND, Side
from mm.kalshi.codec import decode_frame
from mm.kalshi.wire import FrameError
from tests.kalshi import frames
from tests.kalshi.frames import MARKET, frame


def test_a_snapshot_may_lack_a_side() -> None:
    text = (
        '{"type":"orderbook_snapshot","sid":2,"seq":2,"msg":{"market_ticker":"M","market_id":"x",'
        '"clock":4182057,"yes_dollars_fp":[["0.0800","300.00"],["0.2200","333.00"]]}}'
    )
    assert decode_frame(7, text) == BookSnapshot(7, "M", ((800, 30_000), (2_200, 33_300)), ())


@pytest.mark.parametrize(("use_yes_price", "price"), [(True, 4_800), (False, 5_200)])
def test_the_no_side_is_an_ask_on_the_yes_leg(use_yes_price: bool, price: int) -> None:
    msg = {"market_ticker": "M", "no_dollars_fp": [["0.4800", "20.00"]]}
    event = decode_frame(7, frame("orderbook_snapshot", sid=1, seq=1, msg=msg), use_yes_price=use_yes_price)
    assert event == BookSnapshot(7, "M", (), ((price, 2_000),))
    msg = {"market_ticker": "M", "price_dollars": "0.4800", "delta_fp": "-5.50", "side": "no"}
    event = decode_frame(7, frame("orderbook_delta", sid=1, seq=1, msg=msg), use_yes_price=use_yes_price)
    assert event == BookDelta(7, "M", Side.ASK, price, -550)


def test_a_delta_with_a_client_order_id_is_our_own() -> None:
    assert decode_frame(7, frames.delta(2, 3, client_order_id="mine-1")) == BookDelta(
        7, MARKET, Side.BID, 4_000, 100, is_own=True
    )


def test_a_ticker_as_it_was_recorded() -> None:
    text = (
        b'{"type":"ticker","sid":1,"msg":{"last_trade_size_fp":"4.39","market_id":"b2","market_ticker":"M",'
        b'"open_interest_fp":"166625.38","price_dollars":"0.9990","time":"2026-05-13T12:59:46.269101Z",'
        b'"ts":1778677186,"ts_ms":1778677186269,"volume_fp":"275971.78","yes_ask_dollars":"1.0000",'
        b'"yes_ask_size_fp":"0.00","yes_bid_dollars":"0.9990","yes_bid_size_fp":"4932.45"}}\n'
    )
    assert decode_frame(7, text) == Ticker(
        7, "M", 9_990, 493_245, 10_000, 0, 9_990, 27_597_178, 1_778_677_186_269_000_000
    )


def test_a_trade_tells_the_aggressors_side() -> None:
    assert decode_frame(7, frames.trade(11, 4)) == Trade(7, MARKET, "t-1", 3_600, 13_600, Side.ASK)


def test_a_fill_stands_alone() -> None:
    assert decode_frame(7, frames.fill(13, book_side="ask", is_taker=False, fee_cost="-0.000100")) == Fill(
        7,
        trade_id="d91bc706-ee49-470d-82d8-11418bda6fed",
        order_id="ee587a1c-8b87-4dcf-b721-9f6f790619fa",
        client_order_id="mine-1",
        ticker=MARKET,
        side=Side.ASK,
        price=7_500,
        count=27_800,
        fee=-100,
        is_taker=False,
    )


def user_order(**more: object) -> str:
    msg = {
        "order_id": "o-1",
        "ticker": "M",
        "status": "canceled",
        "book_side": "bid",
        "yes_price_dollars": "0.3500",
        "fill_count_fp": "10.00",
        "remaining_count_fp": "0.00",
        "client_order_id": "mine-1",
        "last_update_reason": "ExpiryCancel",
        "last_updated_ts_ms": 1_000,
        **more,
    }
    return frame("user_order", sid=9, msg=msg)


def test_a_user_order_is_a_report() -> None:
    assert decode_frame(7, user_order()) == OrderReport(
        7,
        request_id=0,
        client_order_id="mine-1",
        order_id="o-1",
        ticker="M",
        side=Side.BID,
        status=OrderStatus.CANCELED,
        price=3_500,
        filled=1_000,
        remaining=0,
        as_of=SECOND,
        reason="ExpiryCancel",
    )
    assert decode_frame(7, user_order(status="unknown")) is None


RANGES = [
    {"start": "0.9000", "end": "1.0000", "step": "0.0010"},
    {"start": "0.0000", "end": "0.1000", "step": "0.0010"},
    {"start": "0.1000", "end": "0.9000", "step": "0.0100"},
]
STRANGE = MarketStatus(7, "M", terms_unknown=True)  # the old grid holds no longer, the new one is not known


@pytest.mark.parametrize(
    ("msg", "status"),
    [
        ({"event_type": "activated", "is_deactivated": False}, MarketStatus(7, "M", MarketState.ACTIVE)),
        ({"event_type": "deactivated", "is_deactivated": True}, MarketStatus(7, "M", MarketState.PAUSED)),
        ({"event_type": "close_date_updated", "close_ts": 100}, MarketStatus(7, "M", close_ts=100 * SECOND)),
        (
            {"event_type": "determined", "result": "scalar", "settlement_value": "0.5000"},
            MarketStatus(7, "M", MarketState.DETERMINED, settlement_value=5_000),
        ),
        ({"event_type": "settled", "settled_ts": 100}, MarketStatus(7, "M", MarketState.SETTLED)),
        (
            {"event_type": "price_level_structure_updated", "price_ranges": RANGES},
            MarketStatus(7, "M", grid=TAPERED_DECI_CENT_GRID),
        ),
        ({"event_type": "price_level_structure_updated", "price_ranges": []}, STRANGE),
        ({"event_type": "price_level_structure_updated", "price_ranges": RANGES[:2]}, STRANGE),
        ({"event_type": "price_level_structure_updated", "price_level_structure": "deci_cent"}, STRANGE),
        (
            {"event_type": "determined", "result": "no", "settlement_value": ""},
            MarketStatus(7, "M", MarketState.DETERMINED),
        ),
        ({"event_type": "metadata_updated"}, None),
        ({"event_type": "something_new"}, None),
    ],
)
def test_the_life_of_a_market(msg: dict[str, object], status: MarketStatus | None) -> None:
    text = frame("market_lifecycle_v2", sid=5, seq=1, msg={"market_ticker": "M", **msg})
    assert decode_frame(7, text) == status


@pytest.mark.parametrize(
    "text",
    [
        frame("market_position", sid=1, msg={"market_ticker": "M", "position_fp": "1.00", "new": [1]}),
        frame("order_group_updates", sid=1, seq=1, msg={"event_type": "triggered", "order_group_id": "g"}),
        frame("something_new", sid=1, seq=4, msg={"a": 1}, sending_ts_ms=5),
        frame("ok", id=3, msg=[{"channel": "trade", "sid": 1}]),
        frames.trade(1, 1).replace("false", "true"),
    ],
)
def test_what_the_core_does_not_need_is_passed_over(text: str) -> None:
    assert decode_frame(7, text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '"orderbook_delta"',
        "<html>502</html>",
        frames.delta(1, 1)[:-9],
        frames.delta(1, 1).replace('"0.4000"', "0.4"),
        frames.delta(1, 1).replace('"0.4000"', "null"),
        frames.delta(1, 1).replace("0.4000", "NaN"),
        frames.delta(1, 1).replace("0.4000", "1.0000"),
        frames.delta(1, 1).replace("0.4000", "0.40005"),
        frames.delta(1, 1).replace("yes", "maybe"),
        frames.delta(1, 1, change="1e9"),
        frames.delta(1, 1, change="9" * 20),
        frames.snapshot(1, 1).replace("10.00", "-10.00"),
        frames.snapshot(1, 1).replace('["0.4000", "10.00"]', '["0.4000"]'),
        frames.snapshot(1, 1).replace('["0.4000", "10.00"]', '["0.40", "1"], ["0.4000", "2"]'),
        frames.fill(1, fee_cost="free"),
        frames.fill(1, trade_id=""),
        frames.fill(1, book_side="yes"),
        frame("market_lifecycle_v2", sid=1, seq=1, msg={"market_ticker": "M", "event_type": "determined"}
              | {"settlement_value": "2.0000"}),
        frame("market_lifecycle_v2", sid=1, seq=1, msg={"market_ticker": "M", "close_ts": 10**18}
              | {"event_type": "close_date_updated"}),
    ],
)  # fmt: skip
def test_nonsense_is_a_frame_error(text: str) -> None:
    with pytest.raises(FrameError):
        decode_frame(7, text)
