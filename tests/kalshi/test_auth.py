"""Signatures that verify, keys that are refused, and secrets that do not show."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

from mm.kalshi.auth import HeaderCache, Signer
from mm.kalshi.key_file import KeyFileError, PrivateKey, load_private_key

PATH = "/trade-api/v2/portfolio/orders"
KEY_ID = "a952bcbe-ec3b-4b5b-b8f9-11dae589608c"


@pytest.fixture(scope="module")
def rsa_key() -> RSAPrivateKey:
    return generate_private_key(65_537, 2048)


def pem(key: PrivateKey | ec.EllipticCurvePrivateKey, password: bytes | None = None) -> bytes:
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        encryption = serialization.BestAvailableEncryption(password)
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    directory = tmp_path / "keys"
    directory.mkdir(mode=0o700)
    path = directory / "key.pem"
    path.write_bytes(pem(Ed25519PrivateKey.generate()))
    path.chmod(0o600)
    return path


# -- signatures -----------------------------------------------------------------------------------------
def test_an_rsa_signature_verifies_over_time_method_and_path(rsa_key: RSAPrivateKey) -> None:
    headers = Signer(KEY_ID, rsa_key).headers("get", PATH, 1_703_123_456_789)
    assert headers["KALSHI-ACCESS-KEY"] == KEY_ID
    assert headers["KALSHI-ACCESS-TIMESTAMP"] == "1703123456789"
    signature = base64.b64decode(headers["KALSHI-ACCESS-SIGNATURE"], validate=True)
    scheme = padding.PSS(mgf=padding.MGF1(SHA256()), salt_length=32)
    public = rsa_key.public_key()
    public.verify(signature, f"1703123456789GET{PATH}".encode(), scheme, SHA256())
    with pytest.raises(InvalidSignature):
        public.verify(signature, f"1703123456789POST{PATH}".encode(), scheme, SHA256())


def test_an_ed25519_signature_verifies() -> None:
    key = Ed25519PrivateKey.generate()
    headers = Signer(KEY_ID, key).headers("DELETE", PATH, 7)
    key.public_key().verify(base64.b64decode(headers["KALSHI-ACCESS-SIGNATURE"]), f"7DELETE{PATH}".encode())


def test_a_query_is_never_signed() -> None:
    with pytest.raises(ValueError, match="no query"):
        Signer(KEY_ID, Ed25519PrivateKey.generate()).headers("GET", PATH + "?limit=1", 7)


def test_no_secret_shows_in_a_repr(rsa_key: RSAPrivateKey) -> None:
    signer = Signer(KEY_ID, rsa_key)
    for shown in (repr(signer), str(signer), repr(HeaderCache(signer, (("GET", PATH),)))):
        assert KEY_ID not in shown and KEY_ID[:8] not in shown


def test_fixed_paths_are_signed_ahead_and_others_when_asked() -> None:
    cache = HeaderCache(Signer(KEY_ID, Ed25519PrivateKey.generate()), (("POST", PATH),), lifetime_ms=2_000)

    def time_of(method: str, now: int) -> str:
        return cache.headers(method, PATH, now)["KALSHI-ACCESS-TIMESTAMP"]

    cache.refresh(10_000)
    assert time_of("POST", 11_999) == "10000"
    assert time_of("POST", 12_000) == "12000"
    assert time_of("POST", 11_000) == "11000", "never a header of the future"
    assert time_of("GET", 12_000) == "12000"
    assert time_of("GET", 12_001) == "12001"


def test_who_gets_headers_cannot_change_those_of_others() -> None:
    cache = HeaderCache(Signer(KEY_ID, Ed25519PrivateKey.generate()), (("POST", PATH),))
    cache.headers("POST", PATH, 5)["Content-Type"] = "application/json"
    assert "Content-Type" not in cache.headers("POST", PATH, 6)


# -- the key's file -------------------------------------------------------------------------------------
def test_a_careful_key_file_is_read(key_file: Path, rsa_key: RSAPrivateKey) -> None:
    assert isinstance(load_private_key(key_file), Ed25519PrivateKey)
    key_file.write_bytes(pem(rsa_key))
    assert isinstance(load_private_key(key_file), RSAPrivateKey)
    key_file.chmod(0o400)
    load_private_key(key_file)


def make_link(path: Path) -> None:
    real = path.with_name("real.pem")
    path.rename(real)
    path.symlink_to(real)


def make_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


CASES: dict[str, tuple[Callable[[Path], object], str]] = {
    "readable by the group": (lambda path: path.chmod(0o640), "chmod 600"),
    "readable by others": (lambda path: path.chmod(0o604), "chmod 600"),
    "executable by the group": (lambda path: path.chmod(0o610), "chmod 600"),
    "symbolic link": (make_link, "symbolic link"),
    "pipe": (make_pipe, "plain file"),
    "directory writable by the group": (lambda path: path.parent.chmod(0o770), "chmod go-w"),
    "directory writable by others": (lambda path: path.parent.chmod(0o1702), "chmod go-w"),
    "missing": (lambda path: path.unlink(), "No such file"),
    "empty": (lambda path: path.write_bytes(b""), "PEM"),
    "too large": (lambda path: path.write_bytes(b"x" * 70_000), "too large"),
    "encrypted": (lambda path: path.write_bytes(pem(Ed25519PrivateKey.generate(), b"pw")), "encrypted"),
    "weak": (lambda path: path.write_bytes(pem(generate_private_key(65_537, 1024))), "2048 bits"),
    "other kind": (lambda path: path.write_bytes(pem(ec.generate_private_key(ec.SECP256R1()))), "neither"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_careless_key_file_is_refused(case: str, key_file: Path) -> None:
    spoil, message = CASES[case]
    spoil(key_file)
    with pytest.raises(KeyFileError, match=message) as caught:
        load_private_key(key_file)
    assert caught.value.__cause__ is None and "PRIVATE" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("what", ["file", "directory"])
def test_a_key_that_belongs_to_someone_else_is_refused(what: str, key_file: Path) -> None:
    os.chown(key_file if what == "file" else key_file.parent, 4_321, -1)
    with pytest.raises(KeyFileError, match="another user"):
        load_private_key(key_file)


def test_a_key_owned_by_a_stranger_is_refused_for_any_user(key_file: Path) -> None:
    if os.geteuid() == 0:
        os.chown(key_file.parent, 4_321, -1)
        os.chown(key_file, 4_321, -1)
        load_private_key(key_file, uid=4_321)
    else:
        with pytest.raises(KeyFileError, match="another user"):
            load_private_key(key_file, uid=os.geteuid() + 1)
