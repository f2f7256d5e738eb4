"""Handlers for markets, their books and their trades (protocol section 8)."""

from __future__ import annotations

from heapq import merge
from itertools import takewhile
from operator import attrgetter

from mm.sim.rest import Context, Query, Request, Response, not_found, reply
from mm.sim.rest_market_bodies import book_body, trade_body
from mm.sim.rest_numbers import SECOND
from mm.sim.rest_pages import page
from mm.sim.words import Market, Traded

# The words a filter uses for the states of a market (protocol section 8).
STATES: dict[str, frozenset[str]] = {
    "unopened": frozenset({"initialized"}),
    "open": frozenset({"active"}),
    "paused": frozenset({"inactive"}),
    "closed": frozenset({"closed", "determined", "disputed", "amended"}),
    "settled": frozenset({"finalized"}),
}
_STATE_WORDS = frozenset(STATES)

# Time filters: the market's time they look at, and the state filters they may be combined with.
_TIMES = {
    "created": attrgetter("created_ns"),
    "close": attrgetter("close_ns"),
    "settled": attrgetter("settled_ns"),
    "updated": attrgetter("updated_ns"),
}
_STATES_OF_TIME = {
    "created": {"", "unopened", "open"},
    "close": {"", "closed"},
    "settled": {"", "settled"},
    "updated": {""},
}
MOST_ORDERBOOKS = 100


def list_markets(context: Context, request: Request) -> Response:
    """GET /markets. Raises Refused (400) for an unknown state and time filters that do not go together."""
    return markets_page(context, request, archived=False)


def markets_page(context: Context, request: Request, *, archived: bool) -> Response:
    """The live markets, or those that are history."""
    query, venue, cutoff = request.query, context.venue, context.cutoff(request.now)
    state = query.choice("status", _STATE_WORDS)
    only_combos = query.choice("mve_filter", frozenset({"only", "exclude"})) == "only"
    event, series, tickers = (
        query.text("event_ticker"),
        query.text("series_ticker"),
        set(query.words("tickers")),
    )
    low, high, moment = _time_filter(query, state)

    def fits(market: Market) -> bool:
        return (
            not only_combos
            and cutoff.has_market(market) == archived
            and event in ("", market.event_ticker)
            and series in ("", venue.events[market.event_ticker].series_ticker)
            and (not tickers or market.ticker in tickers)
            and (not state or market.status in STATES[state])
            and low <= _TIMES[moment](market) <= high
        )

    shown, cursor = page([*venue.markets.values()], attrgetter("ticker"), query, fits=fits)
    return reply(200, {"markets": context.texts.of(shown), "cursor": cursor})


def _time_filter(query: Query, state: str) -> tuple[float, float, str]:
    """Lowest and highest time in ns, and of which of the market's times: one family at most."""
    used = [name for name in _TIMES if query.text(f"min_{name}_ts") or query.text(f"max_{name}_ts")]
    if not used:
        return float("-inf"), float("inf"), "created"
    name = used[0]
    goes_with = _goes_with_updated(query) if name == "updated" else True
    if len(used) > 1 or state not in _STATES_OF_TIME[name] or not goes_with:
        raise query.refusal(f"min_{name}_ts", "excluded_with")
    low, high = query.integer(f"min_{name}_ts"), query.integer(f"max_{name}_ts")
    return (low or 0) * SECOND, float("inf") if high is None else high * SECOND, name


def _goes_with_updated(query: Query) -> bool:
    """A series, if combos are excluded, and no other choice of markets."""
    alone = not query.text("event_ticker") and not query.words("tickers")
    no_combos = query.text("mve_filter") == "exclude"
    return alone and (
        no_combos if query.text("series_ticker") else query.text("mve_filter") in ("", "exclude")
    )


def get_market(context: Context, request: Request) -> Response:
    """GET /markets/{ticker}."""
    return market_answer(context, request, archived=False)


def market_answer(context: Context, request: Request, *, archived: bool) -> Response:
    """One market, if it is live, or history. Raises VenueError (404) otherwise."""
    market = _market(context, request.parts["ticker"])
    if context.cutoff(request.now).has_market(market) != archived:
        raise not_found()
    return reply(200, {"market": context.texts.one(market)})


def _market(context: Context, ticker: str) -> Market:
    market = context.venue.markets.get(ticker)
    if market is None:
        raise not_found()
    return market


def orderbook(context: Context, request: Request) -> Response:
    """GET /markets/{ticker}/orderbook."""
    depth = request.query.integer("depth", high=100) or 0
    market = _market(context, request.parts["ticker"])
    return reply(200, {"orderbook_fp": book_body(context.venue.book(market.ticker), max(depth, 0))})


def orderbooks(context: Context, request: Request) -> Response:
    """GET /markets/orderbooks: of up to 100 markets at once; unknown tickers are left out."""
    tickers = request.query.words("tickers")
    if not 0 < len(tickers) <= MOST_ORDERBOOKS:
        raise request.query.refusal("tickers", "required" if not tickers else "max")
    books = [
        {"ticker": ticker, "orderbook_fp": book_body(context.venue.book(ticker))}
        for ticker in tickers
        if ticker in context.venue.markets
    ]
    return reply(200, {"orderbooks": books})


def list_trades(context: Context, request: Request) -> Response:
    """GET /markets/trades, newest first."""
    return trades_page(context, request, archived=False)


def trades_page(context: Context, request: Request, *, archived: bool) -> Response:
    """The live trades, or those that are history."""
    query, cutoff = request.query, context.cutoff(request.now)
    ticker = query.text("ticker")
    low, high = time_bounds(query)
    if query.flag("is_block_trade"):
        return reply(200, {"trades": [], "cursor": ""})
    tapes = [context.venue.trades.get(ticker, ())] if ticker else context.venue.trades.values()

    def fits(trade: Traded) -> bool:
        return trade.now <= high and cutoff.has_trade(trade) == archived

    newest_first = merge(*(reversed(tape) for tape in tapes), key=attrgetter("now"), reverse=True)
    recent = takewhile(lambda trade: trade.now >= low, newest_first)
    shown, cursor = page(recent, attrgetter("trade_id"), query, fits=fits)
    return reply(200, {"trades": [trade_body(one) for one in shown], "cursor": cursor})


def time_bounds(query: Query) -> tuple[float, float]:
    """``min_ts`` and ``max_ts`` in ns, both inclusive; unbounded where absent."""
    low, high = query.integer("min_ts"), query.integer("max_ts")
    return (low or 0) * SECOND, float("inf") if high is None else (high + 1) * SECOND - 1
