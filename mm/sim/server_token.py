"""The token of the admin port: a fresh one in a private file that goes away, or the one of a given file."""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_BYTES = 32
_FEWEST_CHARACTERS = 16
_MOST_BYTES = 4_096


class BadToken(ValueError):
    """A token file that cannot be used; the message says why, never what is in it."""


@dataclass(frozen=True, slots=True)
class Token:
    """The secret, and the file where its user finds it."""

    text: str = field(repr=False)
    path: Path


@contextmanager
def temporary_token() -> Iterator[Token]:
    """A fresh token in a file that only this user can read, removed at the end."""
    text = secrets.token_urlsafe(_BYTES)
    with tempfile.TemporaryDirectory(prefix="exchange-admin-") as directory:
        path = Path(directory) / "token"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        yield Token(text, path)


def read_token(path: Path) -> Token:
    """The token of a file. Raises BadToken where others may read it or it holds no token, OSError where it
    cannot be read."""
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if not stat.S_ISREG(mode) or mode & 0o077:
            raise BadToken("it must be a file that only its owner can read (chmod 600)")
        raw = file.read(_MOST_BYTES)
    try:
        text = raw.decode("ascii").strip()
    except UnicodeDecodeError:
        raise BadToken("it holds no token: ASCII is needed") from None
    if len(text) < _FEWEST_CHARACTERS or not text.isprintable() or " " in text:
        raise BadToken(f"it holds no token: {_FEWEST_CHARACTERS} characters or more, no spaces")
    return Token(text, path)
