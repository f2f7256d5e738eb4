"""Which subaccount we trade in. Orders, positions and the balance are the primary one's unless a request
names another, but lists of orders and fills, and cancel-all, mean all subaccounts unless told.

Sources: the parameter `subaccount` of each path in openapi.yaml; protocol section 2 (keys locked to one).
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from mm.kalshi.account_rows import PositionsPage
from mm.kalshi.calls import ORDERS
from mm.kalshi.conversation import Conversation, HttpRequest, decoded

PRIMARY: Final = 0
_MEANS_ALL: Final = frozenset({("GET", "/portfolio/orders"), ("GET", "/portfolio/fills"), ("DELETE", ORDERS)})
# "this API key is restricted to a single sub-account and cannot access this endpoint" (protocol section 2)
_LOCKED: Final = re.compile(rb"\bsingle sub-?account\b", re.IGNORECASE)
_positions = msgspec.json.Decoder(PositionsPage).decode


def read_subaccount() -> Conversation[int | None]:
    """`PRIMARY`, or ``None`` for a key that is locked to another: it means its own, whatever it asks. Such a
    key is known by the words of its refusal, in whatever shape (protocol section 5.7: no codes are known).

    :raises ReadError: if neither is known.
    """
    response = yield HttpRequest("GET", "/portfolio/positions", f"limit=1&subaccount={PRIMARY}")
    if response.status == 403 and _LOCKED.search(response.body):
        return None
    decoded(response, _positions)
    return PRIMARY


def within(request: HttpRequest, subaccount: int | None) -> HttpRequest:
    """The same request, about this subaccount alone; ``None``: as it is."""
    if subaccount is None or (request.method, request.path) not in _MEANS_ALL:
        return request
    named = f"subaccount={subaccount}"
    return msgspec.structs.replace(request, query=f"{request.query}&{named}" if request.query else named)
