"""Holding a conversation with prepared answers."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from mm.kalshi.conversation import Conversation, HttpRequest, HttpResponse

T = TypeVar("T")
TS = 1_000


def answer(status: int, body: Any = b"") -> HttpResponse:
    """``body``: bytes as they are, anything else as JSON."""
    return HttpResponse(TS, status, body if isinstance(body, bytes) else json.dumps(body).encode())


def lost(error: str = "ReadTimeout", *, was_sent: bool = True) -> HttpResponse:
    return HttpResponse(TS, 0, error=error, was_sent=was_sent)


def talk(conversation: Conversation[T], *answers: HttpResponse) -> tuple[T, list[HttpRequest]]:
    """The result, and the requests that were made; fails if the answers are not exactly used up."""
    requests: list[HttpRequest] = []
    left = list(answers)
    try:
        request = next(conversation)
        while True:
            requests.append(request)
            request = conversation.send(left.pop(0))
    except StopIteration as end:
        assert not left, f"{len(left)} answers were not asked for"
        result: T = end.value
        return result, requests
