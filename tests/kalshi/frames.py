"""Frames as the exchange writes them, for stories that need many."""

from __future__ import annotations

import json
from typing import Any

MARKET = "FED-23DEC-T3.00"
OTHER = "FED-23DEC-T3.25"


def frame(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, **fields}) + "\n"


def subscribed(command_id: int, channel: str, sid: int) -> str:
    return frame("subscribed", id=command_id, msg={"channel": channel, "sid": sid})


def snapshot(sid: int, seq: int, ticker: str = MARKET, bid: str = "0.4000", ask: str = "0.4200") -> str:
    msg = {"market_ticker": ticker, "yes_dollars_fp": [[bid, "10.00"]], "no_dollars_fp": [[ask, "5.00"]]}
    return frame("orderbook_snapshot", sid=sid, seq=seq, msg=msg)


def delta(sid: int, seq: int, ticker: str = MARKET, change: str = "1.00", **more: Any) -> str:
    msg = {"market_ticker": ticker, "price_dollars": "0.4000", "delta_fp": change, "side": "yes", **more}
    return frame("orderbook_delta", sid=sid, seq=seq, msg=msg)


def trade(sid: int, seq: int, ticker: str = MARKET) -> str:
    msg = {
        "trade_id": "t-1",
        "market_ticker": ticker,
        "yes_price_dollars": "0.3600",
        "no_price_dollars": "0.6400",
        "count_fp": "136.00",
        "taker_side": "no",
        "taker_outcome_side": "no",
        "taker_book_side": "ask",
        "is_block_trade": False,
        "ts": 1669149841,
        "ts_ms": 1669149841000,
    }
    return frame("trade", sid=sid, seq=seq, msg=msg)


def fill(sid: int, **more: Any) -> str:
    msg = {
        "trade_id": "d91bc706-ee49-470d-82d8-11418bda6fed",
        "order_id": "ee587a1c-8b87-4dcf-b721-9f6f790619fa",
        "client_order_id": "mine-1",
        "market_ticker": MARKET,
        "exchange_index": 0,
        "is_taker": True,
        "side": "yes",
        "yes_price_dollars": "0.7500",
        "count_fp": "278.00",
        "fee_cost": "3.648800",
        "action": "buy",
        "outcome_side": "yes",
        "book_side": "bid",
        "ts": 1671899397,
        "ts_ms": 1671899397000,
        "post_position_fp": "500.00",
        "purchased_side": "yes",
        **more,
    }
    return frame("fill", sid=sid, msg=msg)


def user_order(sid: int, **more: Any) -> str:
    msg = {
        "order_id": "ee587a1c-8b87-4dcf-b721-9f6f790619fa",
        "user_id": "u",
        "ticker": MARKET,
        "status": "resting",
        "book_side": "bid",
        "yes_price_dollars": "0.7500",
        "fill_count_fp": "0.00",
        "remaining_count_fp": "278.00",
        "initial_count_fp": "278.00",
        "client_order_id": "mine-1",
        **more,
    }
    return frame("user_order", sid=sid, msg=msg)
