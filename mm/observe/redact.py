"""Secrets never reach a file or a terminal: they are cut out where bytes leave, whole, with no part shown."""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus

HIDDEN = "[redacted]"
SHORTEST = 4
NAMES_KEPT = 1_000
SECRET_KEY = re.compile(
    r"secret|password|passwd|passphrase|token|private[_-]?key|api[_-]?key|access[_-]?key|key[_-]?id|"
    r"signature|authorization|credential",
    re.IGNORECASE,
)
PEM = re.compile(r"-----BEGIN [A-Z0-9 ]+-----.*?(?:-----END [A-Z0-9 ]+-----|\Z)", re.DOTALL)
HEADER = re.compile(
    r"""((?:KALSHI-ACCESS-(?:KEY|SIGNATURE)|AUTHORIZATION)\\?["']?\s*[:=,]\s*\\?["']?)"""
    r"""(?:Bearer\s+|Basic\s+)?[^\s"',}\\]+""",
    re.IGNORECASE,
)


class Redactor:
    """Knows the secrets of this process in every form that they could leak in."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: tuple[str, ...] = ()
        self._bytes: tuple[bytes, ...] = ()
        # The names of records are few, and every line has them: as they may be shown, and if what they name
        # is hidden.
        self._names: dict[str, tuple[str, bool]] = {}
        for secret in secrets:
            self.register(secret)

    def __repr__(self) -> str:
        return f"Redactor({len(self._forms)} forms)"

    def register(self, secret: str) -> None:
        """Hide ``secret`` from now on, and each line of it if it has several (a PEM). Raises ValueError if
        it is too short to be told from ordinary text."""
        if len(secret) < SHORTEST:
            raise ValueError(f"a secret of fewer than {SHORTEST} characters cannot be hidden")
        parts = {secret, secret.strip()}
        if "\n" in secret.strip():
            lines = (line.strip() for line in secret.splitlines() if "-----" not in line)  # no PEM's borders
            parts |= {line for line in lines if len(line) > 2 * SHORTEST}
        forms = {form for part in parts for form in _forms(part)}
        # The longest first, so that no longer form leaves a rest.
        self._forms = tuple(sorted({*self._forms, *forms}, key=lambda form: (-len(form), form)))
        self._bytes = tuple(form.encode("utf-8", "surrogatepass") for form in self._forms)
        self._names.clear()

    def line(self, data: bytes) -> bytes:
        """Bytes on their way to a file: registered secrets only, so that JSON stays JSON."""
        for form in self._bytes:
            if form in data:
                data = data.replace(form, HIDDEN.encode())
        return data

    def text(self, text: str) -> str:
        """A text from anywhere: also PEM blocks, and headers that carry a key or a signature."""
        if "-----BEGIN" in text:
            text = PEM.sub(HIDDEN, text)
        text = HEADER.sub(_without_what_follows, text)
        for form in self._forms:
            if form in text:
                text = text.replace(form, HIDDEN)
        return text

    def value(self, value: object) -> object:
        """The same for a value of a record, however deep. What is neither a number nor a container is
        turned into text first, because its own form could hide a secret from us; so is NaN, for JSON."""
        if isinstance(value, str):
            return self.text(value)
        if value is None or isinstance(value, int):
            return value
        if isinstance(value, float):
            return value if math.isfinite(value) else str(value)
        if isinstance(value, Mapping):
            return dict(self._named(str(name), inner) for name, inner in value.items())
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(inner) for inner in value]
        if isinstance(value, bytes):
            return self.text(value.decode("utf-8", "backslashreplace"))
        return self.text(str(value))

    def _named(self, name: str, value: object) -> tuple[str, object]:
        known = self._names.get(name)
        if known is None:
            if len(self._names) >= NAMES_KEPT:
                self._names.clear()
            known = self._names[name] = self.text(name), SECRET_KEY.search(name) is not None
        shown, is_secret = known
        return shown, HIDDEN if is_secret else self.value(value)


def _without_what_follows(header: re.Match[str]) -> str:
    return header[1] + HIDDEN


def _forms(secret: str) -> set[str]:
    """Plain, and as JSON, URL, repr and base64 (both alphabets, with and without padding) write it."""
    raw = secret.encode("utf-8", "surrogatepass")
    packed = [base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()]
    return {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        quote(raw, safe=""),
        quote(raw),
        quote_plus(raw),
        *packed,
        *(text.rstrip("=") for text in packed),
    }
