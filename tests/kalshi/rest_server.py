"""A small real HTTP server on this machine that misbehaves on request."""

from __future__ import annotations

import json
import socket
import ssl
import struct
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Event, Thread
from typing import Any

from mm.kalshi.endpoint import Endpoint, endpoint

Behave = Callable[["Request"], None]
PATIENCE = 60.0


class Request(BaseHTTPRequestHandler):
    """One request; `reply` and the misbehaviours below answer it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: RestServer

    def handle_any(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self.body = self.rfile.read(length)
        with self.server.changed:
            self.server.seen.append((self.command, self.path, self.body))
            self.server.headers_seen.append(dict(self.headers))
            self.server.changed.notify_all()
        self.server.behave(self)

    do_GET = do_POST = do_DELETE = handle_any

    def reply(self, status: int, body: Any = b"", kind: str = "application/json") -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


class RestServer(ThreadingHTTPServer):
    """``seen``: method, path and body of all requests. ``released``: set when the test is over."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, behave: Behave, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.behave = behave
        self.seen: list[tuple[str, str, bytes]] = []
        self.headers_seen: list[dict[str, str]] = []
        self.connections = 0
        self.changed = Condition()
        self.released = Event()
        self._scheme = "http" if tls is None else "https"
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def endpoint(self) -> Endpoint:
        return endpoint(f"{self._scheme}://127.0.0.1:{self.server_address[1]}/trade-api/v2")

    def get_request(self) -> tuple[socket.socket, Any]:
        self.connections += 1
        return super().get_request()

    def seen_at_least(self, count: int) -> int:
        """How many requests there were, once there were so many: a client that has given up may be ahead of
        the thread that takes its request."""
        with self.changed:
            self.changed.wait_for(lambda: len(self.seen) >= count, PATIENCE)
            return len(self.seen)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is part of the stories told here."""

    def stop(self) -> None:
        self.released.set()
        self.shutdown()
        self._thread.join()
        self.server_close()


def accept(request: Request) -> None:
    """What the exchange answers when all is well."""
    if request.command == "GET":
        request.reply(200, {"exchange_active": True, "trading_active": True})
    elif request.command == "POST":
        sent = json.loads(request.body)
        filled = {"fill_count": "0.00", "remaining_count": sent["count"]}
        request.reply(201, {"order_id": "o-" + sent["client_order_id"], **filled})
    else:
        order_id = request.path.rsplit("/", 1)[1].split("?")[0]
        request.reply(200, {"order_id": order_id, "reduced_by": "1.00"})


def swallow(request: Request) -> None:
    """A black hole: the request is taken, and nothing ever comes back."""
    request.server.released.wait()
    request.close_connection = True


def reset(request: Request) -> None:
    """The connection is torn down instead of an answer."""
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.connection.close()
    request.close_connection = True


def html(request: Request) -> None:
    request.reply(502, b"<html>Bad Gateway</html>", "text/html")


def redirect(request: Request) -> None:
    request.send_response(307)
    request.send_header("Location", request.path)
    request.send_header("Content-Length", "0")
    request.end_headers()


def cut(request: Request) -> None:
    """Half of an answer, then the end of the connection."""
    request.send_response(201)
    request.send_header("Content-Length", "500")
    request.end_headers()
    request.wfile.write(b'{"order_id":"o-1",')
    request.close_connection = True


def drip(request: Request) -> None:
    """An answer that never ends, a byte at a time: no single wait is long."""
    request.send_response(201)
    request.send_header("Content-Length", "100000")
    request.end_headers()
    while not request.server.released.wait(0.02):
        request.wfile.write(b" ")
        request.wfile.flush()
    request.close_connection = True
