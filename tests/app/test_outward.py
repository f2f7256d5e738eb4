"""What a 429 says of our own counting: the bucket of writes is empty, whichever write it answered."""

from __future__ import annotations

import pytest

from mm.app.outward import Outward
from mm.core.events import (
    AmendReject,
    AnyEvent,
    ApiError,
    CancelReject,
    OrderReject,
    RequestKind,
)
from mm.core.units import SECOND
from mm.kalshi.calls import RequestAction
from mm.kalshi.limiter import Bucket, Limiter

NOW = 1_000 * SECOND
CODE = "too_many_requests"


class Nobody:
    """Neither gateway nor feed: nothing is sent here."""

    def submit(self, action: RequestAction) -> None:
        raise AssertionError(action)

    def resubscribe(self, ticker: str) -> None:
        raise AssertionError(ticker)

    def reconnect(self, reason: str) -> None:
        raise AssertionError(reason)

    def withhold(self) -> None:
        raise AssertionError("nothing is to be withheld here")


def left_after(event: AnyEvent) -> tuple[int, int]:
    limiter = Limiter(Bucket(100, 100))
    Outward(Nobody(), Nobody(), limiter, lambda: NOW).heard(event)
    return limiter.orders_allowed(NOW), limiter.cancels_allowed(NOW)


@pytest.mark.parametrize(
    "refusal",
    [
        OrderReject(NOW, 1, "mine-1", 429, CODE),
        AmendReject(NOW, 1, "mine-1", 429, CODE),
        CancelReject(NOW, 1, "mine-1", 429, CODE),
        ApiError(NOW, 1, RequestKind.CANCEL_ALL, 429, CODE),
    ],
)
def test_a_429_to_a_write_empties_the_bucket_of_writes(refusal: AnyEvent) -> None:
    assert left_after(refusal) == (0, 0)


@pytest.mark.parametrize(
    "other",
    [
        ApiError(NOW, 1, RequestKind.QUERY_ACCOUNT, 429, CODE),
        ApiError(NOW, 1, RequestKind.CANCEL_ALL, 503, "http_503"),
        OrderReject(NOW, 1, "mine-1", 400, "invalid_order"),
    ],
)
def test_what_says_nothing_of_writes_leaves_it_as_it_is(other: AnyEvent) -> None:
    assert left_after(other) == (6, 10)
