"""Where the exchange is: base URLs that may be used, and what may not be said to them in the clear."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit

import msgspec

# Protocol section 1: the recommended hosts of each environment.
REST_URLS: Final = {
    "prod": "https://external-api.kalshi.com/trade-api/v2",
    "demo": "https://external-api.demo.kalshi.co/trade-api/v2",
}
FEED_URLS: Final = {
    "prod": "wss://external-api-ws.kalshi.com/trade-api/ws/v2",
    "demo": "wss://external-api-ws.demo.kalshi.co/trade-api/ws/v2",
}
_SECURE: Final = {"https": True, "wss": True, "http": False, "ws": False}


class EndpointError(ValueError):
    """A URL that may not be used."""


class Endpoint(msgspec.Struct, frozen=True):
    """``url`` without a slash at the end; ``path`` is the part of it that is signed."""

    url: str
    path: str
    is_secure: bool


def endpoint(url: str, *, allow_plain: bool = False) -> Endpoint:
    """Reads a base URL. In the clear only to this machine, unless ``allow_plain``.

    :raises EndpointError: for another scheme, no host, credentials, a query, or a plain URL elsewhere.
    """
    try:
        parts = urlsplit(url.rstrip("/"))
        is_secure, host = _SECURE.get(parts.scheme), parts.hostname
        has_port = parts.port is None or parts.port > 0
    except ValueError as error:
        raise EndpointError(f"no URL: {error}") from error
    if is_secure is None or not host or not has_port:
        raise EndpointError("not an https, wss, http or ws URL with a host")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise EndpointError("a base URL holds no credentials and no query")
    if not is_secure and not allow_plain and not is_loopback(host):
        raise EndpointError(f"{parts.scheme}://{host}: requests would go in the clear to another machine")
    return Endpoint(parts.geturl(), parts.path, is_secure)


def is_loopback(host: str) -> bool:
    """Is it this machine, by name or number? No name is looked up."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
