"""Secrets that are easy to find again: planted where runs have secrets, looked for where they write."""

from __future__ import annotations

import base64
import gzip
import json
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

# Characters that JSON and URLs write differently, so that each form is one of its own.
KEY_ID = "canary+key/id&7f3e9c"
PASSWORD = 'canary"pass/word+%5c\\e-41d8'
TOKEN = "canary/token+b0=91&a7"

# What may hold a secret because that is what it is for: keys and the service's environment.
MEANT_FOR_SECRETS = (".pem", ".env")
SHORTEST_LINE = 40

_planted: set[str] = {KEY_ID, PASSWORD, TOKEN}


def plant(secret: str) -> str:
    """From now on it may be found nowhere; of a PEM, none of its lines."""
    lines = [line for line in secret.splitlines() if len(line) >= SHORTEST_LINE and "-----" not in line]
    _planted.update(lines if "\n" in secret else [secret])
    return secret


def planted() -> frozenset[str]:
    return frozenset(_planted)


def forms(secret: str) -> set[bytes]:
    """Plain, JSON-escaped, URL-encoded, and in the middle of base64, wherever in it the secret begins."""
    raw = secret.encode()
    texts = {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
    }
    texts |= {quote(secret), quote(secret, safe=""), quote_plus(secret)}
    return {text.encode() for text in texts} | set(_in_base64(raw))


def _in_base64(raw: bytes) -> Iterator[bytes]:
    """The letters that the secret alone decides, for each place in a group of three where it may begin."""
    for before in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            letters = encode(b"\0" * before + raw)
            yield letters[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]


def hits(root: Path) -> list[str]:
    """Where below ``root`` a planted secret stands in a name or in the content of a file, packed ones too."""
    wanted = {form: secret for secret in _planted for form in forms(secret)}
    found = []
    for path in everything(root):
        name = str(path.relative_to(root))
        content = name.encode() + b"\n" + _content(path)
        found += [f"{name} holds {secret[:6]}..." for form, secret in wanted.items() if form in content]
    return sorted(set(found))


def everything(root: Path) -> Iterator[Path]:
    """A directory that is gone when its turn comes, because a process still ends, holds nothing."""
    for directory, directories, files in os.walk(root):
        yield from (Path(directory) / name for name in (*directories, *files))


def _content(path: Path) -> bytes:
    """Of a file that may have none of our secrets; empty for everything else."""
    try:
        if not path.is_file() or path.is_symlink() or path.suffix in MEANT_FOR_SECRETS:
            return b""
        data = path.read_bytes()
    except OSError:  # gone meanwhile, or made unreadable by the test
        return b""
    try:
        return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except (OSError, EOFError, zlib.error):
        return data
