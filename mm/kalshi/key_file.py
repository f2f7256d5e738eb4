"""Reading the private key from its file, only if nobody else could have read or replaced it (X01).

systemd hands a key over in a directory of its own: a read-only mount in memory that only the service sees,
where its user may be let in through the group bits (systemd.exec(5), credentials). That is no looseness; the
same bits anywhere else are.

No message here ever holds any part of the key.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

PrivateKey: TypeAlias = RSAPrivateKey | Ed25519PrivateKey
LARGEST_FILE: Final = 64 * 1024
SMALLEST_RSA_BITS: Final = 2048
CREDENTIALS: Final = "CREDENTIALS_DIRECTORY"


class KeyFileError(Exception):
    """The key cannot be used; the message says which rule its file breaks."""


def load_private_key(
    path: Path, uid: int | None = None, environment: Mapping[str, str] = os.environ
) -> PrivateKey:
    """The key in the PEM file ``path``. ``uid`` is who must own it (default: this process's user). In the
    directory that ``environment`` names as systemd's, if it is one, the group may read it.

    :raises KeyFileError: if the file is missing, a symbolic link, no plain file, readable or writable by
        group or others, owned by someone else than ``uid`` or root, in a directory that group or others
        can write (also if sticky), or holds no unencrypted RSA (2048 bits or more) or Ed25519 key.
    """
    owners = {0, os.geteuid() if uid is None else uid}
    _check_directory(path.parent, owners)
    allowed = 0o740 if _is_handed_over(path.parent, environment) else 0o700
    return _parsed(_read(path, owners, allowed), path)


def _is_handed_over(directory: Path, environment: Mapping[str, str]) -> bool:
    """Is it where systemd puts credentials: nobody can write there, and others see nothing?"""
    if not environment.get(CREDENTIALS) or directory != Path(environment[CREDENTIALS]):
        return False
    is_read_only = bool(os.statvfs(directory).f_flag & os.ST_RDONLY)
    return is_read_only and not directory.stat().st_mode & 0o007


def _check_directory(directory: Path, owners: set[int]) -> None:
    try:
        status = directory.stat()
    except OSError as error:
        raise KeyFileError(f"key directory {directory}: {error.strerror}") from None
    if status.st_mode & 0o022:
        raise KeyFileError(f"key directory {directory}: group or others can write in it (chmod go-w)")
    if status.st_uid not in owners:
        raise KeyFileError(f"key directory {directory}: owned by another user")


def _read(path: Path, owners: set[int], allowed: int) -> bytes:
    """Opens first and checks what is open, so that nothing can be swapped in between."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        reason = "is a symbolic link" if path.is_symlink() else error.strerror
        raise KeyFileError(f"key file {path}: {reason}") from None
    with os.fdopen(descriptor, "rb") as file:
        _check_file(os.fstat(descriptor), path, owners, allowed)
        return file.read(LARGEST_FILE + 1)


def _check_file(status: os.stat_result, path: Path, owners: set[int], allowed: int) -> None:
    problems = (
        (not stat.S_ISREG(status.st_mode), "is not a plain file"),
        (bool(stat.S_IMODE(status.st_mode) & 0o777 & ~allowed), "group or others have access (chmod 600)"),
        (status.st_uid not in owners, "owned by another user"),
        (status.st_size > LARGEST_FILE, "too large for a key"),
    )
    for is_broken, message in problems:
        if is_broken:
            raise KeyFileError(f"key file {path}: {message}")


def _parsed(pem: bytes, path: Path) -> PrivateKey:
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError:
        raise KeyFileError(f"key file {path}: the key is encrypted") from None
    except (ValueError, UnsupportedAlgorithm):
        raise KeyFileError(f"key file {path}: no private key in PEM form") from None
    if isinstance(key, RSAPrivateKey) and key.key_size < SMALLEST_RSA_BITS:
        raise KeyFileError(f"key file {path}: an RSA key under {SMALLEST_RSA_BITS} bits")
    if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
        raise KeyFileError(f"key file {path}: neither an RSA nor an Ed25519 key")
    return key
