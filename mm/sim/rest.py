"""The words of the REST face: a request, a response, the error bodies, and what a handler is given."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qsl

import msgspec

from mm.sim.archive import Cutoff
from mm.sim.face_switches import FaceSwitches
from mm.sim.rights import FULL, Rights
from mm.sim.words import VenueError

if TYPE_CHECKING:
    from mm.sim.candles import Candles
    from mm.sim.reads import Reads
    from mm.sim.rest_market_texts import MarketTexts
    from mm.sim.usage import Usage
    from mm.sim.venue import Venue

PREFIX = "/trade-api/v2"

_WHOLE = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_TOO_LARGE = 1 << 63

Json: TypeAlias = dict[str, Any]


@dataclass(slots=True)
class Response:
    """What goes back to the client. Two fields are for faults: ``delay_ns``, how much later it leaves, and
    ``reset``: nothing leaves at all, the connection dies."""

    status: int
    body: bytes = b""
    delay_ns: int = 0
    reset: bool = False


class Refused(Exception):
    """A request refused by the face itself (400), before the venue saw it; carries the body of the answer."""

    def __init__(self, body: Json) -> None:
        super().__init__(str(body))
        self.body = body


class Query:
    """The query of a URL. Unknown names are ignored, as the exchange does; wrong values are its 400."""

    def __init__(self, text: str, operation: str = "") -> None:
        self.operation = operation
        self._values: dict[str, list[str]] = {}
        for name, value in parse_qsl(text, keep_blank_values=True):
            self._values.setdefault(name, []).append(value)

    def text(self, name: str) -> str:
        """The first value of ``name``; empty where there is none."""
        return self._values.get(name, [""])[0]

    def words(self, name: str, *, most: int | None = None) -> list[str]:
        """All values of ``name``, repeated or separated by commas. Raises Refused (400) for more than
        ``most``."""
        found = [word for value in self._values.get(name, []) for word in value.split(",") if word]
        if most is not None and len(found) > most:
            raise self.refusal(name, "max")
        return found

    def flag(self, name: str) -> bool:
        return self.text(name).lower() in ("true", "1", "t")

    def integer(self, name: str, *, low: int | None = None, high: int | None = None) -> int | None:
        """A whole number, None where absent. Raises Refused (400) where it is none or out of bounds."""
        text = self.text(name)
        if not text:
            return None
        value = int(text) if _WHOLE.fullmatch(text) else _TOO_LARGE
        if not -_TOO_LARGE <= value < _TOO_LARGE:
            raise self.refusal(name, "number")
        if low is not None and value < low:
            raise self.refusal(name, "gte")
        if high is not None and value > high:
            raise self.refusal(name, "lte")
        return value

    def needed(self, name: str) -> int:
        """A whole number that must be there. Raises Refused (400) otherwise."""
        value = self.integer(name)
        if value is None:
            raise self.refusal(name, "required")
        return value

    def choice(self, name: str, allowed: frozenset[str]) -> str:
        """One of ``allowed``, empty where absent. Raises Refused (400) otherwise."""
        text = self.text(name)
        if text and text not in allowed:
            raise self.refusal(name, "oneof")
        return text

    def refusal(self, name: str, rule: str) -> Refused:
        """The 400 of a parameter that breaks ``rule``, in the wording of protocol section 5.7 (c)."""
        struct, camel = f"{self.operation}Params", "".join(part.title() for part in name.split("_"))
        return Refused(
            {
                "msg": f"Parameter validation failed for {self.operation}: Key: '{struct}.{camel}' "
                f"Error:Field validation for '{camel}' failed on the '{rule}' tag"
            }
        )


@dataclass(slots=True)
class Request:
    """One request as a handler sees it; ``parts`` are the variable parts of its path, ``rights`` those of the
    key that signed it."""

    now: int
    user_id: str
    query: Query
    body: bytes = b""
    parts: dict[str, str] = field(default_factory=dict)
    rights: Rights = FULL

    def own(self, asked: int | None) -> int:
        """The subaccount that a body names, else the key's own, else the primary one. Raises VenueError
        (403) where the key is locked to another."""
        return self.rights.own(asked, 0)

    def subaccount(self) -> int:
        """The same of the query."""
        return self.own(self.query.integer("subaccount", low=0))

    def subaccount_or_all(self) -> int | None:
        """The same of the query, where none means all."""
        return self.rights.any(self.query.integer("subaccount", low=0))


@dataclass(slots=True)
class Context:
    """What handlers work with: the venue itself for writes and market data, its lagging image for portfolio
    reads, the candlesticks, markets as texts, the rate limits, the switches of the faces, and who lists a
    member's keys."""

    venue: Venue
    reads: Reads
    candles: Candles
    texts: MarketTexts
    usage: Usage
    switches: FaceSwitches
    keys_of: Callable[[str], list[Json]]

    def cutoff(self, now: int) -> Cutoff:
        """What is history at ``now`` (ns)."""
        return Cutoff.at(now, self.switches.ages)


Handler: TypeAlias = Callable[[Context, Request], Response]

encode = msgspec.json.Encoder().encode


def reply(status: int, body: Json) -> Response:
    """A response with a JSON body."""
    return Response(status, encode(body))


def error_body(error: VenueError) -> Json:
    """``{code, message, details?}``: the inside of the nested shape, and of a batch's ``error``."""
    body: Json = {"code": error.code, "message": error.message}
    if error.details:
        body["details"] = error.details
    return body


def nested_error(error: VenueError) -> Response:
    """The usual shape of a refusal (protocol section 5.7 a)."""
    return reply(error.status, {"error": error_body(error)})


def bad_request(details: str) -> Refused:
    """The flat shape of a body that cannot be read (protocol section 5.7 b)."""
    return Refused({"code": "bad_request", "message": "bad request", "details": details})


def too_many_requests() -> Response:
    """The shape of a used-up budget: ``error`` is a string (protocol section 5.7 d)."""
    return reply(429, {"error": "too many requests"})


def not_found() -> VenueError:
    return VenueError(404, "not_found")
