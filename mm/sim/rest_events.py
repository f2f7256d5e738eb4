"""Handlers for series and events (protocol section 8)."""

from __future__ import annotations

from operator import attrgetter

from mm.sim.rest import Context, Json, Query, Request, Response, encode, not_found, reply
from mm.sim.rest_market_bodies import event_body, series_body
from mm.sim.rest_market_texts import between
from mm.sim.rest_markets import STATES
from mm.sim.rest_numbers import SECOND, count_text
from mm.sim.rest_pages import page
from mm.sim.words import Event, Market, Series

_STATE_WORDS = frozenset(STATES) - {"paused"}


def list_series(context: Context, request: Request) -> Response:
    """GET /series. No series of this exchange has tags, so none fits any."""
    category, tags = request.query.text("category"), request.query.words("tags")
    since = _since(request.query)
    chosen = [
        one
        for one in context.venue.series.values()
        if category in ("", one.category) and not tags and one.updated_ns >= since
    ]
    return reply(200, {"series": [_series(context, request.query, one) for one in chosen]})


def get_series(context: Context, request: Request) -> Response:
    """GET /series/{series_ticker}."""
    series = context.venue.series.get(request.parts["series_ticker"])
    if series is None:
        raise not_found()
    return reply(200, {"series": _series(context, request.query, series)})


def _series(context: Context, query: Query, series: Series) -> Json:
    """A series, with what was ever traded in it where that is asked for."""
    body = series_body(series)
    if not query.flag("include_volume"):
        return body
    events = context.venue.events
    traded = (
        one.volume
        for one in context.venue.markets.values()
        if events[one.event_ticker].series_ticker == series.ticker
    )
    return {**body, "volume_fp": count_text(sum(traded))}


def list_events(context: Context, request: Request) -> Response:
    """GET /events."""
    query = request.query
    state = query.choice("status", _STATE_WORDS)
    series, tickers = query.text("series_ticker"), set(query.words("tickers"))
    close, since = (query.integer("min_close_ts") or 0) * SECOND, _since(query)
    nested = query.flag("with_nested_markets")
    markets = _by_event(context) if nested or state or close else {}

    def fits(event: Event) -> bool:
        return (
            series in ("", event.series_ticker)
            and event.updated_ns >= since
            and (not tickers or event.event_ticker in tickers)
            and (not (state or close) or any(_fits(one, state, close) for one in markets[event.event_ticker]))
        )

    events = [*context.venue.events.values()]
    shown, cursor = page(events, attrgetter("event_ticker"), query, fits=fits, default=200, most=200)
    rows: list[bytes] = []
    for one in shown:
        rows += _row(context, request, one, markets[one.event_ticker] if nested else None)
    return Response(200, b",".join(between(b'{"events":[', rows, b'],"cursor":%b}' % encode(cursor))))


def _row(context: Context, request: Request, event: Event, markets: list[Market] | None) -> list[bytes]:
    """An event as it is listed, in pieces: with its ``markets``, unless they are not wanted."""
    text = encode(event_body(event, context.venue))
    if markets is None:
        return [text]
    inside = context.texts.texts(_live(context, request, markets))
    return between(text.removesuffix(b"}") + b',"markets":[', inside, b"]}")


def get_event(context: Context, request: Request) -> Response:
    """GET /events/{event_ticker}: the markets inside the event, beside it (the default), or not at all."""
    event = context.venue.events.get(request.parts["event_ticker"])
    if event is None:
        raise not_found()
    nested, excluded = (request.query.flag(name) for name in ("with_nested_markets", "exclude_markets"))
    if nested and excluded:
        raise request.query.refusal("exclude_markets", "excluded_with")
    markets = [] if excluded else _live(context, request, _by_event(context)[event.event_ticker])
    body = event_body(event, context.venue)
    if nested:
        return reply(200, {"event": {**body, "markets": context.texts.of(markets)}, "markets": []})
    return reply(200, {"event": body, "markets": context.texts.of(markets)})


def _live(context: Context, request: Request, markets: list[Market]) -> list[Market]:
    """Those of them that are not history."""
    cutoff = context.cutoff(request.now)
    return [one for one in markets if not cutoff.has_market(one)]


def _by_event(context: Context) -> dict[str, list[Market]]:
    """All markets, by the event they belong to."""
    found: dict[str, list[Market]] = {ticker: [] for ticker in context.venue.events}
    for market in context.venue.markets.values():
        found[market.event_ticker].append(market)
    return found


def _since(query: Query) -> int:
    """``min_updated_ts`` in ns: what changed since then is wanted."""
    return (query.integer("min_updated_ts") or 0) * SECOND


def _fits(market: Market, state: str, close: int) -> bool:
    return (not state or market.status in STATES[state]) and market.close_ns >= close
