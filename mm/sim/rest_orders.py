"""Handlers for the V2 order writes (protocol section 5), and the 410 of the ones they replaced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mm.sim.rest import Context, Json, Refused, Request, Response, error_body, reply
from mm.sim.rest_numbers import MILLISECOND, count_text, price_text
from mm.sim.rest_order_forms import (
    AMEND_FIELDS,
    CANCEL_FIELDS,
    DECREASE_FIELDS,
    checked,
    count_of,
    create_form,
    expiration_of,
    order_request,
    price_of,
    read_list,
    read_object,
)
from mm.sim.rest_shards import require_order_on_shard, require_shard
from mm.sim.words import Amended, Order, Placed, VenueError


def create(context: Context, request: Request) -> Response:
    """POST /portfolio/events/orders."""
    return reply(201, _create(context, request, read_object(request.body)))


def create_batch(context: Context, request: Request) -> Response:
    """POST /portfolio/events/orders/batched: in order; each of them answers for itself."""
    return reply(201, {"orders": _each(context, request, _create)})


def _create(context: Context, request: Request, value: Any) -> Json:
    form = create_form(value)
    require_shard(context, request, form.get("exchange_index"), form["ticker"])
    placed = context.venue.create(request.user_id, order_request(form, request.own))
    return {
        **_names(placed.order),
        "fill_count": count_text(placed.fill_count),
        "remaining_count": count_text(placed.remaining_count),
        **_averages(placed),
        "ts_ms": request.now // MILLISECOND,
    }


def amend(context: Context, request: Request) -> Response:
    """POST /portfolio/events/orders/{order_id}/amend; counts and averages only if it traded or resized."""
    required = ("ticker", "side", "price", "count")
    form = checked(read_object(request.body), "AmendOrderV2Request", AMEND_FIELDS, required)
    require_shard(context, request, form.get("exchange_index"), form["ticker"])
    amended = context.venue.amend(
        request.user_id,
        request.parts["order_id"],
        ticker=form["ticker"],
        side=form["side"],
        price=price_of(form["price"]),
        count=count_of(form["count"]),
        client_order_id=form.get("client_order_id", ""),
        updated_client_order_id=form.get("updated_client_order_id", ""),
        expiration_s=expiration_of(form),
        subaccount=request.subaccount(),
    )
    return reply(200, {**_names(amended.order), **_effect(amended), "ts_ms": request.now // MILLISECOND})


def _effect(amended: Amended) -> Json:
    if not (amended.fill_count or amended.size_changed):
        return {}
    return {
        "fill_count": count_text(amended.fill_count),
        "remaining_count": count_text(amended.remaining_count),
        **_averages(amended),
    }


def decrease(context: Context, request: Request) -> Response:
    """POST /portfolio/events/orders/{order_id}/decrease."""
    form = checked(read_object(request.body), "DecreaseOrderV2Request", DECREASE_FIELDS, ())
    order_id = request.parts["order_id"]
    require_order_on_shard(
        context, request, order_id, form.get("exchange_index"), form.get("market_ticker", "")
    )
    counts = {name: count_of(form[name]) for name in ("reduce_by", "reduce_to") if name in form}
    order = context.venue.decrease(request.user_id, order_id, **counts, subaccount=request.subaccount())
    return reply(
        200,
        {
            **_names(order),
            "remaining_count": count_text(order.remaining),
            "ts_ms": request.now // MILLISECOND,
        },
    )


def cancel(context: Context, request: Request) -> Response:
    """DELETE /portfolio/events/orders/{order_id}."""
    query = request.query
    form = {
        "order_id": request.parts["order_id"],
        "subaccount": query.integer("subaccount", low=0),
        "exchange_index": query.integer("exchange_index"),
        "market_ticker": query.text("market_ticker"),
    }
    return reply(200, _cancel(context, request, form))


def cancel_batch(context: Context, request: Request) -> Response:
    """DELETE /portfolio/events/orders/batched, with a body; each answers for itself."""
    return reply(200, {"orders": _each(context, request, _cancel_entry)})


def _cancel_entry(context: Context, request: Request, value: Any) -> Json:
    return _cancel(context, request, value)


def _cancel(context: Context, request: Request, value: Any) -> Json:
    form = checked(value, "CancelOrderV2Request", CANCEL_FIELDS, ("order_id",))
    subaccount = request.own(form.get("subaccount"))
    require_order_on_shard(
        context, request, form["order_id"], form.get("exchange_index"), form.get("market_ticker", "")
    )
    order, reduced_by = context.venue.cancel(request.user_id, form["order_id"], subaccount=subaccount)
    return {
        **_names(order),
        "reduced_by": count_text(reduced_by),
        "ts_ms": request.now // MILLISECOND,
    }


def cancel_all(context: Context, request: Request) -> Response:
    """DELETE /portfolio/events/orders: 204 without a body. Of all subaccounts, unless one is named."""
    asked = request.subaccount_or_all()
    everywhere = context.venue.subaccount_balances(request.user_id)
    for subaccount in everywhere if asked is None else (asked,):
        context.venue.cancel_all(request.user_id, subaccount=subaccount)
    return Response(204)


def deprecated(context: Context, request: Request) -> Response:
    """The V1 order writes, switched off in June 2026 (protocol section 4)."""
    raise VenueError(410, "deprecated_v1_order_endpoint", "Please switch to the V2 endpoints")


def batch_size(body: bytes) -> int:
    """How many orders a batch carries, which is what it pays for. Raises Refused (400) where it has none."""
    return len(read_list(body, "orders"))


def _each(context: Context, request: Request, one: Callable[[Context, Request, Any], Json]) -> list[Json]:
    """A key that is locked to a subaccount may not touch another: then the whole batch fails (protocol
    section 2)."""
    entries = read_list(request.body, "orders")
    for value in entries:
        asked = value.get("subaccount") if isinstance(value, dict) else None
        request.own(asked if type(asked) is int else None)
    return [_entry(context, request, one, value) for value in entries]


def _entry(
    context: Context, request: Request, one: Callable[[Context, Request, Any], Json], value: Any
) -> Json:
    """One entry of a batch; a refused one carries its error. A cancel that failed also says which order, and
    that 0.00 were taken off."""
    try:
        return one(context, request, value)
    except VenueError as error:
        failed: Json = {"error": error_body(error)}
    except Refused as refused:
        failed = {"error": refused.body}
    if one is _cancel_entry:
        order_id = value.get("order_id") if isinstance(value, dict) else None
        failed = {"order_id": str(order_id or ""), "reduced_by": "0.00", **failed}
    return failed


def _names(order: Order) -> Json:
    named = order.request.client_order_id
    return {"order_id": order.order_id, **({"client_order_id": named} if named else {})}


def _averages(placed: Placed) -> Json:
    if placed.average_price is None or placed.average_fee is None:
        return {}
    return {
        "average_fill_price": price_text(placed.average_price),
        "average_fee_paid": price_text(placed.average_fee),
    }
