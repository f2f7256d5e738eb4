"""Handlers for what has left the live paths (protocol section 8): the same rows, found under /historical."""

from __future__ import annotations

from mm.sim.rest import Context, Request, Response, reply
from mm.sim.rest_markets import market_answer, markets_page, trades_page
from mm.sim.rest_numbers import time_text
from mm.sim.rest_portfolio import fills_page, orders_page, positions_page


def cutoff(context: Context, request: Request) -> Response:
    """GET /historical/cutoff."""
    times = context.cutoff(request.now)
    return reply(
        200,
        {
            "market_settled_ts": time_text(times.markets),
            "trades_created_ts": time_text(times.trades),
            "orders_updated_ts": time_text(times.orders),
            "market_positions_last_updated_ts": time_text(times.positions),
        },
    )


def list_markets(context: Context, request: Request) -> Response:
    """GET /historical/markets."""
    return markets_page(context, request, archived=True)


def get_market(context: Context, request: Request) -> Response:
    """GET /historical/markets/{ticker}."""
    return market_answer(context, request, archived=True)


def list_trades(context: Context, request: Request) -> Response:
    """GET /historical/trades, newest first."""
    return trades_page(context, request, archived=True)


def list_orders(context: Context, request: Request) -> Response:
    """GET /historical/orders, newest first."""
    return orders_page(context, request, archived=True)


def list_fills(context: Context, request: Request) -> Response:
    """GET /historical/fills, newest first."""
    return fills_page(context, request, archived=True)


def list_positions(context: Context, request: Request) -> Response:
    """GET /historical/positions."""
    return positions_page(context, request, archived=True)
