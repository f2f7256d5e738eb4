"""A real `kmm exchange` as a process of its own, with readers of its stream and a member who sends orders.

The readers count frames without looking into them, so that they keep up with an exchange on a whole core.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from mm.kalshi.auth import Signer

ROOT = Path(__file__).resolve().parents[1]
WAIT_S = 30.0
WS_PATH = "/trade-api/ws/v2"
_CHUNK = 1 << 20


class Reader:
    """One WebSocket that is subscribed to the books of ``tickers``. ``frames``: whole ones so far."""

    def __init__(self, running: RunningExchange, tickers: Sequence[str], *, deflate: bool = False) -> None:
        self.frames = 0
        self.last = b""
        self._rest = b""
        self.socket = socket.create_connection((running.host, running.port), WAIT_S)
        self._shake_hands(running.headers("GET", WS_PATH), deflate)
        params = {"channels": ["orderbook_delta"], "market_tickers": list(tickers)}
        self._say(json.dumps({"id": 1, "cmd": "subscribe", "params": params}).encode())

    def read(self) -> None:
        """Take in what is there; waits where nothing is. Raises ConnectionError at its end."""
        data = self.socket.recv(_CHUNK)
        if not data:
            raise ConnectionError("the exchange has hung up")
        self._count(self._rest + data)

    def _count(self, data: bytes) -> None:
        """Frames of a server carry no mask (RFC 6455, section 5.2)."""
        start, end = 0, len(data)
        while start + 2 <= end:
            short, head = data[start + 1] & 0x7F, start + 2
            if short > 125:
                head += 2 if short == 126 else 8
                short = int.from_bytes(data[start + 2 : head], "big")
            if head + short > end:
                break
            self.frames += 1
            self.last = data[head : head + short] if head + short > end - 1_000 else b""
            start = head + short
        self._rest = data[start:]

    def _shake_hands(self, headers: dict[str, str], deflate: bool) -> None:
        lines = [f"GET {WS_PATH} HTTP/1.1", "Host: exchange", "Upgrade: websocket", "Connection: Upgrade"]
        lines += [
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        ]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += ["Sec-WebSocket-Extensions: permessage-deflate"] if deflate else []
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self.socket.recv(4_096)
        assert answer.startswith(b"HTTP/1.1 101"), answer
        self._rest = answer.split(b"\r\n\r\n", 1)[1]

    def _say(self, text: bytes) -> None:
        """A masked text frame; the mask is 0, which leaves the text as it is."""
        self.socket.sendall(b"\x81\xff" + len(text).to_bytes(8, "big") + bytes(4) + text)


class Member:
    """The exchange's one member on a connection that stays open. Headers are signed by who calls."""

    def __init__(self, running: RunningExchange) -> None:
        self._http = http.client.HTTPConnection(running.host, running.port, timeout=WAIT_S)

    def ask(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Any:
        """The JSON of the answer; AssertionError where it is a refusal."""
        self._http.request(method, path, body, {**headers, "Content-Type": "application/json"})
        response = self._http.getresponse()
        content = response.read()
        assert response.status < 300, (response.status, content)
        return json.loads(content)


class RunningExchange:
    """Its address, its markets, and what it has used up so far."""

    def __init__(self, process: subprocess.Popen[str], facts: dict[str, Any]) -> None:
        address = urlsplit(facts["rest_url"])
        self.host, self.port = address.hostname or "", address.port or 0
        self.markets: list[str] = facts["markets"]
        self._process = psutil.Process(process.pid)
        key = load_pem_private_key(Path(facts["private_key_path"]).read_bytes(), None)
        assert isinstance(key, RSAPrivateKey)
        self._signer = Signer(facts["key_id"], key)

    def headers(self, method: str, path: str) -> dict[str, str]:
        """Signed now, with RSA."""
        return self._signer.headers(method, path, time.time_ns() // 1_000_000)

    def cpu_ns(self) -> int:
        """Processor time of the exchange, in steps of 10 ms."""
        times = self._process.cpu_times()
        return int((times.user + times.system) * 1e9)

    def memory_mb(self) -> float:
        """Resident memory in millions of bytes."""
        return float(self._process.memory_info().rss) / 1e6


@contextmanager
def running_exchange(markets: int, rate: int) -> Iterator[RunningExchange]:
    """``markets`` markets whose books change ``rate`` times a second in all."""
    command = [sys.executable, "-m", "mm.cli.exchange", "--exit-with-stdin", "--tier", "prestige"]
    command += ["--markets", str(markets), "--load", str(rate), "--balance", "1000000"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            yield RunningExchange(process, json.loads(process.stdout.readline()))
        finally:
            process.stdin.close()


def read_for(readers: Sequence[Reader], seconds: float) -> int:
    """Let all of them read for so long; returns how many frames came."""
    before = sum(reader.frames for reader in readers)
    with selectors.DefaultSelector() as selector:
        for reader in readers:
            selector.register(reader.socket, selectors.EVENT_READ, reader)
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                key.data.read()
    return sum(reader.frames for reader in readers) - before
