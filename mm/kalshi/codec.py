"""From the exchange's words to the core's: YES and NO words end here.

Sources: protocol sections 3.2 (direction), 8 (empty sides), 8.1 (life cycle), 10.3 (messages).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Final

from mm.core.events import (
    AnyEvent,
    BookDelta,
    BookSnapshot,
    Fill,
    Levels,
    MarketState,
    MarketStatus,
    OrderReport,
    OrderStatus,
    Ticker,
    Trade,
)
from mm.core.grid import Band, PriceGrid
from mm.core.units import DOLLAR, Nanos, Price, Side
from mm.kalshi import wire
from mm.kalshi.numbers import (
    NumberError,
    from_milliseconds,
    from_seconds,
    parse_count,
    parse_money,
    parse_order_price,
    parse_price,
    parse_size,
)
from mm.kalshi.wire import FrameError

BOOK_SIDES: Final = {"bid": Side.BID, "ask": Side.ASK}
LEG_SIDES: Final = {"yes": Side.BID, "no": Side.ASK}
ORDER_STATUSES: Final = {
    "resting": OrderStatus.RESTING,
    "executed": OrderStatus.EXECUTED,
    "canceled": OrderStatus.CANCELED,
}
LIFECYCLE_STATES: Final = {
    "created": MarketState.UNOPENED,
    "activated": MarketState.ACTIVE,
    "deactivated": MarketState.PAUSED,
    "determined": MarketState.DETERMINED,
    "settled": MarketState.SETTLED,
}
GRID_CHANGED: Final = "price_level_structure_updated"
LIFECYCLE_CHANGES: Final = frozenset({"close_date_updated", GRID_CHANGED})


def decode_frame(ts: Nanos, frame: str | bytes, *, use_yes_price: bool = True) -> AnyEvent | None:
    """The event that one frame tells, ``None`` if it tells the core nothing. Looks at no sequence numbers.

    ``use_yes_price``: the subscription asked for NO-side levels on the YES leg; recordings often did not.
    :raises FrameError: for anything that cannot be read, and nothing else for any bytes.
    """
    return to_event(ts, wire.parse_frame(frame), use_yes_price=use_yes_price)


def to_event(
    ts: Nanos, frame: wire.AnyFrame | wire.Unknown, *, use_yes_price: bool = True
) -> AnyEvent | None:
    """The event that a parsed frame tells, ``None`` if it tells the core nothing.

    :raises FrameError: for a number, side or time that cannot be.
    """
    try:
        if type(frame) is wire.OrderbookDelta:
            return book_delta(ts, frame.msg, use_yes_price)
        if type(frame) is wire.OrderbookSnapshot:
            return book_snapshot(ts, frame.msg, use_yes_price)
        convert = _CONVERTERS.get(type(frame))
        return convert(ts, frame.msg) if convert is not None else None  # type: ignore[union-attr]
    except (NumberError, KeyError) as error:
        raise FrameError(f"{type(frame).__name__}: {error}") from error


def book_delta(ts: Nanos, msg: wire.Delta, use_yes_price: bool = True) -> BookDelta:
    side = LEG_SIDES[msg.side]
    price = parse_order_price(msg.price_dollars)
    if side is Side.ASK and not use_yes_price:
        price = DOLLAR - price
    change = parse_count(msg.delta_fp)
    return BookDelta(ts, msg.market_ticker, side, price, change, msg.client_order_id is not None)


def book_snapshot(ts: Nanos, msg: wire.Snapshot, use_yes_price: bool = True) -> BookSnapshot:
    return BookSnapshot(
        ts, msg.market_ticker, _levels(msg.yes_dollars_fp), _levels(msg.no_dollars_fp, not use_yes_price)
    )


def _levels(rows: wire.WireLevels, on_no_leg: bool = False) -> Levels:
    levels = {parse_order_price(price): parse_size(count) for price, count in rows}
    if len(levels) != len(rows):
        raise NumberError("the same price twice in one snapshot")
    if on_no_leg:
        return tuple((DOLLAR - price, count) for price, count in levels.items() if count)
    return tuple((price, count) for price, count in levels.items() if count)


def ticker(ts: Nanos, msg: wire.TickerMessage) -> Ticker:
    return Ticker(
        ts,
        msg.market_ticker,
        bid=parse_price(msg.yes_bid_dollars),
        bid_count=parse_size(msg.yes_bid_size_fp),
        ask=parse_price(msg.yes_ask_dollars),
        ask_count=parse_size(msg.yes_ask_size_fp),
        last=parse_price(msg.price_dollars),
        volume=parse_size(msg.volume_fp),
        exchange_ts=from_milliseconds(msg.ts_ms),
    )


def trade(ts: Nanos, msg: wire.TradeMessage) -> Trade | None:
    """``None`` for a block trade: it was agreed off the book and says nothing about it."""
    if msg.is_block_trade:
        return None
    return Trade(
        ts,
        msg.market_ticker,
        msg.trade_id,
        price=parse_order_price(msg.yes_price_dollars),
        count=parse_size(msg.count_fp),
        taker_side=BOOK_SIDES[msg.taker_book_side],
    )


def fill(ts: Nanos, msg: wire.FillMessage) -> Fill:
    """Also for REST, whose rows have the same words."""
    return Fill(
        ts,
        trade_id=_named(msg.trade_id, "trade_id"),
        order_id=_named(msg.order_id, "order_id"),
        client_order_id=msg.client_order_id or "",
        ticker=msg.market_ticker,
        side=BOOK_SIDES[msg.book_side],
        price=parse_order_price(msg.yes_price_dollars),
        count=parse_size(msg.count_fp),
        fee=parse_money(msg.fee_cost),
        is_taker=msg.is_taker,
    )


def _named(text: str, field: str) -> str:
    if not text:
        raise NumberError(f"empty {field}")
    return text


def order_report(ts: Nanos, msg: wire.UserOrderMessage) -> OrderReport | None:
    """``None`` for a status that is not known: the exchange itself has the word "unknown"."""
    status = ORDER_STATUSES.get(msg.status)
    if status is None:
        return None
    return OrderReport(
        ts,
        request_id=0,
        client_order_id=msg.client_order_id,
        order_id=_named(msg.order_id, "order_id"),
        ticker=msg.ticker,
        side=BOOK_SIDES[msg.book_side],
        status=status,
        price=parse_order_price(msg.yes_price_dollars),
        filled=parse_size(msg.fill_count_fp),
        remaining=parse_size(msg.remaining_count_fp),
        as_of=from_milliseconds(msg.last_updated_ts_ms or 0),
        reason=msg.last_update_reason or "",
    )


def lifecycle(ts: Nanos, msg: wire.LifecycleMessage) -> MarketStatus | None:
    """``None`` for what changes nothing that the core knows of. A grid that is new and not understood makes
    the terms unknown: prices on the old one may not be valid any more."""
    state = LIFECYCLE_STATES.get(msg.event_type)
    if state is None and msg.event_type not in LIFECYCLE_CHANGES:
        return None
    grid = None if msg.price_ranges is None else known_grid(msg.price_ranges)
    is_new = msg.price_ranges is not None or msg.event_type == GRID_CHANGED
    return MarketStatus(
        ts,
        msg.market_ticker,
        state=state,
        close_ts=None if msg.close_ts is None else from_seconds(msg.close_ts),
        grid=grid,
        settlement_value=parse_price(msg.settlement_value) if msg.settlement_value else None,
        terms_unknown=is_new and grid is None,
    )


def known_grid(ranges: Sequence[wire.PriceRange]) -> PriceGrid | None:
    """As `price_grid`; ``None`` for one that is not understood."""
    try:
        return price_grid(ranges)
    except NumberError:
        return None


def price_grid(ranges: Sequence[wire.PriceRange]) -> PriceGrid:
    """The tick grid of ``price_ranges``.

    :raises NumberError: unless the bands ascend without gaps, each with a step that divides it.
    """
    bands = sorted(
        (Band(parse_price(r.start), parse_price(r.end), parse_price(r.step)) for r in ranges),
        key=lambda band: band.start,
    )
    if not bands or any(not _is_sound(band) for band in bands):
        raise NumberError("price_ranges: a band without sense, or none")
    if any(lower.end != upper.start for lower, upper in pairwise(bands)):
        raise NumberError("price_ranges: bands overlap or leave a gap")
    return PriceGrid(tuple(bands))


def _is_sound(band: Band) -> bool:
    width: Price = band.end - band.start
    return band.step > 0 and width > 0 and width % band.step == 0


_CONVERTERS: Final[dict[type, Callable[[Nanos, Any], AnyEvent | None]]] = {
    wire.TickerFrame: ticker,
    wire.TradeFrame: trade,
    wire.FillFrame: fill,
    wire.UserOrderFrame: order_report,
    wire.LifecycleFrame: lifecycle,
}
