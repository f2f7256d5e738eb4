"""The operator's door: faults come and go, trading pauses, reads lag, and nobody enters without the token."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import requests

from mm.sim.server_token import BadToken, Token, read_token, temporary_token
from tests.sim.doors import Door, Member, opened
from tests.sim.faces import OPEN, order

ORDERS = "/portfolio/events/orders"
TOKEN = "a-token-of-this-test"


def ask(door: Door, method: str, path: str, body: Any = None, token: str = TOKEN) -> requests.Response:
    url = f"{door.server.admin_url}{path}"
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return requests.request(method, url, json=body, headers=headers, timeout=30)


def test_faults_are_added_listed_and_cleared_while_it_runs() -> None:
    with opened(admin_token=TOKEN) as door:
        ann = Member("ann", door)
        row = {"point": "before_parse", "kind": "status", "method": "GET", "status": 502, "times": 2}
        added = ask(door, "POST", "/faults", row)
        assert (added.status_code, added.json()["faults"][0]["status"]) == (200, 502)
        assert ann.ask("GET", "/portfolio/orders").status_code == 502
        assert ask(door, "GET", "/faults").json()["faults"][0]["times"] == 1
        more = ask(door, "POST", "/faults", [{"point": "frame", "kind": "drop", "contains": "nothing"}])
        assert [one["kind"] for one in more.json()["faults"]] == ["status", "drop"]
        assert ann.ask("GET", "/portfolio/orders").status_code == 502
        left = ask(door, "POST", "/faults", []).json()["faults"]
        assert [one["kind"] for one in left] == ["drop"]  # the used-up one is forgotten
        assert ask(door, "DELETE", "/faults").status_code == 204
        assert ann.ask("GET", "/portfolio/orders").status_code == 200
        refused = ask(door, "POST", "/faults", [row, {"point": "frame", "kind": "body"}])
        assert refused.status_code == 400
        assert "row 2" in refused.json()["error"]
        assert ask(door, "GET", "/state").json()["faults"] == 0  # not even the good row


def test_clearing_lets_a_frozen_stream_go_on() -> None:
    with opened(admin_token=TOKEN) as door, Member("ann", door).stream() as stream:
        ask(door, "POST", "/faults", {"point": "frame", "kind": "freeze", "contains": "orderbook_snapshot"})
        stream.subscribe("orderbook_delta", market_ticker=OPEN)
        assert stream.next()["type"] == "subscribed"
        assert not stream.socket.ping().wait(0.05)  # not even a pong
        assert ask(door, "DELETE", "/faults").status_code == 204
        assert stream.next()["type"] == "orderbook_snapshot"
        assert stream.socket.ping().wait(30)


def test_trading_and_the_exchange_pause_and_go_on() -> None:
    with opened(admin_token=TOKEN) as door:
        ann = Member("ann", door)
        resting = ann.ask("POST", ORDERS, order("bid", "0.40", "1")).json()["order_id"]
        assert ask(door, "POST", "/pause").json()["trading_active"] is False
        refused = ann.ask("POST", ORDERS, order("bid", "0.40", "1"))
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "trading_is_paused")
        assert ask(door, "POST", "/pause", {"exchange": True}).json()["exchange_active"] is False
        assert ann.ask("DELETE", f"{ORDERS}/{resting}").status_code == 409
        status = requests.get(f"{door.server.rest_url}/exchange/status", timeout=30).json()
        assert (status["exchange_active"], status["trading_active"]) == (False, False)
        assert ask(door, "POST", "/resume").json()["trading_active"] is True
        assert ann.ask("DELETE", f"{ORDERS}/{resting}").status_code == 200


def test_the_read_lag_is_set_while_it_runs() -> None:
    with opened(admin_token=TOKEN) as door:
        ann = Member("ann", door)
        assert ask(door, "PUT", "/read_lag", {"read_lag_ns": 3_600_000_000_000}).status_code == 200
        ann.ask("POST", ORDERS, order("bid", "0.40", "1"))
        assert ann.ask("GET", "/portfolio/orders").json()["orders"] == []
        assert ask(door, "PUT", "/read_lag", {"read_lag_ns": 0}).json()["read_lag_ns"] == 0
        assert len(ann.ask("GET", "/portfolio/orders").json()["orders"]) == 1


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/read_lag", None),
        ("PUT", "/read_lag", {"read_lag_ns": -1}),
        ("PUT", "/read_lag", {"read_lag_ns": 1.5}),
        ("PUT", "/read_lag", {"read_lag_ns": True}),
        ("PUT", "/read_lag", [1]),
        ("POST", "/pause", {"exchange": "yes"}),
        ("POST", "/faults", None),
        ("POST", "/faults", "drop"),
    ],
)
def test_nonsense_changes_nothing(method: str, path: str, body: Any) -> None:
    with opened(admin_token=TOKEN) as door:
        before = ask(door, "GET", "/state").json()
        refused = ask(door, method, path, body)
        assert (refused.status_code, list(refused.json())) == (400, ["error"])
        assert ask(door, "GET", "/state").json() == before


def test_nobody_enters_without_the_token_nor_by_the_front_door() -> None:
    with opened(admin_token=TOKEN) as door:
        assert door.server.admin_url is not None
        assert door.server.admin_url.startswith("http://127.0.0.1:")
        for wrong in ("", "x", TOKEN[:-1], TOKEN + "x", "ü"):
            refused = ask(door, "GET", "/state", token=wrong.encode().decode("latin-1"))
            assert refused.status_code == 401
            assert TOKEN not in refused.text
        raw = requests.post(
            f"{door.server.admin_url}/pause",
            data="{",
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=30,
        )
        assert raw.status_code == 400
        front = door.server.rest_url.removesuffix("/trade-api/v2")
        headers = {"Authorization": f"Bearer {TOKEN}"}
        assert requests.get(f"{front}/state", headers=headers, timeout=30).status_code == 404
    with opened() as closed:
        assert closed.server.admin_url is None


def test_a_fresh_token_is_private_and_goes_away() -> None:
    with temporary_token() as token:
        assert token.path.stat().st_mode & 0o777 == 0o600
        assert token.path.parent.stat().st_mode & 0o777 == 0o700
        assert read_token(token.path) == token
        assert token.text not in repr(token)
    assert not token.path.parent.exists()


@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [
        (b"long-enough-for-a-token\n", 0o600, ""),
        (b"long-enough-for-a-token", 0o640, "chmod 600"),
        (b"long-enough-for-a-token", 0o604, "chmod 600"),
        (b"short", 0o600, "16 characters"),
        (b"", 0o600, "16 characters"),
        (b"one token and one more", 0o600, "no spaces"),
        (b"long-enough\n-for-a-token", 0o600, "16 characters"),
        ("lang-genug-für-ein-Wort".encode(), 0o600, "ASCII"),
    ],
)
def test_a_token_file_must_be_private_and_hold_one(
    content: bytes, mode: int, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)
    os.chmod(path, mode)
    if not message:
        assert read_token(path) == Token("long-enough-for-a-token", path)
        return
    with pytest.raises(BadToken, match=message) as caught:
        read_token(path)
    assert "enough" not in str(caught.value)
