"""The operator's door to a running exchange, on a port of its own: faults, pauses, read lag, attestation.

It listens on loopback only, whoever may reach the exchange itself, and asks for a token on every request
(``Authorization: Bearer ...``).
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import msgspec
from aiohttp import web

from mm.sim.exchange import Exchange
from mm.sim.fault_rows import BadFaults, faults_of, row_of
from mm.sim.rest import Json
from mm.sim.rest_numbers import LAST_SECOND, SECOND
from mm.sim.words import VenueError

HOST = "127.0.0.1"
LONGEST_LAG_NS = 3_600 * 1_000_000_000

Handler: TypeAlias = Callable[[Any], Json | None]


@dataclass(frozen=True, slots=True)
class AdminSettings:
    """``port`` 0: any free one."""

    token: str = field(repr=False)
    port: int = 0


class _Refusal(Exception):
    """What the request's body asks for makes no sense; the message says why."""


def admin_app(exchange: Exchange, now: Callable[[], int], token: str) -> web.Application:
    """The routes of the admin port. ``now`` tells the time in ns."""
    desk = _Desk(exchange, now)
    table: dict[tuple[str, str], Handler] = {
        ("GET", "/state"): desk.state,
        ("GET", "/faults"): desk.list_faults,
        ("POST", "/faults"): desk.add_faults,
        ("DELETE", "/faults"): desk.clear_faults,
        ("POST", "/pause"): desk.pause,
        ("POST", "/resume"): desk.resume,
        ("PUT", "/read_lag"): desk.set_read_lag,
        ("PUT", "/region"): desk.attest_region,
    }
    app = web.Application()
    for (method, path), handler in table.items():
        app.router.add_route(method, path, _guarded(handler, token))
    return app


def _guarded(handler: Handler, token: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Asks for the token, reads the body, and writes the answer or what was wrong."""
    expected = f"Bearer {token}".encode()

    async def answer(request: web.Request) -> web.StreamResponse:
        shown = request.headers.get("Authorization", "").encode(errors="surrogateescape")
        if not hmac.compare_digest(shown, expected):
            return web.json_response({"error": "wrong or missing token"}, status=401)
        try:
            raw = await request.read()
            body = handler(msgspec.json.decode(raw) if raw.strip() else None)
        except msgspec.DecodeError as error:
            return web.json_response({"error": f"not JSON: {error}"}, status=400)
        except (_Refusal, BadFaults, VenueError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.Response(status=204) if body is None else web.json_response(body)

    return answer


class _Desk:
    """What may be asked of the exchange; each takes the decoded body and gives one, or None for nothing."""

    def __init__(self, exchange: Exchange, now: Callable[[], int]) -> None:
        self._exchange = exchange
        self._now = now

    def state(self, body: Any) -> Json:
        venue = self._exchange.venue
        return {
            "exchange_active": venue.exchange_active,
            "trading_active": venue.trading_active,
            "read_lag_ns": self._exchange.read_lag_ns,
            "region_expires_ns": venue.region_expires_ns,
            "faults": len(self._exchange.faults.script),
        }

    def list_faults(self, body: Any) -> Json:
        return {"faults": [row_of(one) for one in self._exchange.faults.script]}

    def add_faults(self, body: Any) -> Json:
        """One row or a list of them; used-up ones are forgotten."""
        script = self._exchange.faults.script
        fresh = faults_of(body if isinstance(body, list) else [body])
        script[:] = [*(one for one in script if one.times > 0), *fresh]
        return self.list_faults(body)

    def clear_faults(self, body: Any) -> None:
        """What was held back goes with the next turn of the clock, a moment later."""
        self._exchange.faults.clear()

    def pause(self, body: Any) -> Json:
        """``{"exchange": true}`` pauses the exchange as a whole, else it is trading that stops."""
        whole = _field(body, "exchange", bool, default=False)
        self._exchange.advance(self._now())
        self._exchange.venue.pause(exchange=whole)
        self._exchange.flush()
        return self.state(body)

    def resume(self, body: Any) -> Json:
        self._exchange.advance(self._now())
        self._exchange.venue.resume()
        self._exchange.flush()
        return self.state(body)

    def set_read_lag(self, body: Any) -> Json:
        """``{"read_lag_ns": n}``."""
        lag = _field(body, "read_lag_ns", int)
        if not 0 <= lag <= LONGEST_LAG_NS:
            raise _Refusal(f"read_lag_ns is 0 to {LONGEST_LAG_NS}")
        self._exchange.read_lag_ns = lag
        return self.state(body)

    def attest_region(self, body: Any) -> Json:
        """``{"expires_ns": n}``: the members' location attestation lapses then, ns since the epoch."""
        expires = _field(body, "expires_ns", int)
        if not 0 <= expires <= LAST_SECOND * SECOND:
            raise _Refusal(f"expires_ns is 0 to {LAST_SECOND * SECOND}")
        self._exchange.venue.attest_region(expires)
        return self.state(body)


def _field(body: Any, name: str, kind: type, *, default: Any = None) -> Any:
    """One field of a body. Raises _Refusal where it is missing or of another type."""
    if body is not None and not isinstance(body, dict):
        raise _Refusal("an object is needed")
    value = (body or {}).get(name, default)
    if type(value) is not kind:
        raise _Refusal(f"{name} is needed, of type {kind.__name__}")
    return value
