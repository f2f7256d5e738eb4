"""The three headers of a signed request: RSA against Ed25519, and headers that were signed ahead."""

from __future__ import annotations

from itertools import count

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from bench.measure import Case, Row, Spent, compare
from mm.kalshi.auth import HeaderCache, Signer

PATH = "/trade-api/v2/portfolio/events/orders"
TIMES = 100


def _fresh(signer: Signer) -> Case:
    now_ms = count(1_790_000_000_000)

    def case(spent: Spent) -> None:
        with spent.on(TIMES):
            for _ in range(TIMES):
                signer.headers("POST", PATH, next(now_ms))

    return case


def _cached(signer: Signer) -> Case:
    cache = HeaderCache(signer, (("POST", PATH),))

    def case(spent: Spent) -> None:
        with spent.on(TIMES):
            for _ in range(TIMES):
                cache.headers("POST", PATH, 1_790_000_000_000)

    return case


def measure() -> list[Row]:
    """The base is a fresh Ed25519 signature."""
    rsa = Signer("bench", generate_private_key(public_exponent=65_537, key_size=2_048))
    ed25519 = Signer("bench", Ed25519PrivateKey.generate())
    cases = {"Ed25519": _fresh(ed25519), "RSA-PSS 2048": _fresh(rsa), "signed ahead (RSA)": _cached(rsa)}
    return compare("sign", cases, "Ed25519")
