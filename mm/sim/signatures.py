"""Who sent this request? Checks the three signed headers as the exchange does (protocol section 2)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from mm.sim.rights import FULL, Rights
from mm.sim.words import VenueError

KEY_HEADER = "KALSHI-ACCESS-KEY"
TIMESTAMP_HEADER = "KALSHI-ACCESS-TIMESTAMP"
SIGNATURE_HEADER = "KALSHI-ACCESS-SIGNATURE"
HEADERS = (KEY_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER)
MAX_SKEW_NS = 10_000_000_000

_PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)


class BadKey(ValueError):
    """A public key that cannot be used: the message says why."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who signed a request, and what the key may do."""

    user_id: str
    rights: Rights


@dataclass(frozen=True, slots=True)
class _Key:
    caller: Caller
    public: rsa.RSAPublicKey | ed25519.Ed25519PublicKey

    def accepts(self, signature: bytes, message: bytes) -> bool:
        try:
            if isinstance(self.public, rsa.RSAPublicKey):
                self.public.verify(signature, message, _PSS, hashes.SHA256())
            else:
                self.public.verify(signature, message)
        except InvalidSignature:
            return False
        return True


class KeyRing:
    """The API keys the exchange knows. ``max_skew_ns``: how far a timestamp may be off; the true window is
    not documented (protocol section 15 d), measured was 10 s accepted and 30 s refused."""

    def __init__(self, max_skew_ns: int = MAX_SKEW_NS) -> None:
        self.max_skew_ns = max_skew_ns
        self._keys: dict[str, _Key] = {}

    def add(self, key_id: str, user_id: str, public_pem: bytes, rights: Rights = FULL) -> None:
        """Register a key. Raises BadKey where the PEM is not an RSA or Ed25519 public key."""
        self._keys[key_id] = _Key(Caller(user_id, rights), _load(public_pem))

    def of(self, user_id: str) -> list[dict[str, Any]]:
        """The keys of one member, as ``GET /api_keys`` lists them; they have no names here."""
        return [
            {"api_key_id": key_id, "name": "", **_rights_body(key.caller.rights)}
            for key_id, key in self._keys.items()
            if key.caller.user_id == user_id
        ]

    def caller_of(self, now: int, method: str, path: str, headers: Mapping[str, str]) -> Caller | None:
        """The account a request was signed for; None where it carries none of the three headers.

        ``path`` is the full path as it was sent, without query; ``headers`` a case-insensitive mapping.
        Raises VenueError (401) as protocol section 2 words it.
        """
        key_id, timestamp, signature = (headers.get(name, "") for name in HEADERS)
        if not (key_id or timestamp or signature):
            return None
        if not (key_id and timestamp and signature):
            raise missing_signature()
        self._check_clock(now, timestamp)
        key = self._keys.get(key_id)
        if key is None:
            raise _unauthenticated("NOT_FOUND")
        message = f"{timestamp}{method.upper()}{path}".encode()
        try:
            raw = base64.b64decode(signature, validate=True)
        except (binascii.Error, ValueError):
            raise _unauthenticated("INCORRECT_API_KEY_SIGNATURE") from None
        if not key.accepts(raw, message):
            raise _unauthenticated("INCORRECT_API_KEY_SIGNATURE")
        return key.caller

    def _check_clock(self, now: int, timestamp: str) -> None:
        in_digits = timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 18
        if not in_digits or abs(int(timestamp) * 1_000_000 - now) > self.max_skew_ns:
            raise VenueError(401, "header_timestamp_expired")


def _rights_body(rights: Rights) -> dict[str, Any]:
    locked = {} if rights.subaccount is None else {"subaccount": rights.subaccount}
    return {"scopes": sorted(rights.scopes), **locked}


def missing_signature() -> VenueError:
    """What a private path answers to a request without the headers."""
    return VenueError(401, "signature_is_missing_from_headers")


def _unauthenticated(details: str) -> VenueError:
    return VenueError(401, "authentication_error", "authentication_error", details)


def _load(public_pem: bytes) -> rsa.RSAPublicKey | ed25519.Ed25519PublicKey:
    try:
        key: PublicKeyTypes = serialization.load_pem_public_key(public_pem)
    except (ValueError, UnsupportedAlgorithm):
        raise BadKey("this is not a public key in PEM form") from None
    if not isinstance(key, rsa.RSAPublicKey | ed25519.Ed25519PublicKey):
        raise BadKey(f"an RSA or Ed25519 public key is needed, this is {type(key).__name__.strip('_')}")
    return key
