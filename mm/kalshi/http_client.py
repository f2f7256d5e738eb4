"""One keep-alive HTTP connection for one thread: a request goes out, a response comes back, never a raise.

No retries, no redirects, no proxies from the environment: each would hide what happened.
"""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec
import requests
from urllib3.exceptions import ConnectTimeoutError, HTTPError, MaxRetryError, NewConnectionError

from mm.core.units import MILLISECOND, Nanos
from mm.kalshi.auth import HeaderCache
from mm.kalshi.conversation import HttpRequest, HttpResponse
from mm.kalshi.endpoint import Endpoint
from mm.kalshi.stamped import StampedAdapter

CONNECT_TIMEOUT: Final = 3.0
READ_TIMEOUT: Final = 5.0
LARGEST_BODY: Final = 32 * 1024 * 1024
_CHUNK: Final = 64 * 1024
_NOT_SENT: Final = (NewConnectionError, ConnectTimeoutError, ssl.SSLCertVerificationError)
logging.getLogger("urllib3").setLevel(logging.WARNING)  # its DEBUG lines repeat paths with order ids


class _TooMuch(Exception):
    """The body is too large, or takes too long."""


class Stamps(msgspec.Struct):
    """Of the last request: how long its signed headers took, and when its last byte was handed to the socket
    (by the client's clock; 0: none was). Whoever wants to know about one request puts fresh ones in place."""

    signing: Nanos = 0
    written_at: Nanos = 0


class HttpClient:
    """Belongs to one thread. ``clock`` dates responses, ``wall`` signatures (nanoseconds since the epoch):
    the exchange compares those with its own time, so they follow the system's even where it is stepped."""

    def __init__(
        self,
        endpoint: Endpoint,
        headers: HeaderCache,
        clock: Callable[[], Nanos],
        *,
        wall: Callable[[], Nanos] = time.time_ns,
        connect_timeout: float = CONNECT_TIMEOUT,
        read_timeout: float = READ_TIMEOUT,
    ) -> None:
        self._endpoint = endpoint
        self._headers = headers
        self._clock = clock
        self._wall = wall
        self._timeouts = (connect_timeout, read_timeout)
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.update({"Accept": "application/json", "User-Agent": "kalshi-market-maker"})
        self.stamps = Stamps()
        for prefix in ("https://", "http://"):
            self._session.mount(prefix, StampedAdapter(self._stamp))

    def _stamp(self) -> None:
        self.stamps.written_at = self._clock()

    def send(self, request: HttpRequest) -> HttpResponse:
        """Every failure of the network becomes a response with status 0."""
        try:
            return self._send(request)
        except (requests.RequestException, HTTPError) as error:
            return HttpResponse(self._clock(), 0, error=_reason(error), was_sent=not _never_left(error))
        except _TooMuch as error:
            return HttpResponse(self._clock(), 0, error=str(error))

    def _send(self, request: HttpRequest) -> HttpResponse:
        path = self._endpoint.path + request.path
        url = self._endpoint.url + request.path + (f"?{request.query}" if request.query else "")
        began = time.perf_counter_ns()
        headers = self._headers.headers(request.method, path, self._wall() // MILLISECOND)
        self.stamps.signing = time.perf_counter_ns() - began
        if request.body:
            headers["Content-Type"] = "application/json"
        with self._session.request(
            request.method,
            url,
            data=request.body or None,
            headers=headers,
            timeout=self._timeouts,
            allow_redirects=False,
            stream=True,
            verify=True,
        ) as response:
            body = self._body(response)
            return HttpResponse(self._clock(), response.status_code, body)

    def _body(self, response: requests.Response) -> bytes:
        """Bounds size and time as a whole: a time-out of the socket starts anew with every byte."""
        give_up = time.monotonic() + self._timeouts[1]
        body = bytearray()
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            body += chunk
            if len(body) > LARGEST_BODY or time.monotonic() > give_up:
                raise _TooMuch("the answer is too long, or takes too long")
        return bytes(body)

    def close(self) -> None:
        self._session.close()


def _reason(error: BaseException) -> str:
    """The kind of failure only: texts of exceptions can hold URLs and headers."""
    return " < ".join(dict.fromkeys(type(cause).__name__ for cause in _causes(error)))


def _causes(error: BaseException) -> list[BaseException]:
    """An exception and all that it wraps, in the several ways in which urllib3 and requests wrap."""
    found: list[BaseException] = []
    queue: list[Any] = [error]
    while queue:
        cause = queue.pop(0)
        if isinstance(cause, BaseException) and cause not in found:
            found.append(cause)
            queue += [*cause.args, cause.__cause__, cause.__context__]
            queue.append(cause.reason if isinstance(cause, MaxRetryError) else None)
    return found


def _never_left(error: BaseException) -> bool:
    """Did it fail before a connection stood? Anything later may have reached the exchange."""
    return any(isinstance(cause, _NOT_SENT) for cause in _causes(error))
