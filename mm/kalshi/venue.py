"""What holds for the exchange and the account as a whole: open or paused, and how much may be sent.

Sources: protocol sections 8 (exchange status) and 13 (limits and costs).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from mm.kalshi.conversation import Conversation, Cost, HttpRequest, HttpResponse, ReadError, decoded, get
from mm.kalshi.limiter import DEFAULT_COSTS, Bucket


class ShardStatus(msgspec.Struct, frozen=True):
    """Of one of the exchange's parts; all markets of an event are on one (protocol section 9)."""

    exchange_active: bool
    trading_active: bool


class ExchangeStatus(msgspec.Struct, frozen=True):
    """``trading_active`` false: no new orders; ``exchange_active`` false: not even cancels. The fields of the
    whole are those of its first part; a rest of any part is taken for one of all."""

    exchange_active: bool
    trading_active: bool
    exchange_estimated_resume_time: str | None = None
    exchange_index_statuses: list[ShardStatus] | None = None

    @property
    def parts(self) -> list[ExchangeStatus | ShardStatus]:
        return [self, *(self.exchange_index_statuses or ())]


class BucketLimit(msgspec.Struct, frozen=True):
    refill_rate: int
    bucket_capacity: int


class AccountLimits(msgspec.Struct, frozen=True):
    usage_tier: str
    read: BucketLimit
    write: BucketLimit


class Allowance(msgspec.Struct, frozen=True):
    """How much may be sent, and what each kind of request counts."""

    limits: AccountLimits
    costs: Mapping[Cost, int]


class _EndpointCost(msgspec.Struct):
    method: str
    path: str
    cost: int


class _EndpointCosts(msgspec.Struct):
    default_cost: int
    endpoint_costs: list[_EndpointCost] | None


# The routes of our requests. A parameter's name in the exchange's table is not settled: `{}` is any.
_ROUTES: Final = {
    Cost.CREATE: ("POST", "/portfolio/events/orders"),
    Cost.AMEND: ("POST", "/portfolio/events/orders/{}/amend"),
    Cost.CANCEL: ("DELETE", "/portfolio/events/orders/{}"),
    Cost.CANCEL_ALL: ("DELETE", "/portfolio/events/orders"),
    Cost.READ_ORDER: ("GET", "/portfolio/orders/{}"),
}
_status = msgspec.json.Decoder(ExchangeStatus).decode
_limits = msgspec.json.Decoder(AccountLimits).decode
_costs = msgspec.json.Decoder(_EndpointCosts).decode


def read_exchange_status() -> Conversation[ExchangeStatus]:
    """Whether the exchange, and trading on it, is open. It says so even with a 5xx (protocol section 8).

    :raises ReadError: if it says neither.
    """
    response: HttpResponse = yield HttpRequest("GET", "/exchange/status")
    if response.status in (500, 503, 504):
        response = msgspec.structs.replace(response, status=200)
    return decoded(response, _status)


def read_limits() -> Conversation[AccountLimits]:
    """:raises ReadError: if they cannot be read, or are not positive."""
    response, limits = yield from get("/account/limits", _limits)
    for limit in (limits.read, limits.write):
        if limit.refill_rate <= 0 or limit.bucket_capacity <= 0:
            raise ReadError(response, "unreadable", "a limit that is not positive")
    return limits


def read_costs() -> Conversation[Mapping[Cost, int]]:
    """The tokens of each kind of request of ours; never less than 1.

    :raises ReadError: if they cannot be read.
    """
    _, table = yield from get("/account/endpoint_costs", _costs)
    listed = {(row.method.upper(), _route(row.path)): row.cost for row in table.endpoint_costs or ()}
    costs = {kind: listed.get(route, table.default_cost) for kind, route in _ROUTES.items()}
    costs[Cost.READ] = table.default_cost
    return {kind: cost if cost > 0 else DEFAULT_COSTS[kind] for kind, cost in costs.items()}


def read_allowance() -> Conversation[Allowance]:
    """Limits and costs together.

    :raises ReadError: if either cannot be read.
    """
    limits = yield from read_limits()
    costs = yield from read_costs()
    return Allowance(limits, costs)


def _route(path: str) -> str:
    """The path below the base, with `{}` for its parameters, however they are written."""
    below = path.removeprefix("/trade-api/v2").rstrip("/")
    return "/".join("{}" if part[:1] in ("{", ":") else part for part in below.split("/"))


def bucket(limit: BucketLimit) -> Bucket:
    """Our own bucket for one of the exchange's."""
    return Bucket(limit.refill_rate, limit.bucket_capacity)
