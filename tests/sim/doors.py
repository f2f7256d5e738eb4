"""A server on a free port in a thread of its own, and members who sign what they send to it."""

from __future__ import annotations

import asyncio
import base64
import json
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from websockets.sync.client import ClientConnection, connect

from mm.sim.buckets import TIERS, Tier
from mm.sim.exchange import Exchange
from mm.sim.face_switches import FaceSwitches
from mm.sim.faults import Fault, Faults
from mm.sim.rights import FULL, Rights
from mm.sim.server import RunningServer, ServerSettings, serve
from mm.sim.server_admin import AdminSettings
from mm.sim.signatures import HEADERS, KeyRing
from mm.sim.venue import Venue
from tests.sim.faces import small_venue

WAIT_S = 60.0
_PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def ed25519_key() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


def public_pem(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


class Member:
    """An account holder with a key; ``ann`` has an RSA key, everyone else an Ed25519 one."""

    def __init__(self, name: str, door: Door, rights: Rights = FULL) -> None:
        self.name = name
        self.key = rsa_key() if name == "ann" else ed25519_key()
        self.door = door
        door.keys.add(f"key-{name}", name, public_pem(self.key), rights)

    def headers(self, method: str, path: str, *, skew_ms: int = 0) -> dict[str, str]:
        timestamp = str(time.time_ns() // 1_000_000 + skew_ms)
        message = f"{timestamp}{method}{path}".encode()
        if isinstance(self.key, rsa.RSAPrivateKey):
            signature = self.key.sign(message, _PSS, hashes.SHA256())
        else:
            signature = self.key.sign(message)
        values = (f"key-{self.name}", timestamp, base64.b64encode(signature).decode())
        return dict(zip(HEADERS, values, strict=True))

    def ask(
        self, method: str, path: str, body: Any = None, query: str = "", **headers: str
    ) -> requests.Response:
        full = f"/trade-api/v2{path}"
        return requests.request(
            method,
            self.door.server.rest_url + path + (f"?{query}" if query else ""),
            headers={**self.headers(method, full), **headers},
            data=None if body is None else json.dumps(body),
            timeout=WAIT_S,
            allow_redirects=False,
        )

    def dial(self, *, narrow: bool = False, **options: Any) -> ClientConnection:
        """A WebSocket of this member; a ``narrow`` one is soon full where nobody reads. It does not ping by
        itself: who reads nothing hears no pong, and would hang up after a while."""
        wire = socket.socket()
        if narrow:
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        wire.connect(("127.0.0.1", self.door.server.port))
        headers = self.headers("GET", "/trade-api/ws/v2")
        stream: ClientConnection = connect(
            self.door.server.ws_url,
            sock=wire,
            additional_headers=headers,
            open_timeout=WAIT_S,
            ping_interval=None,
            **options,
        )
        return stream

    @contextmanager
    def stream(self) -> Iterator[Listener]:
        with self.dial(max_queue=None) as wire:
            yield Listener(wire)


class Listener:
    """A WebSocket client that reads frames one at a time."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    def say(self, command: Any) -> None:
        self.socket.send(json.dumps(command))

    def subscribe(self, *channels: str, **params: Any) -> None:
        self.say({"id": 1, "cmd": "subscribe", "params": {"channels": list(channels), **params}})

    def next(self) -> Any:
        return json.loads(self.socket.recv(timeout=WAIT_S))

    def until(self, arrived: Callable[[Any], bool]) -> list[Any]:
        """The frames up to and with the first that ``arrived``; TimeoutError where none comes."""
        frames = [self.next()]
        while not arrived(frames[-1]):
            frames.append(self.next())
        return frames


def wait_until(arrived: Callable[[], bool]) -> None:
    """Ask again until it has come; TimeoutError where it never does."""
    deadline = time.monotonic() + WAIT_S
    while not arrived():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.001)


class Door:
    """A running server. ``call`` runs a function inside its loop, between two requests."""

    def __init__(self, exchange: Exchange, ping_s: float, admin_token: str | None) -> None:
        self.exchange = exchange
        self.keys = KeyRing()
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        admin = None if admin_token is None else AdminSettings(admin_token)
        settings = ServerSettings(exchange, self.keys, ping_s=ping_s, admin=admin)
        self.server: RunningServer = self._await(serve(settings))

    def _await(self, awaitable: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(awaitable, self.loop).result(WAIT_S)

    def call(self, function: Callable[[], Any]) -> Any:
        async def run() -> Any:
            return function()

        return self._await(run())

    def stop(self) -> None:
        self._await(self.server.stop())

    def close(self) -> None:
        self.stop()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(WAIT_S)
        self.loop.close()


@contextmanager
def opened(
    venue: Venue | None = None,
    *,
    tier: Tier = TIERS["prestige"],
    script: list[Fault] | None = None,
    most_backlog: int = 10_000_000,
    ping_s: float = 10.0,
    admin_token: str | None = None,
    switches: FaceSwitches = FaceSwitches(),  # noqa: B008 - it is frozen
    prepare: Callable[[Exchange], None] = lambda exchange: None,
) -> Iterator[Door]:
    """A server for the time of a story; it must not have failed by its end."""
    exchange = Exchange(
        venue or small_venue(time.time_ns()),
        random=random.Random(3),
        tier=tier,
        faults=Faults(script or []),
        most_backlog=most_backlog,
        switches=switches,
    )
    prepare(exchange)
    door = Door(exchange, ping_s, admin_token)
    try:
        yield door
        assert not door.server.clock.done() or door.server.clock.cancelled()
    finally:
        door.close()
