"""The WebSocket's frames, as they stand on the wire: one struct for each type that we read.

Sources: protocol section 10.3 and asyncapi.yaml. Only the fields that are used are named; all others, and
all other types, pass by unread. Numbers stay strings here: `codec` reads them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeAlias, get_args

import msgspec


class FrameError(ValueError):
    """A frame that cannot be read, or says something that cannot be."""


class Frame(msgspec.Struct, frozen=True, gc=False, tag_field="type"):
    """Any frame. ``sid`` is 0 and ``seq`` is 0 where the exchange writes none."""

    sid: int = 0
    seq: int = 0
    id: int = 0


class Channel(msgspec.Struct, frozen=True, gc=False):
    channel: str
    sid: int


class Subscribed(Frame, frozen=True, gc=False, tag="subscribed", kw_only=True):
    msg: Channel


class Unsubscribed(Frame, frozen=True, gc=False, tag="unsubscribed"):
    pass


class Ok(Frame, frozen=True, gc=False, tag="ok"):
    """Answers three commands with three shapes of ``msg``, hence raw."""

    msg: msgspec.Raw = msgspec.Raw(b"null")


class Complaint(msgspec.Struct, frozen=True, gc=False):
    code: int = 0
    msg: str = ""


class Error(Frame, frozen=True, gc=False, tag="error", kw_only=True):
    msg: Complaint


WireLevels: TypeAlias = list[tuple[str, str]]


class Snapshot(msgspec.Struct, frozen=True, gc=False):
    """A side that is empty has no key."""

    market_ticker: str
    yes_dollars_fp: WireLevels = []
    no_dollars_fp: WireLevels = []


class OrderbookSnapshot(Frame, frozen=True, gc=False, tag="orderbook_snapshot", kw_only=True):
    msg: Snapshot


class Delta(msgspec.Struct, frozen=True, gc=False):
    market_ticker: str
    price_dollars: str
    delta_fp: str
    side: str
    client_order_id: str | None = None


class OrderbookDelta(Frame, frozen=True, gc=False, tag="orderbook_delta", kw_only=True):
    msg: Delta


class TickerMessage(msgspec.Struct, frozen=True, gc=False):
    market_ticker: str
    price_dollars: str
    yes_bid_dollars: str
    yes_ask_dollars: str
    volume_fp: str
    yes_bid_size_fp: str
    yes_ask_size_fp: str
    ts_ms: int = 0


class TickerFrame(Frame, frozen=True, gc=False, tag="ticker", kw_only=True):
    msg: TickerMessage


class TradeMessage(msgspec.Struct, frozen=True, gc=False):
    trade_id: str
    market_ticker: str
    yes_price_dollars: str
    count_fp: str
    taker_book_side: str
    is_block_trade: bool = False


class TradeFrame(Frame, frozen=True, gc=False, tag="trade", kw_only=True):
    msg: TradeMessage


class FillMessage(msgspec.Struct, frozen=True, gc=False):
    trade_id: str
    order_id: str
    market_ticker: str
    is_taker: bool
    yes_price_dollars: str
    count_fp: str
    fee_cost: str
    book_side: str
    client_order_id: str | None = None
    subaccount: int | None = None


class FillFrame(Frame, frozen=True, gc=False, tag="fill", kw_only=True):
    msg: FillMessage


class UserOrderMessage(msgspec.Struct, frozen=True, gc=False):
    """Says ``ticker`` where all others say ``market_ticker``."""

    order_id: str
    ticker: str
    status: str
    book_side: str
    yes_price_dollars: str
    fill_count_fp: str
    remaining_count_fp: str
    client_order_id: str = ""
    last_update_reason: str | None = None
    last_updated_ts_ms: int | None = None
    subaccount_number: int | None = None

    @property
    def subaccount(self) -> int | None:
        """Called like that everywhere else."""
        return self.subaccount_number


class UserOrderFrame(Frame, frozen=True, gc=False, tag="user_order", kw_only=True):
    msg: UserOrderMessage


class PositionMessage(msgspec.Struct, frozen=True, gc=False):
    market_ticker: str
    position_fp: str


class PositionFrame(Frame, frozen=True, gc=False, tag="market_position", kw_only=True):
    msg: PositionMessage


class PriceRange(msgspec.Struct, frozen=True, gc=False):
    """One band of the tick grid, ends included, in dollars (protocol section 3.1)."""

    start: str
    end: str
    step: str


class LifecycleMessage(msgspec.Struct, frozen=True, gc=False):
    market_ticker: str
    event_type: str
    close_ts: int | None = None
    settlement_value: str | None = None
    price_ranges: list[PriceRange] | None = None


class LifecycleFrame(Frame, frozen=True, gc=False, tag="market_lifecycle_v2", kw_only=True):
    msg: LifecycleMessage


class EventFeeMessage(msgspec.Struct, frozen=True, gc=False):
    """``None`` clears an override: the series' own terms hold again."""

    event_ticker: str
    fee_type_override: str | None = None
    fee_multiplier_override: Decimal | None = None


