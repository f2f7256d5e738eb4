"""The flat fields of each event type of ``Strategy_<NAME>_trading.jsonl``: dollars and contracts as numbers,
ids as strings."""

from __future__ import annotations

from mm.core.actions import PlaceOrder
from mm.core.events import AmendReject, Fill, OrderAck, OrderAmended, OrderCanceled, OrderReject, OrderReport
from mm.core.picture import DeskPicture, MarketPicture
from mm.core.units import Count
from mm.observe.plain import amount, contracts, dollars, known
from mm.observe.requests import Changing, Trouble, trouble_words

Record = dict[str, object]


def sent(action: Changing) -> Record:
    """``count`` of an amend is the total: filled so far and wanted open."""
    extra: Record = (
        {"post_only": action.post_only, "time_in_force": action.time_in_force.value}
        if isinstance(action, PlaceOrder)
        else {"order_id": action.order_id}
    )
    return {
        "action": "place" if isinstance(action, PlaceOrder) else "amend",
        "request_id": str(action.request_id),
        "client_order_id": action.client_order_id,
        "ticker": action.ticker,
        "side": action.side.value,
        "price": dollars(action.price),
        "count": contracts(action.count),
        **extra,
        "reason": action.reason,
    }


def acknowledged(event: OrderAck | OrderAmended, ticker: str) -> Record:
    return {
        "action": "place" if isinstance(event, OrderAck) else "amend",
        "request_id": str(event.request_id),
        "client_order_id": event.client_order_id,
        "order_id": event.order_id,
        "ticker": ticker,
        "filled": None if event.filled is None else contracts(event.filled),
        "remaining": None if event.remaining is None else contracts(event.remaining),
    }


def rejected(event: OrderReject | AmendReject, ticker: str) -> Record:
    return {
        "action": "place" if isinstance(event, OrderReject) else "amend",
        "request_id": str(event.request_id),
        "client_order_id": event.client_order_id,
        "ticker": ticker,
        "status": event.status,
        "code": event.code,
        "message": event.message,
    }


def api_error(event: Trouble) -> Record:
    """With the four common keys at most eight, so that ``tail -10`` of the manual shows a whole one."""
    return dict(zip(("kind", "status", "code", "message"), trouble_words(event), strict=True))


def canceled(event: OrderCanceled, ticker: str, reason: str) -> Record:
    """``reason`` is ours, from the request."""
    return {
        "client_order_id": event.client_order_id,
        "order_id": event.order_id,
        "ticker": ticker,
        "count": contracts(event.reduced_by),
        "by": "us",
        "reason": reason,
    }


def removed(event: OrderReport, our_reason: str) -> Record:
    """The exchange took it out (expiry, market closed, ...), or its word overtook the answer to us."""
    return {
        "client_order_id": event.client_order_id,
        "order_id": event.order_id,
        "ticker": event.ticker,
        "count": contracts(event.remaining),
        "by": "exchange",
        "reason": event.reason or our_reason,
    }


def fill(fill: Fill, *, is_recovered: bool = False) -> Record:
    """``recovered``: it happened before this run watched, and no run had told it."""
    extra: Record = {"recovered": True} if is_recovered else {}
    return {
        "trade_id": fill.trade_id,
        "order_id": fill.order_id,
        "client_order_id": fill.client_order_id,
        "ticker": fill.ticker,
        "side": fill.side.value,
        "price": dollars(fill.price),
        "count": contracts(fill.count),
        "fee": amount(fill.fee),
        "is_taker": fill.is_taker,
        **extra,
    }


def inventory(ticker: str, new: Count, change: Count, reason: str) -> Record:
    """In this order, so that the manual's ``tail -5`` shows it."""
    return {
        "ticker": ticker,
        "new_inventory": contracts(new),
        "change": contracts(change),
        "reason": reason,
    }


def market_snapshot(market: MarketPicture) -> Record:
    return {
        "ticker": market.ticker,
        "position": contracts(market.position),
        "mark": None if market.mark is None else dollars(market.mark),
        "realized_pnl": amount(market.realized),
        "unrealized_pnl": amount(market.unrealized),
        "fees": amount(market.fees),
        "total_pnl": amount(market.realized + market.unrealized - market.fees),
    }


def snapshot(desk: DeskPicture) -> Record:
    return {
        "realized_pnl": amount(desk.realized),
        "unrealized_pnl": amount(desk.unrealized),
        "fees": amount(desk.fees),
        "total_pnl": amount(desk.realized + desk.unrealized - desk.fees),
        "inventory_imbalance": known(desk.inventory_imbalance),
    }
