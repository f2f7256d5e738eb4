"""How the messages of the stream are written (protocol section 10.3): the JSON text under ``msg``.

The book's messages are spliced from strings, because a busy market sends thousands of them a second; the
others are rarer and go through an encoder.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from mm.sim.rest import Json
from mm.sim.rest_market_bodies import OUTCOMES
from mm.sim.rest_numbers import (
    MILLISECOND,
    SECOND,
    count_text,
    member_text,
    money_text,
    price_text,
    time_text,
)
from mm.sim.rest_portfolio_bodies import counts_of, direction, money_of
from mm.sim.venue import LevelSizes, Venue
from mm.sim.words import (
    COUNT_ONE,
    MONEY_ONE,
    PRICE_ONE,
    BookChanged,
    BookSide,
    Filled,
    GroupChanged,
    Market,
    Order,
    PositionChanged,
    Traded,
)

_LEGS: tuple[tuple[BookSide, str], ...] = (("bid", "yes_dollars_fp"), ("ask", "no_dollars_fp"))
_encoder = msgspec.json.Encoder()


def json_text(value: object) -> str:
    return _encoder.encode(value).decode()


@lru_cache(maxsize=4096)
def _head(ticker: str, market_id: str) -> str:
    return f'{{"market_ticker":{json_text(ticker)},"market_id":{json_text(market_id)},"clock":'


@lru_cache(maxsize=4096)
def _ticker_head(ticker: str, market_id: str) -> str:
    return f'{{"market_id":{json_text(market_id)},"market_ticker":{json_text(ticker)},"price_dollars":"'


@lru_cache(maxsize=64)
def _stamp(now: int) -> str:
    """The end of a delta: the levels that one action changes have it in common."""
    return f',"ts":"{time_text(now)}","ts_ms":{now // MILLISECOND}}}'


def leg_price(side: BookSide, price: int, *, yes_price: bool) -> int:
    """A YES price as the stream writes it: asks are NO bids, in NO prices unless asked otherwise."""
    return price if yes_price or side == "bid" else PRICE_ONE - price


def delta(changed: BookChanged, market: Market, *, yes_price: bool, is_own: bool) -> str:
    """One orderbook_delta; its client order id is for its own causer only."""
    own = ""
    if is_own and changed.order is not None:
        request = changed.order.request
        own = f',"client_order_id":{json_text(request.client_order_id)},"subaccount":{request.subaccount}'
    side = changed.side
    price = changed.price if yes_price or side == "bid" else PRICE_ONE - changed.price
    return (
        f'{_head(market.ticker, market.market_id)}{changed.clock},"price_dollars":"{price_text(price)}",'
        f'"delta_fp":"{count_text(changed.change)}","side":"{OUTCOMES[side]}"{own}{_stamp(changed.now)}'
    )


def snapshot(market: Market, book: dict[BookSide, LevelSizes], *, yes_price: bool) -> str:
    """The whole book; the key of an empty side is left out. Best last on both legs, also in YES prices."""
    sides = ""
    for side, key in _LEGS:
        levels = [_level(side, price, size, yes_price) for price, size in book[side]]
        if levels:
            sides += f',"{key}":[{",".join(levels)}]'
    return f"{_head(market.ticker, market.market_id)}{market.clock}{sides}}}"


def _level(side: BookSide, price: int, size: int, yes_price: bool) -> str:
    return f'["{price_text(leg_price(side, price, yes_price=yes_price))}","{count_text(size)}"]'


def ticker(market: Market, venue: Venue, now: int) -> str:
    tops = venue.best(market.ticker)
    bid, bid_size = tops["bid"] or (0, 0)
    ask, ask_size = tops["ask"] or (PRICE_ONE, 0)
    return (
        f'{_ticker_head(market.ticker, market.market_id)}{price_text(market.last_price)}",'
        f'"yes_bid_dollars":"{price_text(bid)}","yes_ask_dollars":"{price_text(ask)}",'
        f'"volume_fp":"{count_text(market.volume)}","open_interest_fp":"{count_text(market.open_interest)}",'
        f'"dollar_volume":{market.dollar_volume // MONEY_ONE},'
        f'"dollar_open_interest":{market.open_interest // COUNT_ONE},'
        f'"yes_bid_size_fp":"{count_text(bid_size)}","yes_ask_size_fp":"{count_text(ask_size)}",'
        f'"last_trade_size_fp":"{count_text(market.last_trade_size)}",'
        f'"ts":{now // SECOND},"ts_ms":{now // MILLISECOND},"time":"{time_text(now)}"}}'
    )


def trade(traded: Traded) -> str:
    outcome = OUTCOMES[traded.taker_side]
    return json_text(
        {
            "trade_id": traded.trade_id,
            "market_ticker": traded.ticker,
            "yes_price_dollars": price_text(traded.price),
            "no_price_dollars": price_text(PRICE_ONE - traded.price),
            "count_fp": count_text(traded.count),
            "taker_side": outcome,
            "taker_outcome_side": outcome,
            "taker_book_side": traded.taker_side,
            "is_block_trade": False,
            "ts": traded.now // SECOND,
            "ts_ms": traded.now // MILLISECOND,
        }
    )


def fill(filled: Filled) -> str:
    order = filled.order
    body: Json = {
        "trade_id": filled.trade_id,
        "order_id": order.order_id,
        "market_ticker": order.ticker,
        "exchange_index": order.exchange_index,
        "is_taker": filled.is_taker,
        "yes_price_dollars": price_text(filled.price),
        "count_fp": count_text(filled.count),
        "fee_cost": money_text(filled.net_fee),
        "ts": filled.now // SECOND,
        "ts_ms": filled.now // MILLISECOND,
        "post_position_fp": count_text(filled.post_position),
        "purchased_side": OUTCOMES[order.side],
        "subaccount": order.request.subaccount,
        **direction(order),
    }
    return json_text({**body, **_client_order_id(order)})


def _client_order_id(order: Order) -> Json:
    named = order.request.client_order_id
    return {"client_order_id": named} if named else {}


def user_order(order: Order) -> str:
    request = order.request
    body: Json = {
        "order_id": order.order_id,
        "user_id": member_text(order.user_id),
        "ticker": order.ticker,
        "exchange_index": order.exchange_index,
        "status": order.status,
        "is_yes": order.side == "bid",
        "yes_price_dollars": price_text(order.price),
        "client_order_id": request.client_order_id,
        "self_trade_prevention_type": request.self_trade,
        "created_time": time_text(order.created_ns),
        "created_ts_ms": order.created_ns // MILLISECOND,
        "last_update_time": time_text(order.updated_ns),
        "last_updated_ts_ms": order.updated_ns // MILLISECOND,
        "subaccount_number": request.subaccount,
        **direction(order),
        **counts_of(order),
        **money_of(order),
    }
    del body["action"]
    if order.last_update_reason:
        body["last_update_reason"] = order.last_update_reason
    if request.order_group_id:
        body["order_group_id"] = request.order_group_id
    if request.expiration_s:
        body["expiration_time"] = time_text(request.expiration_s * SECOND)
        body["expiration_ts_ms"] = request.expiration_s * 1000
    return json_text(body)


def market_position(changed: PositionChanged) -> str:
    """The fee cost of a position is not explained in the documents; it is written as the fees paid."""
    position = changed.position
    fees = money_text(position.fees)
    return json_text(
        {
            "user_id": member_text(changed.user_id),
            "market_ticker": position.ticker,
            "position_fp": count_text(position.count),
            "position_cost_dollars": money_text(position.cost),
            "realized_pnl_dollars": money_text(position.realized),
            "fees_paid_dollars": fees,
            "position_fee_cost_dollars": fees,
            "volume_fp": count_text(position.volume),
            "subaccount": changed.subaccount,
        }
    )


def group(changed: GroupChanged) -> str:
    """An order_group_updates message; its limit only where it was set."""
    body: Json = {"event_type": changed.event_type, "order_group_id": changed.group_id}
    if changed.limit is not None:
        body["contracts_limit_fp"] = count_text(changed.limit)
    return json_text({**body, "ts_ms": changed.now // MILLISECOND})
