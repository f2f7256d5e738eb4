"""The table of the REST paths: which handler answers, who may ask, and what it costs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mm.sim import rest_account as account
from mm.sim import rest_candles as candles
from mm.sim import rest_events as events
from mm.sim import rest_fees as fees
from mm.sim import rest_groups as groups
from mm.sim import rest_historical as historical
from mm.sim import rest_incentives as incentives
from mm.sim import rest_markets as markets
from mm.sim import rest_orders as orders
from mm.sim import rest_portfolio as portfolio
from mm.sim import rest_shards as shards
from mm.sim import rest_subaccounts as subaccounts
from mm.sim.buckets import DEFAULT_COST
from mm.sim.rest import PREFIX, Handler
from mm.sim.rights import Scope


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. ``scope``: what a key needs for it, if it is private; ``budget``: the token bucket it
    draws on; ``is_batch``: the cost is for each order; ``is_routed``: it may name the shard it is for, and
    draws on that one's budget."""

    method: str
    pattern: str
    handler: Handler
    operation: str
    is_private: bool
    scope: Scope
    budget: str
    cost: int
    is_batch: bool
    is_routed: bool


# Paths that a child scope is enough for (protocol section 2), beside the orders and order groups.
_SCOPES: dict[tuple[str, str], Scope] = {
    ("GET", "/portfolio/balance"): "read::portfolio_balance",
    ("POST", "/portfolio/subaccounts/transfer"): "write::transfer",
    ("POST", "/portfolio/intra_exchange_instance_transfer"): "write::transfer",
}
_UPGRADE = "/account/api_usage_level/upgrade"
_PRIVATE = {
    *("/account/limits", _UPGRADE, "/api_keys"),
    *("/historical/orders", "/historical/fills", "/historical/positions"),
}


_ROUTED = (
    *(orders.create, orders.amend, orders.decrease, orders.cancel),
    *(groups.create, groups.reset, groups.trigger, groups.set_limit, groups.delete),
)


def _row(method: str, pattern: str, operation: str, handler: Handler) -> Route:
    private = pattern.startswith("/portfolio/") or pattern in _PRIVATE
    budget = "balance" if pattern == "/portfolio/balance" else "read" if method == "GET" else "write"
    cost = 1 if budget == "balance" else account.COSTS.get((method, pattern), DEFAULT_COST)
    is_batch = handler in (orders.create_batch, orders.cancel_batch)
    scope = _SCOPES.get((method, pattern)) or ("read" if method == "GET" else "write")
    if method != "GET" and pattern.startswith(("/portfolio/events/orders", "/portfolio/order")):
        scope = "write::trade"
    is_routed = handler in _ROUTED
    return Route(method, pattern, handler, operation, private, scope, budget, cost, is_batch, is_routed)


_V2 = "/portfolio/events/orders"
_V1 = "/portfolio/orders"
_GROUPS = "/portfolio/order_groups"
_SUBACCOUNTS = "/portfolio/subaccounts"
_BETWEEN_SHARDS = "/portfolio/intra_exchange_instance_transfer"

