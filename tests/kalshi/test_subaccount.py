"""Whose orders and fills: the primary subaccount's, or those of the one to which the key is locked."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from mm.core.actions import CancelAll, QueryAccount, QueryOrder
from mm.kalshi.calls import RequestAction
from mm.kalshi.conversation import ReadError
from mm.kalshi.subaccount import PRIMARY, read_subaccount
from tests.kalshi.rest_server import Request
from tests.kalshi.talk import answer, lost, talk
from tests.kalshi.test_gateway import desk_at

ROWS: dict[str, Any] = {
    "as_of_time": "2026-06-11T06:29:20Z",
    "orders": [],
    "fills": [],
    "market_positions": [],
    "cursor": "",
    "balance": 100,
}
LOCKED = "this API key is restricted to a single sub-account and cannot access this endpoint"
SCOPE = "missing scope: read"
Shape: TypeAlias = Callable[[str], Any]
SHAPES: tuple[Shape, ...] = (
    lambda text: {"error": {"code": "forbidden", "message": "forbidden", "details": text}},
    lambda text: {"error": {"code": "forbidden", "message": text}},
    lambda text: {"code": "forbidden", "message": text},
    lambda text: {"error": {"message": text}},
    lambda text: {"error": text},
    lambda text: {"msg": text},
)


def test_a_key_for_all_subaccounts_trades_in_the_primary_one() -> None:
    found, (request,) = talk(read_subaccount(), answer(200, ROWS))
    assert found == PRIMARY
    assert (request.path, request.query) == ("/portfolio/positions", "limit=1&subaccount=0")


@pytest.mark.parametrize("shape", SHAPES)
def test_a_locked_key_has_its_own_and_must_name_no_other(shape: Shape) -> None:
    assert talk(read_subaccount(), answer(403, shape(LOCKED)))[0] is None
    assert talk(read_subaccount(), answer(403, shape(LOCKED.replace("sub-account", "Subaccount"))))[0] is None


@pytest.mark.parametrize("shape", SHAPES)
def test_a_key_that_may_not_read_is_not_taken_for_a_locked_one(shape: Shape) -> None:
    with pytest.raises(ReadError, match="403"):
        talk(read_subaccount(), answer(403, shape(SCOPE)))
    with pytest.raises(ReadError, match="400"):
        talk(read_subaccount(), answer(400, shape(LOCKED)))


@pytest.mark.parametrize("no_word", [lost(), answer(403, b"<html>Forbidden</html>"), answer(503)])
def test_what_the_exchange_does_not_say_is_not_guessed(no_word: Any) -> None:
    with pytest.raises(ReadError):
        talk(read_subaccount(), no_word)


@pytest.mark.parametrize(
    ("action", "own", "asked"),
    [
        (
            QueryAccount(1, 0),
            PRIMARY,
            [
                "/exchange/user_data_timestamp",
                "/portfolio/orders?limit=1000&status=resting&subaccount=0",
                "/portfolio/fills?limit=1000&subaccount=0",
                "/portfolio/positions?limit=1000",
                "/portfolio/balance",
            ],
        ),
        (
            QueryOrder(2, "mine-1", "", "M"),
            PRIMARY,
            ["/exchange/user_data_timestamp", "/portfolio/orders?limit=1000&ticker=M&subaccount=0"],
        ),
        (CancelAll(3), PRIMARY, ["/portfolio/events/orders?subaccount=0"]),
        (CancelAll(4), None, ["/portfolio/events/orders"]),
    ],
)
def test_what_would_mean_all_subaccounts_names_ours(
    action: RequestAction, own: int | None, asked: list[str]
) -> None:
    def behave(request: Request) -> None:
        request.reply(200, json.dumps(ROWS).encode())

    with desk_at(behave) as (desk, server):
        desk.gateway.subaccount = own
        desk.ask(action)
        assert [path.removeprefix("/trade-api/v2") for _, path, _ in server.seen] == asked
