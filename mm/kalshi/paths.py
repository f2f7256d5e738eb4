"""The path of each kind of request, as people know it from the exchange's documents (protocol section 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mm.core.events import RequestKind
from mm.kalshi.calls import ORDERS

ENDPOINTS: Final[Mapping[RequestKind, str]] = {
    RequestKind.PLACE: ORDERS,
    RequestKind.AMEND: f"{ORDERS}/{{order_id}}/amend",
    RequestKind.CANCEL: f"{ORDERS}/{{order_id}}",
    RequestKind.CANCEL_ALL: ORDERS,
    RequestKind.QUERY_ORDER: "/portfolio/orders",
    RequestKind.QUERY_ACCOUNT: "/portfolio",
}