class EventFeeFrame(Frame, frozen=True, gc=False, tag="event_fee_update", kw_only=True):
    msg: EventFeeMessage


class OrderGroupMessage(msgspec.Struct, frozen=True, gc=False):
    event_type: str
    order_group_id: str


class OrderGroupFrame(Frame, frozen=True, gc=False, tag="order_group_updates", kw_only=True):
    msg: OrderGroupMessage


class Unknown(msgspec.Struct, frozen=True, gc=False):
    """A frame of a type that we do not read; its number still counts in its subscription."""

    type: str
    sid: int = 0
    seq: int = 0
    id: int = 0


class Garbled(FrameError):
    """A frame of a type that we do read, whose content cannot be read; it still had a number."""

    def __init__(self, reason: str, envelope: Unknown) -> None:
        super().__init__(reason)
        self.envelope = envelope


AnyFrame: TypeAlias = (
    Subscribed
    | Unsubscribed
    | Ok
    | Error
    | OrderbookSnapshot
    | OrderbookDelta
    | TickerFrame
    | TradeFrame
    | FillFrame
    | UserOrderFrame
    | PositionFrame
    | LifecycleFrame
    | EventFeeFrame
    | OrderGroupFrame
)
KNOWN_TYPES = frozenset(str(kind.__struct_config__.tag) for kind in get_args(AnyFrame))
_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(AnyFrame)
_decode: Callable[[str | bytes], AnyFrame] = _decoder.decode
_decode_envelope = msgspec.json.Decoder(Unknown).decode
FAR_ENOUGH = 1_000
_TYPE = re.compile(rb'"type"\s*:\s*"([a-z0-9_]{1,40})"')
UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)  # RecursionError: "[[[[[[...": nesting


def parse_frame(frame: str | bytes) -> AnyFrame | Unknown:
    """The frame as a struct.

    :raises Garbled: a type that we read, with content that does not fit.
    :raises FrameError: no JSON object with a type at all (truncated, binary, HTML).
    """
    try:
        return _decode(frame)
    except UNREADABLE as error:
        return _second_look(frame, str(error))


def torn_type(frame: str | bytes) -> str:
    """Of what type a frame was that is no JSON (torn off, perhaps), if it still says so; else empty."""
    text = frame.encode(errors="replace") if isinstance(frame, str) else frame
    found = _TYPE.search(text[:FAR_ENOUGH])
    return found[1].decode() if found is not None else ""


def _second_look(frame: str | bytes, reason: str) -> Unknown:
    try:
        envelope = _decode_envelope(frame)
    except UNREADABLE as error:
        raise FrameError(f"unreadable frame: {error}") from error
    if envelope.type in KNOWN_TYPES:
        raise Garbled(f"{envelope.type}: {reason}", envelope)
    return envelope
