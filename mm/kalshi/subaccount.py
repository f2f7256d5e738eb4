"""Which subaccount we trade in. Orders, positions and the balance are the primary one's unless a request
names another, but lists of orders and fills, and cancel-all, mean all subaccounts unless told.

Sources: the parameter `subaccount` of each path in openapi.yaml; protocol section 2 (keys locked to one).
"""

from __future__ import annotations

from typing import Final

import msgspec

from mm.kalshi.account_rows import PositionsPage
from mm.kalshi.calls import ORDERS
from mm.kalshi.conversation import Conversation, HttpRequest, ReadError, get

PRIMARY: Final = 0
_MEANS_ALL: Final = frozenset({("GET", "/portfolio/orders"), ("GET", "/portfolio/fills"), ("DELETE", ORDERS)})
_positions = msgspec.json.Decoder(PositionsPage).decode


def read_subaccount() -> Conversation[int | None]:
    """`PRIMARY`, or ``None`` for a key that is locked to another: it means its own, whatever it asks.

    :raises ReadError: if neither is known.
    """
    try:
        yield from get("/portfolio/positions", _positions, {"limit": 1, "subaccount": PRIMARY})
    except ReadError as error:
        if error.status == 403 and error.code != "http_403":
            return None
        raise
    return PRIMARY


def within(request: HttpRequest, subaccount: int | None) -> HttpRequest:
    """The same request, about this subaccount alone; ``None``: as it is."""
    if subaccount is None or (request.method, request.path) not in _MEANS_ALL:
        return request
    named = f"subaccount={subaccount}"
    return msgspec.structs.replace(request, query=f"{request.query}&{named}" if request.query else named)
