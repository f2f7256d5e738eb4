"""The REST face over HTTP: odd paths, and the redirect of those that end in a slash."""

from __future__ import annotations

import socket

import pytest
import requests

from tests.sim.doors import WAIT_S, Door, opened


def status_of(door: Door, path: str) -> int:
    """Of a raw path, which a polite client would tidy up before it sends it."""
    with socket.create_connection(("127.0.0.1", door.server.port), timeout=WAIT_S) as wire:
        wire.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        with wire.makefile("rb") as answer:
            return int(answer.readline().split()[1])


@pytest.mark.parametrize("path", ["/", "//", "///", "/trade-api/v2//"])
def test_slashes_alone_are_nowhere_and_no_accident(path: str) -> None:
    with opened() as door:
        assert status_of(door, path) in (301, 404)


def test_the_redirect_of_a_trailing_slash_keeps_the_query() -> None:
    with opened() as door:
        asked = f"{door.server.rest_url}/markets/?limit=1&status=open"
        moved = requests.get(asked, timeout=WAIT_S, allow_redirects=False)
        assert (moved.status_code, moved.headers["Location"]) == (
            301,
            "/trade-api/v2/markets?limit=1&status=open",
        )
        assert len(requests.get(asked, timeout=WAIT_S).json()["markets"]) == 1
