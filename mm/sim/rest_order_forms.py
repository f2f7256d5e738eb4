"""Reads the JSON bodies of order requests, and refuses what the exchange's own decoder refuses.

The exchange decodes into typed structs: an unknown key is ignored, a null leaves the zero value, and a JSON
number where a string belongs is a 400 that names the field (protocol section 3).
"""

from __future__ import annotations

from collections.abc import Callable
from sys import intern
from typing import Any, cast

import msgspec

from mm.sim.rest import Json, bad_request
from mm.sim.rest_numbers import LAST_SECOND, parse_count, parse_price
from mm.sim.words import OrderRequest, VenueError

_KINDS: dict[type, str] = {
    str: "string",
    bool: "bool",
    int: "number",
    float: "number",
    list: "array",
    dict: "object",
}
_GO_TYPES: dict[type, str] = {str: "string", bool: "bool", int: "int64", list: "[]interface {}"}

SUBACCOUNT_FIELDS: dict[str, type] = {"subaccount": int, "exchange_index": int}
CREATE_FIELDS: dict[str, type] = {
    "ticker": str,
    "client_order_id": str,
    "side": str,
    "count": str,
    "price": str,
    "expiration_time": int,
    "time_in_force": str,
    "post_only": bool,
    "self_trade_prevention_type": str,
    "cancel_order_on_pause": bool,
    "reduce_only": bool,
    "order_group_id": str,
    **SUBACCOUNT_FIELDS,
}
AMEND_FIELDS: dict[str, type] = {
    "ticker": str,
    "side": str,
    "price": str,
    "count": str,
    "client_order_id": str,
    "updated_client_order_id": str,
    "expiration_time": int,
    "exchange_index": int,
}
DECREASE_FIELDS: dict[str, type] = {
    "reduce_by": str,
    "reduce_to": str,
    "market_ticker": str,
    "exchange_index": int,
}
CANCEL_FIELDS: dict[str, type] = {"order_id": str, "market_ticker": str, **SUBACCOUNT_FIELDS}

_CHOICES: dict[str, tuple[str, ...]] = {
    "side": ("bid", "ask"),
    "time_in_force": ("fill_or_kill", "good_till_canceled", "immediate_or_cancel"),
    "self_trade_prevention_type": ("taker_at_cross", "maker"),
}


def read_object(body: bytes) -> Json:
    """The JSON object in ``body``. Raises Refused (400, flat) for anything else."""
    if not body.strip():
        raise bad_request("EOF")
    try:
        value: Any = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise bad_request(f"json: {error}") from None
    if not isinstance(value, dict):
        raise bad_request(f"json: cannot unmarshal {_kind(value)} into Go value of type object")
    return value


def read_list(body: bytes, name: str) -> list[Any]:
    """The list under ``name``, as batches carry it. Raises Refused (400, flat) where there is none."""
    value = read_object(body).get(name)
    if not isinstance(value, list):
        raise bad_request(f"json: cannot unmarshal {_kind(value)} into field {name} of type []object")
    return value


def checked(value: Any, struct: str, fields: dict[str, type], required: tuple[str, ...]) -> Json:
    """The known, non-null fields of a decoded object, each of its type.

    Raises Refused (400, flat) that names the ``struct`` and field which does not fit or is missing.
    """
    if not isinstance(value, dict):
        raise bad_request(f"json: cannot unmarshal {_kind(value)} into Go value of type {struct}")
    known = {name: value[name] for name in fields if value.get(name) is not None}
    for name, item in known.items():
        if type(item) is not fields[name]:
            go_type = _GO_TYPES[fields[name]]
            raise bad_request(
                f"json: cannot unmarshal {_kind(item)} into Go struct field {struct}.{name} of type {go_type}"
            )
    for name in required:
        if known.get(name) in (None, ""):
            raise _invalid(struct, name, "required")
    for name in known.keys() & _CHOICES.keys():
        if known[name] not in _CHOICES[name]:
            raise _invalid(struct, name, "oneof")
    return known


def create_form(value: Any) -> Json:
    """The fields of a create (protocol section 5.1). Raises Refused (400)."""
    required = ("ticker", "side", "count", "price", "time_in_force", "self_trade_prevention_type")
    return checked(value, "CreateOrderV2Request", CREATE_FIELDS, required)


def order_request(form: Json, own: Callable[[int | None], int]) -> OrderRequest:
    """What such fields ask for; ``own`` settles the subaccount. Raises Refused (400) or VenueError as
    the exchange words it."""
    for name in ("ticker", *_CHOICES):  # kept with every order: one text for all of them
        form[name] = intern(form[name])
    return OrderRequest(
        ticker=form["ticker"],
        side=form["side"],
        count=count_of(form["count"]),
        price=price_of(form["price"]),
        time_in_force=form["time_in_force"],
        self_trade=form["self_trade_prevention_type"],
        client_order_id=form.get("client_order_id", ""),
        expiration_s=expiration_of(form) or 0,
        post_only=form.get("post_only", False),
        reduce_only=form.get("reduce_only", False),
        cancel_on_pause=form.get("cancel_order_on_pause", False),
        order_group_id=form.get("order_group_id", ""),
        subaccount=own(form.get("subaccount")),
    )


def price_of(text: str) -> int:
    """A price. Raises VenueError (400 invalid_price) where the text has not 0 or 2-4 decimals."""
    price = parse_price(text)
    if price is None:
        raise VenueError(400, "invalid_price")
    return price


def count_of(text: str) -> int:
    """A count. Raises VenueError (400 invalid_order_size) where the text has not 0-2 decimals."""
    count = parse_count(text)
    if count is None:
        raise VenueError(400, "invalid_order_size")
    return count


def expiration_of(form: Json) -> int | None:
    """Unix seconds, 0 for none, None where absent. Raises Refused (400, flat) beyond the year 9999."""
    seconds: int | None = form.get("expiration_time")
    if seconds is not None and seconds > LAST_SECOND:
        raise bad_request(f"expiration_time {seconds} is out of range (seconds are expected)")
    return seconds


def _kind(value: Any) -> str:
    return _KINDS.get(cast(type, type(value)), "null")


def _invalid(struct: str, name: str, rule: str) -> Exception:
    camel = "".join(part.title() for part in name.split("_"))
    return bad_request(
        f"Key: '{struct}.{camel}' Error:Field validation for '{camel}' failed on the '{rule}' tag"
    )
