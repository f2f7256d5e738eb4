"""The form of the metrics file: keys, order and units as the operator's contract has them."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from mm.core.picture import DeskPicture, MarketPicture, RetiredMarkets
from mm.core.units import DOLLAR, MONEY_DOLLAR, Money, Nanos
from mm.observe.files import iso, seconds
from mm.observe.plain import amount, contracts, dollars, known, opinion
from mm.observe.tally import DeskTally, MarketTally

Form = dict[str, object]
MARKETS_SHOWN = 250


def metrics(desk: DeskPicture, tally: DeskTally, now: Nanos, started: Nanos) -> Form:
    """The whole document, ``summary`` first. At most `MARKETS_SHOWN` markets are told one by one, those with
    a position and the most traded first; the rest as one, so that the parts always add up to the whole."""
    shown = _most_active(desk.markets)
    rest = [market for market in desk.markets if market.ticker not in shown]
    return {
        "summary": {
            "strategy_name": desk.name,
            "runtime_seconds": seconds(now - started),
            **_orders(tally, now),
            **_latencies(tally),
            **_money(desk, tally),
        },
        "markets": {name: _market(market, tally.market(name)) for name, market in shown.items()},
        "other_markets": _together(rest, desk.retired),
        "updated_at": seconds(now),
        "updated_at_iso": iso(now),
    }


def _most_active(markets: Sequence[MarketPicture]) -> dict[str, MarketPicture]:
    """In the order of the desk."""
    if len(markets) > MARKETS_SHOWN:
        chosen = heapq.nlargest(MARKETS_SHOWN, range(len(markets)), key=lambda n: _activity(markets[n]))
        markets = [markets[n] for n in sorted(chosen)]
    return {market.ticker: market for market in markets}


def _activity(market: MarketPicture) -> tuple[bool, int, int]:
    return market.position != 0, market.fills, market.quotes


def _together(markets: Sequence[MarketPicture], retired: RetiredMarkets) -> Form:
    """What is not told one by one, and what is over and not kept so."""
    return {
        "count": len(markets) + retired.count,
        "with_position": sum(market.position != 0 for market in markets),
        "realized_pnl": amount(retired.realized + sum(market.realized for market in markets)),
        "unrealized_pnl": amount(sum(market.unrealized for market in markets)),
        "fees": amount(retired.fees + sum(market.fees for market in markets)),
        "inventory_exposure": amount(sum(_at_risk(market) or 0 for market in markets)),
        "quotes": retired.quotes + sum(market.quotes for market in markets),
        "fills": retired.fills + sum(market.fills for market in markets),
    }


def _orders(tally: DeskTally, now: Nanos) -> Form:
    return {
        "orders_sent": tally.orders_sent,
        "orders_acknowledged": tally.orders_acknowledged,
        "orders_rejected": tally.orders_rejected,
        "orders_canceled": tally.orders_canceled,
        "order_success_rate_pct": _rounded(tally.success_rate_pct()),
        "api_errors": tally.api_errors,
        "api_errors_last_hour": tally.errors_last_hour(now),
        "total_fills": tally.total_fills,
        "fill_rate_pct": _rounded(tally.fill_rate_pct()),
    }


def _latencies(tally: DeskTally) -> Form:
    p50, p95, p99 = tally.quote_latencies.quantiles(50, 95, 99)
    return {
        "avg_quote_latency_ms": _rounded(tally.quote_latencies.mean()),
        "p50_quote_latency_ms": _rounded(p50),
        "p95_quote_latency_ms": _rounded(p95),
        "p99_quote_latency_ms": _rounded(p99),
    }


def _money(desk: DeskPicture, tally: DeskTally) -> Form:
    capture, inventory = tally.doubled_sources({market.ticker: market.mark for market in desk.markets})
    total = desk.realized + desk.unrealized - desk.fees
    return {
        "avg_spread_width": opinion(tally.average_spread()),
        "total_realized_pnl": amount(desk.realized),
        "total_unrealized_pnl": amount(desk.unrealized),
        "total_fees": amount(desk.fees),
        "total_pnl": amount(total),
        "max_inventory_imbalance": known(tally.max_imbalance),
        "orders_in_doubt": tally.orders_in_doubt,
        "two_sided_uptime_pct": _rounded(tally.uptime_pct()),
        "spread_capture_pnl": _half(capture),
        "inventory_pnl": _half(inventory),
        "carried_pnl": _half(2 * (total + desk.fees) - capture - inventory),
        "strategy": desk.strategy,
        "slippage_pct": _rounded(tally.slippage_pct()),
        "round_trips": desk.round_trips,
        "win_rate_pct": _rounded(100 * desk.round_trips_won / desk.round_trips if desk.round_trips else None),
    }


def _market(market: MarketPicture, tally: MarketTally) -> Form:
    return {
        "position": contracts(market.position),
        "avg_cost": dollars(market.average_cost) if market.position else None,
        "mark": None if market.mark is None else dollars(market.mark),
        "realized_pnl": amount(market.realized),
        "unrealized_pnl": amount(market.unrealized),
        "fees": amount(market.fees),
        "inventory_exposure": _exposure(market),
        "spread_width": dollars(market.spread_width) if market.spread_width else None,
        "quotes": market.quotes,
        "fills": market.fills,
        **{name: opinion(markout.mean()) for name, markout in tally.markouts},
    }


def _exposure(market: MarketPicture) -> float | None:
    at_risk = _at_risk(market)
    return None if at_risk is None else amount(at_risk)


def _at_risk(market: MarketPicture) -> Money | None:
    """What the position loses if the market settles against it: at the mark, None without one."""
    if market.position == 0:
        return 0
    if market.mark is None:
        return None
    return market.position * (market.mark if market.position > 0 else market.mark - DOLLAR)


def _half(doubled: int) -> float:
    return doubled / (2 * MONEY_DOLLAR)


def _rounded(value: float | None) -> float | None:
    return None if value is None else known(round(value, 6))


def empty_metrics(name: str, strategy: str, now: Nanos) -> Form:
    """What the file says before anything happened."""
    return metrics(DeskPicture(name, strategy, (), 0, 0, 0, 0.0), DeskTally(), now, now)
