"""Signing requests. Source: protocol section 2 (what is signed, and how).

The signature covers time, method and path, not the body: headers of paths that do not change can be signed
before they are needed (an RSA signature takes 0.3 ms).
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from threading import Lock
from typing import Final

from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from mm.kalshi.key_file import PrivateKey

SALT_LENGTH: Final = 32
LIFETIME_MS: Final = 2_000


class Signer:
    """Holds the key; its repr shows neither the key nor the key's id."""

    def __init__(self, key_id: str, private_key: PrivateKey) -> None:
        self._key_id = key_id
        self._sign: Callable[[bytes], bytes]
        if isinstance(private_key, RSAPrivateKey):
            scheme = padding.PSS(mgf=padding.MGF1(SHA256()), salt_length=SALT_LENGTH)
            self._sign = lambda message: private_key.sign(message, scheme, SHA256())
            self.algorithm = "RSA-PSS"
        else:
            self._sign = private_key.sign
            self.algorithm = "Ed25519"

    def __repr__(self) -> str:
        return f"Signer({self.algorithm})"

    def headers(self, method: str, path: str, now_ms: int) -> dict[str, str]:
        """The three headers of a request. ``path`` is the whole path from the root, without the query.

        :raises ValueError: if it has a query, which is never signed.
        """
        if "?" in path:
            raise ValueError("the path to sign has no query")
        message = f"{now_ms}{method.upper()}{path}".encode()
        return {
            "KALSHI-ACCESS-KEY": self._key_id,
            "KALSHI-ACCESS-TIMESTAMP": str(now_ms),
            "KALSHI-ACCESS-SIGNATURE": base64.b64encode(self._sign(message)).decode("ascii"),
        }


class HeaderCache:
    """Headers signed ahead for ``fixed`` pairs of method and path; others are signed when asked for.

    A header is used for at most ``lifetime_ms``, far inside the exchange's window of 5 s. Safe to use from
    several threads.
    """

    def __init__(
        self, signer: Signer, fixed: tuple[tuple[str, str], ...] = (), lifetime_ms: int = LIFETIME_MS
    ) -> None:
        self._signer = signer
        self._fixed = frozenset(fixed)
        self._lifetime_ms = lifetime_ms
        self._signed: dict[tuple[str, str], tuple[int, dict[str, str]]] = {}
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"HeaderCache({self._signer!r}, {len(self._fixed)} paths)"

    def headers(self, method: str, path: str, now_ms: int) -> dict[str, str]:
        """Headers for this request, at most ``lifetime_ms`` old; never of the future (a clock set back)."""
        key = (method, path)
        signed_ms, headers = self._signed.get(key, (0, {}))
        if headers and 0 <= now_ms - signed_ms < self._lifetime_ms:
            return dict(headers)
        headers = self._signer.headers(method, path, now_ms)
        if key in self._fixed:
            with self._lock:
                self._signed[key] = (now_ms, headers)
        return dict(headers)

    def refresh(self, now_ms: int) -> None:
        """Sign all fixed paths anew, off the path of any order."""
        for method, path in sorted(self._fixed):
            headers = self._signer.headers(method, path, now_ms)
            with self._lock:
                self._signed[method, path] = (now_ms, headers)
