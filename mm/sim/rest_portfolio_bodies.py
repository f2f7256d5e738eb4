"""How orders, fills, positions, balance and settlements are written in REST bodies (protocol section 7)."""

from __future__ import annotations

from collections.abc import Iterable

from mm.sim.reads import Purse
from mm.sim.rest import Json
from mm.sim.rest_market_bodies import OUTCOMES
from mm.sim.rest_numbers import (
    SECOND,
    cents,
    count_text,
    member_text,
    money_text,
    money_text_4,
    price_text,
    time_text,
)
from mm.sim.words import PRICE_ONE, Filled, Market, Order, Position, Settlement


def direction(order: Order) -> Json:
    """The names of a side: the two that mean something, and the deprecated pair that clients still ask for.
    An ask is written as "buy no", its natural pair (protocol section 3.2)."""
    outcome = OUTCOMES[order.side]
    return {"outcome_side": outcome, "book_side": order.side, "side": outcome, "action": "buy"}


def money_of(order: Order) -> Json:
    """What an order has cost so far, by role; for an ask the costs are those of the NO leg."""
    return {
        "taker_fill_cost_dollars": money_text(order.taker_cost),
        "maker_fill_cost_dollars": money_text(order.maker_cost),
        "taker_fees_dollars": money_text(order.taker_fees),
        "maker_fees_dollars": money_text(order.maker_fees),
    }


def counts_of(order: Order) -> Json:
    return {
        "fill_count_fp": count_text(order.filled),
        "remaining_count_fp": count_text(order.remaining),
        "initial_count_fp": count_text(order.count),
    }


def order_body(order: Order) -> Json:
    """An order; ``yes_price`` is its limit, whatever it traded at."""
    request = order.request
    body: Json = {
        "order_id": order.order_id,
        "user_id": member_text(order.user_id),
        "client_order_id": request.client_order_id,
        "ticker": order.ticker,
        "type": "limit",
        "status": order.status,
        "yes_price_dollars": price_text(order.price),
        "no_price_dollars": price_text(PRICE_ONE - order.price),
        "created_time": time_text(order.created_ns),
        "last_update_time": time_text(order.updated_ns),
        "self_trade_prevention_type": request.self_trade,
        "cancel_order_on_pause": request.cancel_on_pause,
        "subaccount_number": request.subaccount,
        "exchange_index": order.exchange_index,
        **direction(order),
        **counts_of(order),
        **money_of(order),
    }
    if request.expiration_s:
        body["expiration_time"] = time_text(request.expiration_s * SECOND)
    if request.order_group_id:
        body["order_group_id"] = request.order_group_id
    return body


def fill_id(fill: Filled) -> str:
    return fill.trade_id


def fill_body(fill: Filled) -> Json:
    order = fill.order
    return {
        "fill_id": fill_id(fill),
        "trade_id": fill.trade_id,
        "exchange_index": order.exchange_index,
        "order_id": order.order_id,
        "ticker": order.ticker,
        "market_ticker": order.ticker,
        "count_fp": count_text(fill.count),
        "yes_price_dollars": price_text(fill.price),
        "no_price_dollars": price_text(PRICE_ONE - fill.price),
        "is_taker": fill.is_taker,
        "fee_cost": money_text(fill.net_fee),
        "created_time": time_text(fill.now),
        "ts": fill.now // SECOND,
        "subaccount_number": order.request.subaccount,
        **direction(order),
    }


def position_body(position: Position) -> Json:
    return {
        "ticker": position.ticker,
        "exchange_index": position.exchange_index,
        "total_traded_dollars": money_text(position.total_traded),
        "position_fp": count_text(position.count),
        "market_exposure_dollars": money_text(position.cost),
        "realized_pnl_dollars": money_text(position.realized),
        "fees_paid_dollars": money_text(position.fees),
        "last_updated_ts": time_text(position.updated_ns),
    }


def event_position_body(event_ticker: str, positions: Iterable[Position]) -> Json:
    """The sum over the positions of one event."""
    held = list(positions)
    return {
        "event_ticker": event_ticker,
        "total_cost_dollars": money_text(sum(one.total_traded for one in held)),
        "total_cost_shares_fp": count_text(sum(one.volume for one in held)),
        "event_exposure_dollars": money_text(sum(one.cost for one in held)),
        "realized_pnl_dollars": money_text(sum(one.realized for one in held)),
        "fees_paid_dollars": money_text(sum(one.fees for one in held)),
    }


def balance_body(purse: Purse, markets: dict[str, Market], shard: int | None) -> Json:
    """Cash, and the positions at the last price of their markets (recorded: not at the bid), on one shard, or
    on all with ``None``."""
    held = [one for one in purse.positions.values() if shard in (None, one.exchange_index)]
    value = sum(_value(one, markets[one.ticker]) for one in held)
    cash = purse.cash(shard)
    return {
        "balance": cents(cash),
        "balance_dollars": money_text_4(cash),
        "portfolio_value": cents(value),
        "updated_ts": purse.updated_ns // SECOND,
    }


def breakdown_body(purse: Purse, shard: int | None) -> list[Json]:
    """Cash by shard."""
    return [
        {"exchange_index": one, "balance": money_text_4(cash)}
        for one, cash in purse.funds.items()
        if shard in (None, one)
    ]


def _value(position: Position, market: Market) -> int:
    price = market.last_price if position.count > 0 else PRICE_ONE - market.last_price
    return abs(position.count) * price


def settlement_body(settlement: Settlement) -> Json:
    return {
        "ticker": settlement.ticker,
        "exchange_index": settlement.exchange_index,
        "event_ticker": settlement.event_ticker,
        "market_result": settlement.result,
        "yes_count_fp": count_text(settlement.yes_count),
        "yes_total_cost_dollars": money_text(settlement.yes_cost),
        "no_count_fp": count_text(settlement.no_count),
        "no_total_cost_dollars": money_text(settlement.no_cost),
        "revenue": cents(settlement.revenue),
        "settled_time": time_text(settlement.settled_ns),
        "fee_cost": money_text(settlement.fees),
        "value": settlement.value // 100,
    }
