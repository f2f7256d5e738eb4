"""Which shard a request is for, which write budgets it draws on, and money that moves between shards
(protocol sections 5.3, 9 and 13)."""

from __future__ import annotations

import re
from operator import attrgetter
from typing import TYPE_CHECKING

import msgspec

from mm.sim.rest import Context, Json, Request, Response, bad_request, not_found, reply
from mm.sim.rest_numbers import SECOND, money_text
from mm.sim.rest_order_forms import checked, read_object
from mm.sim.rest_pages import page
from mm.sim.shards import ShardTransfer
from mm.sim.venue import Venue
from mm.sim.words import VenueError

if TYPE_CHECKING:
    from mm.sim.rest_routes import Route

AUTO = -1
_CENTICENT = 100  # money
_MOST_TRANSFERS = 500
_INSTANCES = ("event_contract", "margined")
_TRANSFER_FIELDS: dict[str, type] = {
    "client_transfer_id": str,
    "source": str,
    "destination": str,
    "amount": int,
    "source_exchange_shard": int,
    "destination_exchange_shard": int,
    "source_subaccount": int,
    "destination_subaccount": int,
}
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


# -- which shard --------------------------------------------------------------------------------------------
def require_shard(context: Context, request: Request, asked: int | None, ticker: str) -> None:
    """A create or amend may name the shard; else it finds it by its market. Raises VenueError (404) where the
    market is on another, or the member has no funds on the one that is named."""
    market = context.venue.markets.get(ticker)
    if asked in (None, AUTO) or market is None:
        return
    _require_funded(context, request, asked or 0)
    if asked != market.exchange_index:
        raise VenueError(404, "market_not_found")


def require_order_on_shard(
    context: Context, request: Request, order_id: str, asked: int | None, ticker: str
) -> None:
    """A cancel or decrease names the shard, or the market that it is found by; else it means the first one.
    Raises Refused (400) where it is to be found by a market that is not named, VenueError (404) where the
    order is not there."""
    if asked == AUTO and not ticker:
        raise bad_request("market_ticker is required for auto-routing")
    if ticker and asked in (None, AUTO):
        market = context.venue.markets.get(ticker)
        if market is None:
            raise VenueError(404, "market_not_found")
        asked = market.exchange_index
    _require_funded(context, request, asked or 0)
    order = context.venue.orders.get(order_id)
    if order is not None and order.exchange_index != (asked or 0):
        raise not_found()


def shard_of_group(context: Context, request: Request, asked: int | None) -> int:
    """Order groups are never found by a market: the first shard where none is named."""
    _require_funded(context, request, asked or 0)
    return asked or 0


def _require_funded(context: Context, request: Request, shard: int) -> None:
    venue, user_id = context.venue, request.user_id
    numbers = venue.subaccount_balances(user_id)
    if shard and not any(venue.is_funded(user_id, number, shard) for number in numbers):
        raise VenueError(404, "user_not_found")


# -- what it costs ------------------------------------------------------------------------------------------
def budgets_of(venue: Venue, route: Route, request: Request) -> list[str]:
    """The token buckets that a request draws on. A single write that names its shard draws on that one's, and
    one that is to be found by its market on those of all; everything else on the first one's."""
    if route.budget != "write" or route.is_batch or len(venue.shards) == 1 or not route.is_routed:
        return [route.budget]
    body = _members(request.body)
    asked = body.get("exchange_index", request.query.text("exchange_index"))
    shard = int(asked) if str(asked).removeprefix("-").isdecimal() else AUTO
    names_market = "ticker" in body or "market_ticker" in body or request.query.text("market_ticker")
    if shard == AUTO and names_market:
        return [_budget(one) for one in venue.shards]
    return [_budget(shard if shard in venue.shards else 0)]


def _budget(shard: int) -> str:
    return f"write {shard}" if shard else "write"


def _members(body: bytes) -> Json:
    """What a body says; nothing, where it cannot be read: the handler will complain of that."""
    try:
        value = msgspec.json.decode(body) if body.strip() else {}
    except msgspec.DecodeError:
        return {}
    return value if isinstance(value, dict) else {}


# -- money --------------------------------------------------------------------------------------------------
def transfer(context: Context, request: Request) -> Response:
    """POST /portfolio/intra_exchange_instance_transfer. On one shard it is one between subaccounts."""
    required = ("source", "destination", "amount")
    body = read_object(request.body)
    form = checked(body, "IntraExchangeInstanceTransferRequest", _TRANSFER_FIELDS, required)
    for side in ("source", "destination"):
        if form[side] not in _INSTANCES:
            raise bad_request(f"{side} is none of {', '.join(_INSTANCES)}")
        if form[side] != _INSTANCES[0]:
            raise VenueError(400, "bad_request", details="there is no margined instance here")
    here, there = (form.get(f"{side}_exchange_shard", 0) for side in ("source", "destination"))
    giver, taker = (request.own(form.get(f"{side}_subaccount")) for side in ("source", "destination"))
    amount, user_id, venue = form["amount"] * _CENTICENT, request.user_id, context.venue
    client_id = _client_id(form, is_primary=not giver and not taker)
    if here == there:
        moved = venue.transfer(user_id, venue.new_id(), giver, taker, amount, here)
        return reply(200, {"transfer_id": moved.transfer_id})
    done = venue.transfer_between_shards(
        user_id, amount, here, there, client_id=client_id, from_subaccount=giver, to_subaccount=taker
    )
    return reply(200, {"transfer_id": done.transfer_id})


def _client_id(form: Json, *, is_primary: bool) -> str:
    """The client's own id of a transfer, empty without one. Raises Refused (400)."""
    client_id: str = form.get("client_transfer_id", "")
    if client_id and not (is_primary and _UUID.fullmatch(client_id)):
        raise bad_request("client_transfer_id is a UUID, and for the primary account only")
    return client_id


def list_transfers(context: Context, request: Request) -> Response:
    """GET /portfolio/intra_exchange_instance_transfers, newest first; no cursor on the last page."""
    request.rights.require_whole()
    done = context.venue.shard_transfers_of(request.user_id)[::-1]
    shown, cursor = page(done, attrgetter("transfer_id"), request.query, most=_MOST_TRANSFERS)
    rows = [transfer_body(one) for one in shown]
    return reply(200, {"transfers": rows, **({"cursor": cursor} if cursor else {})})


def get_transfer(context: Context, request: Request) -> Response:
    """GET /portfolio/intra_exchange_instance_transfers/{transfer_id}."""
    request.rights.require_whole()
    for one in context.venue.shard_transfers_of(request.user_id):
        if one.transfer_id == request.parts["transfer_id"]:
            return reply(200, {"transfer": transfer_body(one)})
    raise not_found()


def transfer_body(done: ShardTransfer) -> Json:
    named = {"client_transfer_id": done.client_id} if done.client_id else {}
    return {
        "transfer_id": done.transfer_id,
        **named,
        "source": _INSTANCES[0],
        "destination": _INSTANCES[0],
        "source_exchange_shard": done.from_shard,
        "destination_exchange_shard": done.to_shard,
        "amount": money_text(done.amount),
        "status": "complete",
        "created_ts": done.created_ns // SECOND,
    }
