"""Pages of a long list: ``limit`` and ``cursor`` (protocol section 7).

A cursor names the last item of its page, not a place in the list: items that arrive at the front of a
newest-first list while a client turns the pages are then neither repeated nor skipped.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import TypeVar

from mm.sim.rest import Query

T = TypeVar("T")

DEFAULT_LIMIT = 100


def page(
    items: Sequence[T],
    key: Callable[[T], str],
    query: Query,
    *,
    default: int = DEFAULT_LIMIT,
    most: int = 1000,
) -> tuple[Sequence[T], str]:
    """The page of ``items`` that ``query`` asks for, and the cursor of the next: ``""`` on the last page.

    ``key`` must be unique. A cursor that is none of ours is a first page; a limit of 0 is the default.
    Raises Refused (400) where the limit is above ``most``: it is never clamped.
    """
    limit = query.integer("limit", low=0, high=most) or default
    start = _start(items, key, _decoded(query.text("cursor")))
    chosen = items[start : start + limit]
    more = start + limit < len(items)
    return chosen, _encoded(key(chosen[-1])) if more else ""


def _start(items: Sequence[T], key: Callable[[T], str], last: str | None) -> int:
    if last is None:
        return 0
    return next((index + 1 for index, item in enumerate(items) if key(item) == last), 0)


def _encoded(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def _decoded(cursor: str) -> str | None:
    try:
        return base64.urlsafe_b64decode(cursor.encode()).decode() if cursor else None
    except (binascii.Error, UnicodeError):
        return None
