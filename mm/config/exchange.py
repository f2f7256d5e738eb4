"""Which exchange: the simulated one, Kalshi's demo, or production, and how to reach it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Annotated, Final, Literal, NamedTuple, TypeAlias
from urllib.parse import SplitResult, urlsplit

from mm.config.amounts import Dollars, Factor, Seconds
from mm.config.section import Conflict, FilePath, Range, Section, Shape

Environment: TypeAlias = Literal["simulated", "demo", "production"]
Regime: TypeAlias = Literal["index_hour", "fast_15_minute", "quiet", "toxic"]

REST_PATH: Final = "/trade-api/v2"
SOCKET_PATH: Final = "/trade-api/ws/v2"


class Endpoints(NamedTuple):
    """Base addresses, without a slash at the end."""

    rest_url: str
    ws_url: str


# protocol section 1: the recommended pair first, then the one still supported
HOSTS: Final[dict[Environment, tuple[tuple[str, str], ...]]] = {
    "simulated": (),
    "demo": (
        ("external-api.demo.kalshi.co", "external-api-ws.demo.kalshi.co"),
        ("demo-api.kalshi.co", "demo-api.kalshi.co"),
    ),
    "production": (
        ("external-api.kalshi.com", "external-api-ws.kalshi.com"),
        ("api.elections.kalshi.com", "api.elections.kalshi.com"),
    ),
}

RestUrl: TypeAlias = Annotated[str, Shape(r"https?://[^\s]{1,500}", "an address that begins with https://")]
SocketUrl: TypeAlias = Annotated[str, Shape(r"wss?://[^\s]{1,500}", "an address that begins with wss://")]


class Simulated(Section):
    """The exchange that is started for the run when it is `simulated` and no address is given."""

    seed: Annotated[int, Range(least=0)] = 1
    """Decides everything that is random: the same seed, the same market."""
    balance_dollars: Annotated[Dollars, Range(above=0, most=1_000_000_000)] = Dollars(1000)
    """Cash of the bot's account at the start."""
    regime: Regime = "fast_15_minute"
    """Who else trades, and how: the kind of market to imitate."""
    tape: FilePath | None = None
    """A recorded market to play back instead of a regime."""
    speed: Annotated[Factor, Range(above=0, most=1000)] = Factor(1)
    """How fast the tape plays; 1 is as recorded."""


class Exchange(Section):
    """Where orders go. Credentials come from the environment, never from this file."""

    environment: Environment = "simulated"
    """Which exchange; money is real on `production` only."""
    rest_url: RestUrl | None = None
    """Another REST address than that of the environment; only together with `ws_url`."""
    ws_url: SocketUrl | None = None
    """Another WebSocket address than that of the environment; only together with `rest_url`."""
    request_timeout_seconds: Annotated[Seconds, Range(least=0.1, most=5)] = Seconds(5)
    """A request without an answer for this long has an unknown outcome."""
    simulated: Simulated = Simulated()
    """The simulated exchange's own settings; ignored elsewhere."""

    @property
    def endpoints(self) -> Endpoints | None:
        """Where to connect; ``None`` means that a simulated exchange is to be started for this run."""
        if self.rest_url is not None and self.ws_url is not None:
            return Endpoints(self.rest_url, self.ws_url)
        if not HOSTS[self.environment]:
            return None
        rest, socket = HOSTS[self.environment][0]
        return Endpoints(f"https://{rest}{REST_PATH}", f"wss://{socket}{SOCKET_PATH}")

    def conflicts(self) -> Iterator[Conflict]:
        for key, url, other, path in (
            ("rest_url", self.rest_url, self.ws_url, REST_PATH),
            ("ws_url", self.ws_url, self.rest_url, SOCKET_PATH),
        ):
            if url is None:
                continue
            if other is None:
                yield (key,), "rest_url and ws_url go together: give both or none"
            if problem := _address_problem(url, path, self.environment):
                yield (key,), problem


def _address_problem(url: str, path: str, environment: Environment) -> str | None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "not an address"
    if not host:
        return "not an address: no host"
    checks = (
        (parts.username is not None or parts.password is not None, "must not carry a user or a password"),
        (parts.path != path or bool(parts.query or parts.fragment), f"must end with {path} and nothing else"),
        (
            not _is_encrypted(parts) and not is_loopback(host),
            "must be encrypted (https, wss), except on loopback",
        ),
        (_belongs_elsewhere(host, environment), f"this host is not one of the {environment} environment"),
    )
    return next((message for wrong, message in checks if wrong), None)


def _is_encrypted(parts: SplitResult) -> bool:
    return parts.scheme in {"https", "wss"}


def _belongs_elsewhere(host: str, environment: Environment) -> bool:
    others = (pair for name, pairs in HOSTS.items() if name != environment for pair in pairs)
    return any(host in pair for pair in others)


def is_loopback(host: str) -> bool:
    """Whether only this machine can be behind this name."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
