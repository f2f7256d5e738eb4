"""A key pair for a run of the server, in a private directory that goes away with it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

_RSA_BITS = 2048


@dataclass(frozen=True, slots=True)
class KeyPair:
    """The public half in PEM form, and the file of the private half."""

    public_pem: bytes
    private_path: Path


@contextmanager
def temporary_key_pair() -> Iterator[KeyPair]:
    """A fresh RSA pair; the private key is a PEM file that only this user can read, removed at the end."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    with tempfile.TemporaryDirectory(prefix="exchange-") as directory:
        path = Path(directory) / "private.pem"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(private)
        yield KeyPair(public, path)
