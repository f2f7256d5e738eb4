"""Handlers for portfolio reads. All of them answer from the lagging image (see `reads`), except the queue
positions, which the exchange asks of its engine."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter

from mm.sim.archive import Cutoff
from mm.sim.reads import Portfolio, Purse
from mm.sim.rest import Context, Query, Request, Response, not_found, reply
from mm.sim.rest_markets import time_bounds
from mm.sim.rest_numbers import count_text
from mm.sim.rest_pages import page
from mm.sim.rest_portfolio_bodies import (
    balance_body,
    breakdown_body,
    event_position_body,
    fill_body,
    fill_id,
    order_body,
    position_body,
    settlement_body,
)
from mm.sim.words import Filled, Order, Position

MOST_NAMED = 100
_STATUSES = frozenset({"resting", "canceled", "executed"})
_SETTLEMENT = frozenset({"all", "settled", "unsettled"})
_COUNTS = {"position": attrgetter("count"), "total_traded": attrgetter("total_traded")}


def _portfolio(context: Context, request: Request) -> Portfolio:
    """The caller's image."""
    return context.reads.portfolio(request.now, request.user_id)


def _shard(request: Request) -> int | None:
    """The shard that is asked for; ``None`` for all."""
    return request.query.integer("exchange_index", low=0)


def _purse(context: Context, request: Request) -> Purse:
    """The image of the subaccount that is asked for; empty where there is no such."""
    return _portfolio(context, request).purse(request.subaccount())


def _in_event(context: Context, ticker: str, events: list[str]) -> bool:
    return not events or context.venue.markets[ticker].event_ticker in events


def balance(context: Context, request: Request) -> Response:
    """GET /portfolio/balance; its breakdown is not for keys that are locked to a subaccount."""
    purse, shard = _purse(context, request), _shard(request)
    body = balance_body(purse, context.venue.markets, shard)
    if request.rights.subaccount is None:
        body["balance_breakdown"] = breakdown_body(purse, shard)
    return reply(200, body)


def list_orders(context: Context, request: Request) -> Response:
    """GET /portfolio/orders, newest first."""
    return orders_page(context, request, archived=False)


def orders_page(context: Context, request: Request, *, archived: bool) -> Response:
    """The live orders, or those that are history."""
    query, cutoff = request.query, context.cutoff(request.now)
    status, ticker, events = (
        query.choice("status", _STATUSES),
        query.text("ticker"),
        query.words("event_ticker", most=MOST_NAMED),
    )
    low, high = time_bounds(query)
    subaccount, shard = request.subaccount_or_all(), _shard(request)

    def fits(order: Order) -> bool:
        return (
            cutoff.has_order(order) == archived
            and shard in (None, order.exchange_index)
            and subaccount in (None, order.request.subaccount)
            and status in ("", order.status)
            and ticker in ("", order.ticker)
            and _in_event(context, order.ticker, events)
            and low <= order.created_ns <= high
        )

    portfolio = _portfolio(context, request)
    # The last row of a page may have ended since, so further pages are looked for among all.
    is_short = status == "resting" and not query.text("cursor")
    rows = portfolio.resting if is_short else portfolio.orders
    shown, cursor = page(reversed(rows.values()), attrgetter("order_id"), query, fits=fits)
    return reply(200, {"orders": [order_body(one) for one in shown], "cursor": cursor})


def get_order(context: Context, request: Request) -> Response:
    """GET /portfolio/orders/{order_id}."""
    order = _portfolio(context, request).orders.get(request.parts["order_id"])
    if order is None or context.cutoff(request.now).has_order(order) or not _may_see(request, order):
        raise not_found()
    return reply(200, {"order": order_body(order)})


def list_fills(context: Context, request: Request) -> Response:
    """GET /portfolio/fills, newest first."""
    return fills_page(context, request, archived=False)


def fills_page(context: Context, request: Request, *, archived: bool) -> Response:
    """The live fills, or those that are history."""
    query, cutoff = request.query, context.cutoff(request.now)
    tickers, order_id = query.words("ticker", most=MOST_NAMED), query.text("order_id")
    low, high = time_bounds(query)
    subaccount, shard = request.subaccount_or_all(), _shard(request)

    def fits(fill: Filled) -> bool:
        return (
            cutoff.has_trade(fill) == archived
            and shard in (None, fill.order.exchange_index)
            and subaccount in (None, fill.order.request.subaccount)
            and (not tickers or fill.order.ticker in tickers)
            and order_id in ("", fill.order.order_id)
            and low <= fill.now <= high
        )

    shown, cursor = page(_portfolio(context, request).fills[::-1], fill_id, query, fits=fits)
    return reply(200, {"fills": [fill_body(one) for one in shown], "cursor": cursor})


