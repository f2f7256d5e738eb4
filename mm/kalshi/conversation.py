"""A conversation with the exchange's REST interface, without the socket.

A conversation is a generator: it yields a request, is sent the response, and returns what it learned. The
gateway, the simulator and the tests can all hold it. Source: protocol sections 5.7 (errors), 7 (pages).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from enum import Enum
from typing import Any, Final, TypeAlias, TypeVar
from urllib.parse import urlencode

import msgspec

from mm.core.events import POST_ONLY_CROSS
from mm.core.units import Nanos
from mm.kalshi.wire import UNREADABLE

T = TypeVar("T")
PAGE_LIMIT: Final = 1_000
MOST_PAGES: Final = 1_000
NO_QUERY: Final[Mapping[str, str | int]] = {}


class Cost(Enum):
    """What the exchange charges for a request (protocol section 13)."""

    CREATE = "create"
    AMEND = "amend"
    CANCEL = "cancel"
    CANCEL_ALL = "cancel_all"
    READ_ORDER = "read_order"
    READ = "read"
    READ_BALANCE = "read_balance"


READS: Final = frozenset({Cost.READ, Cost.READ_ORDER, Cost.READ_BALANCE})


class HttpRequest(msgspec.Struct, frozen=True):
    """``path`` is below the base, without the query: "/portfolio/orders". ``body`` is JSON, or empty."""

    method: str
    path: str
    query: str = ""
    body: bytes = b""
    cost: Cost = Cost.READ


class HttpResponse(msgspec.Struct, frozen=True):
    """``status`` 0: no answer; ``error`` says why, and ``was_sent`` whether a byte may have left."""

    ts: Nanos
    status: int
    body: bytes = b""
    error: str = ""
    was_sent: bool = True

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


Conversation: TypeAlias = Generator[HttpRequest, HttpResponse, T]


class ReadError(Exception):
    """A read gave no answer that can be trusted; ``status`` 0: no answer at all."""

    def __init__(self, response: HttpResponse, code: str, message: str) -> None:
        super().__init__(f"{response.status} {code} {message}".strip())
        self.ts = response.ts
        self.status = response.status
        self.code = code
        self.message = message


class _Inner(msgspec.Struct):
    code: str = ""
    message: str = ""
    details: Any = None


class _ErrorBody(msgspec.Struct):
    """All the shapes at once: nested, flat, ``msg`` only, and a bare string under ``error``."""

    error: _Inner | str | None = None
    code: str = ""
    message: str = ""
    details: Any = None
    msg: str = ""


_error_body: msgspec.json.Decoder[_ErrorBody] = msgspec.json.Decoder(_ErrorBody)


def error_of(response: HttpResponse) -> tuple[str, str]:
    """Code and message of a refusal, whatever the shape of its body (protocol section 5.7).

    Without a code of the exchange's own the code is "http_<status>"; 429 is always "too_many_requests". A
    post-only order that would take is "post_only_cross": the exchange's code says no more than that it is an
    invalid order (protocol section 5.1).
    """
    code, message = _words_of(response.body)
    if code == "invalid_order" and message.endswith("post only cross"):
        return POST_ONLY_CROSS, message
    if response.status == 429:
        return "too_many_requests", message
    return code or f"http_{response.status}", message


def has_own_code(response: HttpResponse) -> bool:
    """Was it the exchange that answered, or something in between (a proxy's HTML, nothing)?"""
    return bool(_words_of(response.body)[0])


def _words_of(body: bytes) -> tuple[str, str]:
    try:
        parsed = _error_body.decode(body)
    except UNREADABLE:
        return "", ""
    if isinstance(parsed.error, str):
        return "", parsed.error[:300]
    inner = parsed.error or _Inner(parsed.code, parsed.message or parsed.msg, parsed.details)
    details = inner.details if isinstance(inner.details, str) else ""
    return inner.code[:100], ": ".join(part for part in (inner.message, details) if part)[:300]


def decoded(response: HttpResponse, decode: Callable[[bytes], T]) -> T:
    """The body of a success.

    :raises ReadError: if it is no success, or its body is not what was promised.
    """
    if not response.status:
        raise ReadError(response, "no_answer" if response.was_sent else "not_sent", response.error)
    if not response.is_success:
        raise ReadError(response, *error_of(response))
    try:
        return decode(response.body)
    except UNREADABLE as error:
        raise ReadError(response, "unreadable", str(error)[:300]) from error


def get(
    path: str,
    decode: Callable[[bytes], T],
    query: Mapping[str, str | int] = NO_QUERY,
    cost: Cost = Cost.READ,
) -> Conversation[tuple[HttpResponse, T]]:
    """One read.

    :raises ReadError: see `decoded`.
    """
    response = yield HttpRequest("GET", path, urlencode(query), cost=cost)
    return response, decoded(response, decode)


class Page(msgspec.Struct):
    """Base of the bodies that come in pages; an empty ``cursor`` is the last page."""

    cursor: str | None = ""


P = TypeVar("P", bound=Page)


def pages(
    path: str,
    decode: Callable[[bytes], P],
    query: Mapping[str, str | int] = NO_QUERY,
    limit: int = PAGE_LIMIT,
) -> Conversation[tuple[HttpResponse, list[P]]]:
    """All pages of a list, or nothing: a part of a list would be read as the whole.

    :raises ReadError: if a page fails, a cursor repeats (a garbage cursor is served as page one), or the
        pages do not end.
    """
    found: list[P] = []
    seen: set[str] = set()
    cursor: dict[str, str] = {}
    for _ in range(MOST_PAGES):
        response, page = yield from get(path, decode, {"limit": limit, **query, **cursor})
        found.append(page)
        if not page.cursor:
            return response, found
        if page.cursor in seen:
            raise ReadError(response, "repeated_cursor", path)
        seen.add(page.cursor)
        cursor = {"cursor": page.cursor}
    raise ReadError(response, "endless_pages", path)
