"""The commands that a client sends over the WebSocket, as text.

Source: protocol section 10.1. NO-side levels are always asked for on the YES leg, and said so explicitly,
because the exchange's default will flip.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec


def _text(command_id: int, command: str, params: dict[str, Any] | None) -> str:
    body: dict[str, Any] = {"id": command_id, "cmd": command}
    if params is not None:
        body["params"] = params
    return msgspec.json.encode(body).decode()


def subscribe(command_id: int, channel: str, tickers: Sequence[str] = ()) -> str:
    """No ``tickers``: everything of the channel."""
    params: dict[str, Any] = {"channels": [channel]}
    if tickers:
        params["market_tickers"] = list(tickers)
    if channel == "orderbook_delta":
        params["use_yes_price"] = True
    if channel == "ticker":
        params["send_initial_snapshot"] = True
    return _text(command_id, "subscribe", params)


def update(command_id: int, sid: int, action: str, tickers: Sequence[str]) -> str:
    """``action``: add_markets, delete_markets or get_snapshot."""
    params = {"sid": sid, "action": action, "market_tickers": list(tickers)}
    return _text(command_id, "update_subscription", params)


def list_subscriptions(command_id: int) -> str:
    return _text(command_id, "list_subscriptions", None)
