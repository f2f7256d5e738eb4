"""How series, events, markets, books and trades are written in REST bodies (protocol section 8)."""

from __future__ import annotations

from mm.sim.rest import Json
from mm.sim.rest_numbers import count_text, price_text, time_text
from mm.sim.venue import LevelSizes, Venue
from mm.sim.words import PRICE_ONE, BookSide, Event, Grid, Market, Series, Traded

OUTCOMES: dict[BookSide, str] = {"bid": "yes", "ask": "no"}
PPM = 1_000_000


def series_body(series: Series) -> Json:
    return {
        "ticker": series.ticker,
        "frequency": series.frequency,
        "title": series.title,
        "category": series.category,
        "categories": [series.category],
        "tags": [],
        "settlement_sources": [],
        "contract_url": "",
        "contract_terms_url": "",
        "fee_type": series.fee_type,
        "fee_multiplier": series.fee_multiplier_ppm / PPM,
        "additional_prohibitions": [],
        "last_updated_ts": time_text(series.updated_ns),
        "exchange_index": series.exchange_index,
    }


def collateral_return(event: Event) -> str:
    """Netting between the markets of an event, for who opts in (nobody can here): by document an event is
    mutually exclusive exactly where this is ``MECNET``. Ordered thresholds (``DIRECNET``) are not listed."""
    return "MECNET" if event.mutually_exclusive else ""


def event_body(event: Event, venue: Venue) -> Json:
    override = event.fee_multiplier_override_ppm
    return {
        "event_ticker": event.event_ticker,
        "series_ticker": event.series_ticker,
        "sub_title": "",
        "title": event.title,
        "collateral_return_type": collateral_return(event),
        "mutually_exclusive": event.mutually_exclusive,
        "category": venue.series[event.series_ticker].category,
        "last_updated_ts": time_text(event.updated_ns),
        "settlement_sources": [],
        "fee_type_override": event.fee_type_override,
        "fee_multiplier_override": None if override is None else override / PPM,
        "exchange_index": event.exchange_index,
    }


def market_terms_body(market: Market) -> Json:
    """All of a market but what is traded in it (see `rest_market_texts`). The 24 h comparisons are 0: no
    session of this exchange is that old."""
    none = price_text(0)
    body = {
        "ticker": market.ticker,
        "event_ticker": market.event_ticker,
        "market_type": "binary",
        "title": market.title,
        "yes_sub_title": market.title,
        "no_sub_title": market.title,
        "status": market.status,
        "can_close_early": True,
        "notional_value_dollars": price_text(PRICE_ONE),
        "rules_primary": "",
        "rules_secondary": "",
        "settlement_bounds_type": "default",
        "settlement_timer_seconds": market.settlement_timer_s,
        "exchange_index": market.exchange_index,
        "previous_yes_bid_dollars": none,
        "previous_yes_ask_dollars": none,
        "previous_price_dollars": none,
        **_times(market),
        **_grid(market),
        **_outcome(market),
    }
    if market.fees_waived_until_ns:
        body["fee_waiver_expiration_time"] = time_text(market.fees_waived_until_ns)
    return body


def _times(market: Market) -> Json:
    created = time_text(market.created_ns)
    close = time_text(market.close_ns)
    return {
        "created_time": created,
        "updated_time": time_text(market.updated_ns),
        "open_time": time_text(market.open_ns),
        "close_time": close,
        "expected_expiration_time": close,
        "latest_expiration_time": close,
        "expiration_time": close,
    }


def _grid(market: Market) -> Json:
    body: Json = {
        "price_level_structure": market.price_level_structure,
        "price_ranges": price_ranges_body(market.price_ranges),
        "strike_type": market.strike_type,
    }
    for name, strike in (("floor_strike", market.floor_strike), ("cap_strike", market.cap_strike)):
        if strike is not None:
            body[name] = strike
    return body


def price_ranges_body(ranges: Grid) -> list[Json]:
    return [
        {"start": price_text(one.start), "end": price_text(one.end), "step": price_text(one.step)}
        for one in ranges
    ]


def _outcome(market: Market) -> Json:
    value = market.expiration_value
    body: Json = {
        "result": market.result,
        "expiration_value": "" if value is None or not market.result else f"{value:.10g}",
    }
    if market.settlement_value is not None:
        body["settlement_value_dollars"] = price_text(market.settlement_value)
    if market.settled_ns:
        body["settlement_ts"] = time_text(market.settled_ns)
    return body


def book_body(book: dict[BookSide, LevelSizes], depth: int = 0) -> Json:
    """Bids of each leg, ascending, best last; NO in NO prices. ``depth``: best levels only, 0 for all."""
    no = [(PRICE_ONE - price, size) for price, size in book["ask"][-depth:]]
    return {"yes_dollars": levels_body(book["bid"][-depth:]), "no_dollars": levels_body(no)}


def levels_body(levels: LevelSizes) -> list[list[str]]:
    return [[price_text(price), count_text(size)] for price, size in levels]


def trade_body(trade: Traded) -> Json:
    return {
        "trade_id": trade.trade_id,
        "ticker": trade.ticker,
        "count_fp": count_text(trade.count),
        "yes_price_dollars": price_text(trade.price),
        "no_price_dollars": price_text(PRICE_ONE - trade.price),
        "taker_side": OUTCOMES[trade.taker_side],
        "taker_outcome_side": OUTCOMES[trade.taker_side],
        "taker_book_side": trade.taker_side,
        "created_time": time_text(trade.now),
        "is_block_trade": False,
    }
