"""Handlers about the exchange and the account itself: status, read freshness, limits, endpoint costs."""

from __future__ import annotations

from mm.sim.buckets import DEFAULT_COST, Limit
from mm.sim.pauses import window_after
from mm.sim.rest import PREFIX, Context, Json, Request, Response, reply
from mm.sim.rest_numbers import LAST_SECOND, SECOND, time_text
from mm.sim.words import VenueError

# The endpoints whose cost is not the default one (protocol section 13); a batch pays for each of its orders.
COSTS: dict[tuple[str, str], int] = {
    ("DELETE", "/portfolio/events/orders"): 2,
    ("DELETE", "/portfolio/events/orders/{order_id}"): 2,
    ("DELETE", "/portfolio/events/orders/batched"): 2,
    ("GET", "/portfolio/orders/{order_id}"): 2,
    ("POST", "/account/api_usage_level/upgrade"): 30,
}


def status(context: Context, request: Request) -> Response:
    """GET /exchange/status."""
    venue = context.venue
    state: Json = {
        "exchange_active": venue.exchange_active,
        "trading_active": venue.trading_active,
        "intra_exchange_transfers_active": venue.exchange_active and len(venue.shards) > 1,
    }
    shards = [
        {"exchange_index": index, "description": description, **state}
        for index, description in venue.shards.items()
    ]
    if venue.estimated_resume_ns is not None:
        state["exchange_estimated_resume_time"] = time_text(venue.estimated_resume_ns)
    return reply(200, {**state, "exchange_index_statuses": shards})


_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MIDNIGHT = "00:00"  # at both ends of a day: how the exchange writes the end of one is not documented
_ALL_DAY = [{"open_time": _MIDNIGHT, "close_time": _MIDNIGHT}]
_AROUND_THE_PAUSE = [
    {"open_time": _MIDNIGHT, "close_time": "03:00"},
    {"open_time": "05:00", "close_time": _MIDNIGHT},
]


def schedule(context: Context, request: Request) -> Response:
    """GET /exchange/schedule: open round the clock, but for the weekly pause where it is switched on."""
    week: Json = {
        "start_time": time_text(0),
        "end_time": time_text(LAST_SECOND * SECOND),
        **dict.fromkeys(_DAYS, _ALL_DAY),
    }
    windows: list[Json] = []
    if context.venue.switches.weekly_pause:
        week["thursday"] = _AROUND_THE_PAUSE
        window = window_after(request.now)
        windows.append({"start_datetime": time_text(window.begin), "end_datetime": time_text(window.end)})
    return reply(200, {"schedule": {"standard_hours": [week], "maintenance_windows": windows}})


def user_data_timestamp(context: Context, request: Request) -> Response:
    """GET /exchange/user_data_timestamp: up to when balance, orders, fills and positions are current."""
    context.reads.catch_up(request.now)
    return reply(200, {"as_of_time": time_text(context.reads.as_of)})


def limits(context: Context, request: Request) -> Response:
    """GET /account/limits. (Who the source of a grant is that one asked for oneself is not documented.)"""
    tier = context.usage.tier_of(request.user_id)
    grant = {"exchange_instance": "event_contract", "level": "advanced", "source": "manual"}
    return reply(
        200,
        {
            "usage_tier": tier.name,
            "read": _bucket(tier.read),
            "write": _bucket(tier.write),
            "grants": [grant] if context.usage.is_granted(request.user_id) else [],
        },
    )


def upgrade(context: Context, request: Request) -> Response:
    """POST /account/api_usage_level/upgrade: Advanced for good, for who has placed an order. All orders here
    come by API, so the last hundred need no look. Raises VenueError (403) for who has not."""
    if not context.venue.orders_of(request.user_id):
        raise VenueError(403, "forbidden", details="none of your last 100 orders was created via API")
    context.usage.grant_advanced(request.user_id)
    return Response(201)


def api_keys(context: Context, request: Request) -> Response:
    """GET /api_keys, with when the member's location attestation lapses, unless there is none."""
    request.rights.require_whole()
    lapses = context.venue.region_expires_ns
    expiry = {} if lapses is None else {"api_key_region_expiration_ts": lapses // SECOND}
    return reply(200, {"api_keys": context.keys_of(request.user_id), **expiry})


def _bucket(limit: Limit) -> Json:
    return {"refill_rate": limit.rate, "bucket_capacity": limit.capacity}


def endpoint_costs(context: Context, request: Request) -> Response:
    """GET /account/endpoint_costs."""
    costs = [
        {"method": method, "path": PREFIX + path, "cost": cost} for (method, path), cost in COSTS.items()
    ]
    return reply(200, {"default_cost": DEFAULT_COST, "endpoint_costs": costs})
