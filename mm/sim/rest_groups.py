"""Handlers for order groups (protocol section 6)."""

from __future__ import annotations

from mm.sim.rest import Context, Json, Request, Response, bad_request, not_found, reply
from mm.sim.rest_numbers import count_text
from mm.sim.rest_order_forms import checked, count_of, read_object
from mm.sim.rest_shards import shard_of_group
from mm.sim.words import COUNT_ONE, Group, VenueError

_LIMIT_FIELDS: dict[str, type] = {"contracts_limit": int, "contracts_limit_fp": str}
_CREATE_FIELDS: dict[str, type] = {**_LIMIT_FIELDS, "subaccount": int, "exchange_index": int}
_MOST_DIGITS = 10**12


def create(context: Context, request: Request) -> Response:
    """POST /portfolio/order_groups/create."""
    form = checked(read_object(request.body), "CreateOrderGroupRequest", _CREATE_FIELDS, ())
    shard = shard_of_group(context, request, form.get("exchange_index"))
    limit = _limit(form)
    group = context.venue.create_group(request.user_id, limit, request.own(form.get("subaccount")), shard)
    names = {"subaccount": group.subaccount, "exchange_index": group.exchange_index}
    return reply(201, {"order_group_id": group.group_id, **names})


def list_groups(context: Context, request: Request) -> Response:
    """GET /portfolio/order_groups, of all subaccounts or one."""
    groups = context.venue.groups_of(request.user_id, request.subaccount_or_all())
    return reply(200, {"order_groups": [{"id": one.group_id, **_group_body(one)} for one in groups]})


def get_group(context: Context, request: Request) -> Response:
    """GET /portfolio/order_groups/{order_group_id}."""
    group_id = request.parts["order_group_id"]
    group = context.venue.group(request.user_id, group_id, request.subaccount_or_all())
    orders = context.venue.group_orders(request.user_id, group_id)
    return reply(200, {**_group_body(group), "orders": orders})


def reset(context: Context, request: Request) -> Response:
    """PUT /portfolio/order_groups/{order_group_id}/reset."""
    context.venue.reset_group(*_named(context, request))
    return reply(200, {})


def trigger(context: Context, request: Request) -> Response:
    """PUT /portfolio/order_groups/{order_group_id}/trigger."""
    context.venue.trigger_group(*_named(context, request))
    return reply(200, {})


def set_limit(context: Context, request: Request) -> Response:
    """PUT /portfolio/order_groups/{order_group_id}/limit."""
    user_id, group_id, subaccount = _named(context, request)
    form = checked(read_object(request.body), "UpdateOrderGroupLimitRequest", _LIMIT_FIELDS, ())
    context.venue.set_group_limit(user_id, group_id, _limit(form), subaccount)
    return reply(200, {})


def delete(context: Context, request: Request) -> Response:
    """DELETE /portfolio/order_groups/{order_group_id}."""
    context.venue.delete_group(*_named(context, request))
    return reply(200, {})


def _named(context: Context, request: Request) -> tuple[str, str, int]:
    """Whose group, which, and of which subaccount (the primary one where none is named). Raises VenueError
    (404) for one that is not on the shard (the first where none is named)."""
    shard = shard_of_group(context, request, request.query.integer("exchange_index"))
    user_id, group_id, subaccount = request.user_id, request.parts["order_group_id"], request.subaccount()
    if context.venue.group(user_id, group_id, subaccount).exchange_index != shard:
        raise not_found()
    return user_id, group_id, subaccount


def _limit(form: Json) -> int:
    """The limit as a count, given as a number of contracts, as text, or as both where they agree. Raises
    Refused or VenueError (400)."""
    limits: set[int] = set()
    if "contracts_limit" in form:
        limits.add(min(form["contracts_limit"], _MOST_DIGITS) * COUNT_ONE)
    if "contracts_limit_fp" in form:
        limits.add(count_of(form["contracts_limit_fp"]))
    if len(limits) > 1:
        raise VenueError(400, "bad_request", details="contracts_limit and contracts_limit_fp differ")
    if not limits:
        raise bad_request("contracts_limit or contracts_limit_fp is required")
    return limits.pop()


def _group_body(group: Group) -> Json:
    """``is_auto_cancel_enabled`` is not explained in the documents; here it is true until the group has been
    triggered."""
    return {
        "contracts_limit_fp": count_text(group.limit),
        "is_auto_cancel_enabled": not group.is_triggered,
        "exchange_index": group.exchange_index,
    }
