"""The closed sets of words in which events speak: states, kinds of requests, what an operator may order."""

from __future__ import annotations

from enum import Enum
from typing import Final

# The code of the refusal of an order that would have taken.
POST_ONLY_CROSS: Final = "post_only_cross"


class MarketState(Enum):
    """The exchange's life cycle, as far as a quoter must tell the states apart (protocol section 8.1)."""

    UNOPENED = "unopened"
    ACTIVE = "active"
    PAUSED = "paused"
    CLOSED = "closed"
    DETERMINED = "determined"
    SETTLED = "settled"


class RequestKind(Enum):
    PLACE = "place"
    AMEND = "amend"
    CANCEL = "cancel"
    CANCEL_ALL = "cancel_all"
    QUERY_ORDER = "query_order"
    QUERY_ACCOUNT = "query_account"


class OrderStatus(Enum):
    RESTING = "resting"
    EXECUTED = "executed"
    CANCELED = "canceled"
    ABSENT = "absent"


class CommandKind(Enum):
    """``KILL`` and ``REVIVE``: the kill switch, beside any other trip. ``STORAGE_LOST`` and ``STORAGE_BACK``
    come from the driver: nothing can be written down, so nothing may be opened."""

    PAUSE = "pause"
    RESUME = "resume"
    HALT = "halt"
    RESET = "reset"
    FLATTEN = "flatten"
    SHUTDOWN = "shutdown"
    KILL = "kill"
    REVIVE = "revive"
    STORAGE_LOST = "storage_lost"
    STORAGE_BACK = "storage_back"