ROUTES: tuple[Route, ...] = (
    _row("GET", "/exchange/status", "GetExchangeStatus", account.status),
    _row("GET", "/exchange/user_data_timestamp", "GetUserDataTimestamp", account.user_data_timestamp),
    _row("GET", "/exchange/schedule", "GetExchangeSchedule", account.schedule),
    _row("GET", "/account/limits", "GetAccountApiLimits", account.limits),
    _row("POST", _UPGRADE, "UpgradeAccountApiUsageLevel", account.upgrade),
    _row("GET", "/api_keys", "GetApiKeys", account.api_keys),
    _row("GET", "/account/endpoint_costs", "GetAccountEndpointCosts", account.endpoint_costs),
    _row("GET", "/series", "GetSeriesList", events.list_series),
    _row("GET", "/series/fee_changes", "GetSeriesFeeChanges", fees.series_changes),
    _row("GET", "/series/{series_ticker}", "GetSeries", events.get_series),
    _row("GET", "/events", "GetEvents", events.list_events),
    _row("GET", "/events/fee_changes", "GetEventFeeChanges", fees.event_changes),
    _row("GET", "/events/{event_ticker}", "GetEvent", events.get_event),
    _row("GET", "/markets", "GetMarkets", markets.list_markets),
    _row("GET", "/markets/orderbooks", "GetMarketOrderbooks", markets.orderbooks),
    _row("GET", "/markets/trades", "GetTrades", markets.list_trades),
    _row("GET", "/markets/{ticker}", "GetMarket", markets.get_market),
    _row("GET", "/markets/{ticker}/orderbook", "GetMarketOrderbook", markets.orderbook),
    _row("GET", "/markets/candlesticks", "BatchGetMarketCandlesticks", candles.get_batch),
    _row(
        "GET",
        "/series/{series_ticker}/markets/{ticker}/candlesticks",
        "GetMarketCandlesticks",
        candles.get_candles,
    ),
    _row(
        "GET",
        "/series/{series_ticker}/events/{ticker}/candlesticks",
        "GetMarketCandlesticksByEvent",
        candles.get_of_event,
    ),
    _row("GET", "/incentive_programs", "GetIncentivePrograms", incentives.list_programs),
    _row("GET", "/historical/cutoff", "GetHistoricalCutoff", historical.cutoff),
    _row("GET", "/historical/markets", "GetHistoricalMarkets", historical.list_markets),
    _row("GET", "/historical/markets/{ticker}", "GetHistoricalMarket", historical.get_market),
    _row(
        "GET",
        "/historical/markets/{ticker}/candlesticks",
        "GetMarketCandlesticksHistorical",
        candles.get_archived,
    ),
    _row("GET", "/historical/trades", "GetTradesHistorical", historical.list_trades),
    _row("GET", "/historical/orders", "GetHistoricalOrders", historical.list_orders),
    _row("GET", "/historical/fills", "GetFillsHistorical", historical.list_fills),
    _row("GET", "/historical/positions", "GetHistoricalPositions", historical.list_positions),
    _row("GET", "/portfolio/balance", "GetBalance", portfolio.balance),
    _row("GET", "/portfolio/positions", "GetPositions", portfolio.list_positions),
    _row("GET", "/portfolio/fills", "GetFills", portfolio.list_fills),
    _row("GET", "/portfolio/settlements", "GetSettlements", portfolio.list_settlements),
    _row("GET", "/portfolio/orders", "GetOrders", portfolio.list_orders),
    _row("GET", "/portfolio/orders/queue_positions", "GetOrderQueuePositions", portfolio.queue_positions),
    _row("GET", "/portfolio/orders/{order_id}", "GetOrder", portfolio.get_order),
    _row(
        "GET",
        "/portfolio/orders/{order_id}/queue_position",
        "GetOrderQueuePosition",
        portfolio.queue_position,
    ),
    _row("POST", _V2, "CreateOrderV2", orders.create),
    _row("DELETE", _V2, "CancelAllOrders", orders.cancel_all),
    _row("POST", f"{_V2}/batched", "BatchCreateOrdersV2", orders.create_batch),
    _row("DELETE", f"{_V2}/batched", "BatchCancelOrdersV2", orders.cancel_batch),
    _row("DELETE", f"{_V2}/{{order_id}}", "CancelOrderV2", orders.cancel),
    _row("POST", f"{_V2}/{{order_id}}/amend", "AmendOrderV2", orders.amend),
    _row("POST", f"{_V2}/{{order_id}}/decrease", "DecreaseOrderV2", orders.decrease),
    _row("GET", _GROUPS, "GetOrderGroups", groups.list_groups),
    _row("POST", f"{_GROUPS}/create", "CreateOrderGroup", groups.create),
    _row("GET", f"{_GROUPS}/{{order_group_id}}", "GetOrderGroup", groups.get_group),
    _row("DELETE", f"{_GROUPS}/{{order_group_id}}", "DeleteOrderGroup", groups.delete),
    _row("PUT", f"{_GROUPS}/{{order_group_id}}/reset", "ResetOrderGroup", groups.reset),
    _row("PUT", f"{_GROUPS}/{{order_group_id}}/trigger", "TriggerOrderGroup", groups.trigger),
    _row("PUT", f"{_GROUPS}/{{order_group_id}}/limit", "UpdateOrderGroupLimit", groups.set_limit),
    _row("POST", _BETWEEN_SHARDS, "IntraExchangeInstanceTransfer", shards.transfer),
    _row("GET", f"{_BETWEEN_SHARDS}s", "GetIntraExchangeInstanceTransfers", shards.list_transfers),
    _row(
        "GET",
        f"{_BETWEEN_SHARDS}s/{{transfer_id}}",
        "GetIntraExchangeInstanceTransfer",
        shards.get_transfer,
    ),
    _row("POST", _SUBACCOUNTS, "CreateSubaccount", subaccounts.create),
    _row("POST", f"{_SUBACCOUNTS}/transfer", "ApplySubaccountTransfer", subaccounts.transfer),
    _row("GET", f"{_SUBACCOUNTS}/balances", "GetSubaccountBalances", subaccounts.balances),
    _row("GET", f"{_SUBACCOUNTS}/transfers", "GetSubaccountTransfers", subaccounts.transfers),
    _row("GET", f"{_SUBACCOUNTS}/netting", "GetSubaccountNetting", subaccounts.netting),
    _row("PUT", f"{_SUBACCOUNTS}/netting", "UpdateSubaccountNetting", subaccounts.set_netting),
    _row("POST", _V1, "CreateOrder", orders.deprecated),
    _row("POST", f"{_V1}/batched", "BatchCreateOrders", orders.deprecated),
    _row("DELETE", f"{_V1}/batched", "BatchCancelOrders", orders.deprecated),
    _row("DELETE", f"{_V1}/{{order_id}}", "CancelOrder", orders.deprecated),
    _row("POST", f"{_V1}/{{order_id}}/amend", "AmendOrder", orders.deprecated),
    _row("POST", f"{_V1}/{{order_id}}/decrease", "DecreaseOrder", orders.deprecated),
)

_FIXED = {(one.method, PREFIX + one.pattern): one for one in ROUTES if "{" not in one.pattern}
_VARIABLE = [
    (one, re.compile(PREFIX + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", one.pattern)))
    for one in ROUTES
    if "{" in one.pattern
]


def find(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The route of a full path, with the values of its variable parts; None where there is none."""
    fixed = _FIXED.get((method, path))
    if fixed is not None:
        return fixed, {}
    for route, pattern in _VARIABLE:
        found = pattern.fullmatch(path) if route.method == method else None
        if found is not None:
            return route, found.groupdict()
    return None
