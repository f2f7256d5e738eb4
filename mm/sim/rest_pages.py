"""Pages of a long list: ``limit`` and ``cursor`` (protocol section 7).

A cursor names the last item of its page, not a place in the list: items that arrive at the front of a
newest-first list while a client turns the pages are then neither repeated nor skipped. It is looked for among
all items, not only among those that the client asks for: one that meanwhile is no longer among them (an order
that has ended, a market that has closed) still marks its place.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from itertools import islice
from typing import TypeVar

from mm.sim.rest import Query

T = TypeVar("T")

DEFAULT_LIMIT = 100
_OURS = "after "


def page(
    items: Iterable[T],
    key: Callable[[T], str],
    query: Query,
    *,
    fits: Callable[[T], bool] = lambda item: True,
    default: int = DEFAULT_LIMIT,
    most: int = 1000,
) -> tuple[list[T], str]:
    """The page that ``query`` asks for, of those ``items`` that ``fits``, and the cursor of the next page:
    ``""`` on the last.

    ``key`` must be unique. A cursor that is none of ours is a first page; a limit of 0 is the default.
    Raises Refused (400) where the limit is above ``most``: it is never clamped.
    """
    limit = query.integer("limit", low=0, high=most) or default
    rest = _behind(items, key, _decoded(query.text("cursor")))
    found = list(islice(filter(fits, rest), limit + 1))
    return found[:limit], _encoded(key(found[limit - 1])) if len(found) > limit else ""


def _behind(items: Iterable[T], key: Callable[[T], str], last: str | None) -> Iterable[T]:
    """What comes after ``last``. Nothing, where it is forgotten: lists forget their oldest rows, which are
    the last ones."""
    if last is None:
        return items
    rest = iter(items)
    for item in rest:
        if key(item) == last:
            break
    return rest


def _encoded(key: str) -> str:
    return base64.urlsafe_b64encode(f"{_OURS}{key}".encode()).decode()


def _decoded(cursor: str) -> str | None:
    """The key in a cursor; None for an empty one, and for garbage."""
    try:
        text = base64.urlsafe_b64decode(cursor.encode()).decode()
    except (binascii.Error, UnicodeError):
        return None
    return text.removeprefix(_OURS) if text.startswith(_OURS) else None
