"""Handlers for candlesticks: of a market, of up to 100 at once, of an event, and of archived markets."""

from __future__ import annotations

from dataclasses import dataclass

from mm.sim.archive import Cutoff
from mm.sim.candles import KEPT, MINUTE, Candle, Span, period_end
from mm.sim.rest import Context, Json, Query, Request, Response, not_found, reply
from mm.sim.rest_numbers import SECOND, count_text, price_text
from mm.sim.words import Market

MOST_MARKETS = 100
MOST_CANDLES = 10_000
MOST_CANDLES_OF_EVENT = 5_000


@dataclass(frozen=True, slots=True)
class _Window:
    """What a request asks for; times in ns."""

    low: int
    high: int
    minutes: int
    with_latest: bool


def _window(query: Query) -> _Window:
    """Raises Refused (400) where a parameter is missing or wrong."""
    start, end = query.needed("start_ts"), query.needed("end_ts")
    minutes = query.needed("period_interval")
    if minutes not in KEPT:
        raise query.refusal("period_interval", "oneof")
    return _Window(start * SECOND, end * SECOND, minutes, query.flag("include_latest_before_start"))


def get_candles(context: Context, request: Request) -> Response:
    """GET /series/{series_ticker}/markets/{ticker}/candlesticks."""
    window = _window(request.query)
    market = context.venue.markets.get(request.parts["ticker"])
    if market is None or _series(context, market) != request.parts["series_ticker"]:
        raise not_found()
    if context.cutoff(request.now).has_market(market):
        raise not_found()
    rows = [candle_body(one) for one in _candles(context, market.ticker, window)]
    return reply(200, {"ticker": market.ticker, "candlesticks": rows})


def get_batch(context: Context, request: Request) -> Response:
    """GET /markets/candlesticks; unknown markets are left out, and what exceeds 10,000 candles in all."""
    query = request.query
    tickers = query.words("market_tickers")
    if not 0 < len(tickers) <= MOST_MARKETS:
        raise query.refusal("market_tickers", "max" if tickers else "required")
    window, cutoff, room = _window(query), context.cutoff(request.now), MOST_CANDLES
    markets: list[Json] = []
    for ticker in tickers:
        if _is_live(context, ticker, cutoff):
            rows = [candle_body(one) for one in _candles(context, ticker, window)][:room]
            room -= len(rows)
            markets.append({"market_ticker": ticker, "candlesticks": rows})
    return reply(200, {"markets": markets})


def get_of_event(context: Context, request: Request) -> Response:
    """GET /series/{series_ticker}/events/{ticker}/candlesticks; ends earlier where it would be too much."""
    window = _window(request.query)
    event = context.venue.events.get(request.parts["ticker"])
    if event is None or event.series_ticker != request.parts["series_ticker"]:
        raise not_found()
    cutoff = context.cutoff(request.now)
    tickers = [
        one.ticker
        for one in context.venue.markets.values()
        if one.event_ticker == event.event_ticker and _is_live(context, one.ticker, cutoff)
    ]
    periods = MOST_CANDLES_OF_EVENT // max(len(tickers), 1)
    high = min(window.high, window.low + periods * window.minutes * MINUTE)
    shorter = _Window(window.low, high, window.minutes, with_latest=False)
    rows = [[candle_body(one) for one in _candles(context, ticker, shorter)] for ticker in tickers]
    return reply(
        200,
        {"market_tickers": tickers, "market_candlesticks": rows, "adjusted_end_ts": high // SECOND},
    )


def get_archived(context: Context, request: Request) -> Response:
    """GET /historical/markets/{ticker}/candlesticks."""
    window = _window(request.query)
    market = context.venue.markets.get(request.parts["ticker"])
    if market is None or not context.cutoff(request.now).has_market(market):
        raise not_found()
    rows = [archived_candle_body(one) for one in _candles(context, market.ticker, window)]
    return reply(200, {"ticker": market.ticker, "candlesticks": rows})


def _series(context: Context, market: Market) -> str:
    return context.venue.events[market.event_ticker].series_ticker


def _is_live(context: Context, ticker: str, cutoff: Cutoff) -> bool:
    market = context.venue.markets.get(ticker)
    return market is not None and not cutoff.has_market(market)


def _candles(context: Context, ticker: str, window: _Window) -> list[Candle]:
    candles = context.candles.read(ticker, window.minutes, window.low, window.high)
    first = period_end(window.low, window.minutes)
    if window.with_latest and not (candles and candles[0].end == first):
        latest = context.candles.latest_before(ticker, window.minutes, window.low)
        return [*([latest] if latest else []), *candles]
    return candles


# -- bodies -------------------------------------------------------------------------------------------------
_SPAN = ("open", "low", "high", "close")


def _span(span: Span | None, suffix: str) -> Json:
    """The four prices of a span, null without one; ``suffix`` as the schema writes their names."""
    if span is None:
        return {f"{name}{suffix}": None for name in _SPAN}
    values = (span.open, span.low, span.high, span.close)
    return {f"{name}{suffix}": price_text(value) for name, value in zip(_SPAN, values, strict=True)}


def _price(candle: Candle, suffix: str) -> Json:
    mean = candle.mean
    return {
        **_span(candle.price, suffix),
        f"mean{suffix}": None if mean is None else price_text(mean),
        f"previous{suffix}": price_text(candle.previous) if candle.previous else None,
    }


def candle_body(candle: Candle) -> Json:
    return {
        "end_period_ts": candle.end // SECOND,
        "yes_bid": _span(candle.bid, "_dollars"),
        "yes_ask": _span(candle.ask, "_dollars"),
        "price": _price(candle, "_dollars"),
        "volume_fp": count_text(candle.volume),
        "open_interest_fp": count_text(candle.open_interest),
    }


def archived_candle_body(candle: Candle) -> Json:
    """The same, in the older names that the historical schema kept."""
    return {
        "end_period_ts": candle.end // SECOND,
        "yes_bid": _span(candle.bid, ""),
        "yes_ask": _span(candle.ask, ""),
        "price": _price(candle, ""),
        "volume": count_text(candle.volume),
        "open_interest": count_text(candle.open_interest),
    }
