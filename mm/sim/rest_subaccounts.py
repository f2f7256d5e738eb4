"""Handlers for subaccounts (protocol section 7): open one, move cash between them, read their balances."""

from __future__ import annotations

import re
from operator import attrgetter

from mm.sim.rest import Context, Request, Response, bad_request, reply
from mm.sim.rest_numbers import SECOND, money_text_4
from mm.sim.rest_order_forms import checked, read_object
from mm.sim.rest_pages import page
from mm.sim.words import VenueError

MONEY_CENT = 10_000
_TRANSFER_FIELDS: dict[str, type] = {
    "client_transfer_id": str,
    "from_subaccount": int,
    "to_subaccount": int,
    "amount_cents": int,
    "exchange_index": int,
}
_NETTING_FIELDS: dict[str, type] = {"subaccount_number": int, "enabled": bool}
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def create(context: Context, request: Request) -> Response:
    """POST /portfolio/subaccounts. By document for tiers above Basic only; here for all."""
    request.rights.require_whole()
    form = read_object(request.body) if request.body.strip() else {}
    checked(form, "CreateSubaccountRequest", {"exchange_index": int}, ())
    return reply(201, {"subaccount_number": context.venue.create_subaccount(request.user_id)})


def transfer(context: Context, request: Request) -> Response:
    """POST /portfolio/subaccounts/transfer."""
    request.rights.require_whole()
    required = ("client_transfer_id", "from_subaccount", "to_subaccount", "amount_cents")
    form = checked(read_object(request.body), "ApplySubaccountTransferRequest", _TRANSFER_FIELDS, required)
    if form.get("exchange_index", 0) not in context.venue.shards:
        raise VenueError(404, "user_not_found")
    if not _UUID.fullmatch(form["client_transfer_id"]):
        raise bad_request("client_transfer_id is not a UUID")
    context.venue.transfer(
        request.user_id,
        form["client_transfer_id"],
        form["from_subaccount"],
        form["to_subaccount"],
        form["amount_cents"] * MONEY_CENT,
        form.get("exchange_index", 0),
    )
    return reply(200, {})


def balances(context: Context, request: Request) -> Response:
    """GET /portfolio/subaccounts/balances; of a locked key, its own only."""
    portfolio = context.reads.portfolio(request.now, request.user_id)
    locked = request.rights.subaccount
    numbers = [
        number for number in context.venue.subaccount_balances(request.user_id) if locked in (None, number)
    ]
    rows = [
        {
            "subaccount_number": number,
            "exchange_index": shard,
            "balance": money_text_4(cash),
            "updated_ts": portfolio.purse(number).updated_ns // SECOND,
        }
        for number in numbers
        for shard, cash in portfolio.purse(number).funds.items()
    ]
    return reply(200, {"subaccount_balances": rows})


def transfers(context: Context, request: Request) -> Response:
    """GET /portfolio/subaccounts/transfers, newest first."""
    request.rights.require_whole()
    done = context.venue.transfers_of(request.user_id)[::-1]
    shown, cursor = page(done, attrgetter("transfer_id"), request.query)
    rows = [
        {
            "transfer_id": one.transfer_id,
            "from_subaccount": one.from_subaccount,
            "to_subaccount": one.to_subaccount,
            "amount_cents": one.amount // MONEY_CENT,
            "created_ts": one.created_ns // SECOND,
            "exchange_index": one.exchange_index,
        }
        for one in shown
    ]
    return reply(200, {"transfers": rows, "cursor": cursor})


def netting(context: Context, request: Request) -> Response:
    """GET /portfolio/subaccounts/netting: nowhere on, it is not simulated."""
    request.rights.require_whole()
    numbers = context.venue.subaccount_balances(request.user_id)
    rows = [{"subaccount_number": one, "enabled": False, "exchange_index": 0} for one in numbers]
    return reply(200, {"netting_configs": rows})


def set_netting(context: Context, request: Request) -> Response:
    """PUT /portfolio/subaccounts/netting: may be switched off, which it is. On is refused (400)."""
    request.rights.require_whole()
    required = ("subaccount_number", "enabled")
    form = checked(read_object(request.body), "UpdateSubaccountNettingRequest", _NETTING_FIELDS, required)
    if form["subaccount_number"] not in context.venue.subaccount_balances(request.user_id):
        raise VenueError(400, "bad_request", details="no such subaccount")
    if form["enabled"]:
        raise VenueError(400, "bad_request", details="event netting is not simulated")
    return Response(200)
