"""The table of the WebSocket channels, and of the error codes of commands (protocol section 10)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Markets: TypeAlias = Literal["required", "optional", "none"]


@dataclass(frozen=True, slots=True)
class Channel:
    """``markets``: whether a subscription names its markets. ``is_sequenced``: its messages carry ``seq``;
    ``is_private``: it tells a member about himself only; ``takes_ids``: markets may be named by their ids."""

    name: str
    markets: Markets
    is_sequenced: bool
    is_private: bool
    takes_ids: bool = False


CHANNELS: dict[str, Channel] = {
    one.name: one
    for one in (
        Channel("orderbook_delta", "required", is_sequenced=True, is_private=False),
        Channel("ticker", "optional", is_sequenced=False, is_private=False, takes_ids=True),
        Channel("trade", "optional", is_sequenced=True, is_private=False),
        Channel("fill", "optional", is_sequenced=False, is_private=True),
        Channel("user_orders", "optional", is_sequenced=False, is_private=True),
        Channel("market_positions", "optional", is_sequenced=False, is_private=True),
        Channel("market_lifecycle_v2", "none", is_sequenced=True, is_private=False),
        Channel("order_group_updates", "none", is_sequenced=True, is_private=True),
        # Silent by nature here: no combos and no quotes are traded on this exchange.
        Channel("multivariate_market_lifecycle", "none", is_sequenced=True, is_private=False),
        Channel("communications", "none", is_sequenced=True, is_private=True),
    )
}

# Those that a client can bring about here. Not among them: 9, since without a good signature no connection
# opens; 10 and 18, which are the server's own failures; 23, 24 and 28, of channels that are not built.
ERRORS: dict[int, str] = {
    1: "Unable to process message",
    2: "Params required",
    3: "Channels required",
    4: "Subscription IDs required",
    5: "Unknown command",
    7: "Unknown subscription ID",
    8: "Unknown channel name",
    11: "Invalid parameter",
    12: "Exactly one subscription ID is required",
    13: "Unsupported action",
    14: "Market Ticker required",
    15: "Action required",
    19: "shard_factor must be > 0",
    20: "shard_factor is required when shard_key is set",
    21: "shard_key must be >= 0 and < shard_factor",
    22: "shard_factor must be <= 100",
    25: "Subscription buffer overflow",
    26: "Subscription market limit exceeded",
    27: "Too many requests",
}


class CommandError(Exception):
    """A command refused with one of ``ERRORS``; ``sid`` where the error belongs to a subscription."""

    def __init__(self, code: int, sid: int | None = None) -> None:
        super().__init__(f"{code} {ERRORS[code]}")
        self.code = code
        self.sid = sid