def list_positions(context: Context, request: Request) -> Response:
    """GET /portfolio/positions: unsettled ones, unless asked for others."""
    return positions_page(context, request, archived=False)


def positions_page(context: Context, request: Request, *, archived: bool) -> Response:
    """The live positions, or those that are history."""
    query = request.query
    purse, shard = _purse(context, request), _shard(request)
    ticker, events = query.text("ticker"), query.words("event_ticker")
    wanted = _wanted(query, purse, context.cutoff(request.now), archived=archived)

    def fits(one: Position) -> bool:
        return (
            wanted(one)
            and shard in (None, one.exchange_index)
            and ticker in ("", one.ticker)
            and _in_event(context, one.ticker, events)
        )

    shown, cursor = page([*purse.positions.values()], attrgetter("ticker"), query, fits=fits)
    by_event: dict[str, list[Position]] = {}
    for one in shown:
        by_event.setdefault(context.venue.markets[one.ticker].event_ticker, []).append(one)
    return reply(
        200,
        {
            "market_positions": [position_body(one) for one in shown],
            "event_positions": [event_position_body(event, held) for event, held in by_event.items()],
            "cursor": cursor,
        },
    )


def _wanted(query: Query, purse: Purse, cutoff: Cutoff, *, archived: bool) -> Callable[[Position], bool]:
    """The filters that look at the position itself: history or not, settled or not, and which of its counts
    are not zero."""
    state = query.choice("settlement_status", _SETTLEMENT) or ("all" if archived else "unsettled")
    settled = {one.ticker for one in purse.settlements}
    counts = [_COUNTS[word] for word in query.words("count_filter") if word in _COUNTS]

    def wanted(position: Position) -> bool:
        is_settled = position.ticker in settled
        is_state = state in ("all", "settled" if is_settled else "unsettled")
        is_here = cutoff.has_position(position, is_settled=is_settled) == archived
        return is_here and is_state and (not counts or any(count(position) for count in counts))

    return wanted


def list_settlements(context: Context, request: Request) -> Response:
    """GET /portfolio/settlements, newest first, until their positions are history; of all subaccounts, unless
    one is named."""
    query, cutoff = request.query, context.cutoff(request.now)
    ticker, event = query.text("ticker"), query.text("event_ticker")
    low, high = time_bounds(query)
    asked = request.subaccount_or_all()
    chosen = [
        (number, one)
        for number, purse in _portfolio(context, request).purses.items()
        if asked in (None, number)
        for one in reversed(purse.settlements)
        if ticker in ("", one.ticker)
        and event in ("", one.event_ticker)
        and max(low, cutoff.positions) <= one.settled_ns <= high
    ]
    chosen.sort(key=lambda pair: pair[1].settled_ns, reverse=True)
    shown, cursor = page(chosen, lambda pair: f"{pair[0]}:{pair[1].ticker}", query)
    return reply(200, {"settlements": [settlement_body(one) for _, one in shown], "cursor": cursor})


def queue_positions(context: Context, request: Request) -> Response:
    """GET /portfolio/orders/queue_positions: count ahead of each resting order at its price."""
    tickers, events = request.query.words("market_tickers"), request.query.words("event_ticker")
    resting = [
        order
        for order in _resting(context, request.user_id, request.subaccount())
        if (not tickers or order.ticker in tickers) and _in_event(context, order.ticker, events)
    ]
    rows = [
        {
            "order_id": order.order_id,
            "market_ticker": order.ticker,
            "queue_position_fp": count_text(context.venue.queue_position(order.order_id)),
        }
        for order in resting
    ]
    return reply(200, {"queue_positions": rows})


def queue_position(context: Context, request: Request) -> Response:
    """GET /portfolio/orders/{order_id}/queue_position."""
    order = context.venue.orders.get(request.parts["order_id"])
    if order is None or order.user_id != request.user_id or not _may_see(request, order):
        raise not_found()
    ahead = context.venue.queue_position(order.order_id)
    return reply(200, {"queue_position_fp": count_text(ahead)})


def _resting(context: Context, user_id: str, subaccount: int) -> list[Order]:
    for account in context.venue.accounts[user_id].all():
        if account.subaccount == subaccount:
            return [context.venue.orders[order_id] for order_id in account.resting]
    return []


def _may_see(request: Request, order: Order) -> bool:
    """A key that is locked to a subaccount sees its orders only."""
    return request.rights.subaccount in (None, order.request.subaccount)
