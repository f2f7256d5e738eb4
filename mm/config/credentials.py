"""Who we are at the exchange: from two environment variables, for the second of which systemd may stand in.
The key itself stays in its file; this holds only the way to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mm.config.errors import ConfigError, ConfigErrors

KEY_ID: Final = "KALSHI_API_KEY_ID"
KEY_PATH: Final = "KALSHI_PRIVATE_KEY_PATH"
# LoadCredential=kalshi.pem: systemd puts the file into a directory that only the service sees.
HANDED_OVER_IN: Final = "CREDENTIALS_DIRECTORY"
HANDED_OVER_AS: Final = "kalshi.pem"
# Less could not be told from ordinary text, and so not be hidden in what is written.
SHORTEST: Final = 4


@dataclass(frozen=True, repr=False)
class Credentials:
    """Shows nothing of itself when printed."""

    key_id: str
    private_key_path: Path

    def __repr__(self) -> str:
        return "Credentials(<hidden>)"


def read_credentials(environment: Mapping[str, str]) -> Credentials | None:
    """``None`` if neither variable is set, and systemd has handed no key over.

    Raises:
        ConfigErrors: only one is set, or one cannot be what it should be. No value is shown.
    """
    key_id, path = environment.get(KEY_ID, ""), environment.get(KEY_PATH, "") or _handed_over(environment)
    if not key_id and not path:
        return None
    checks = (
        (KEY_ID, not key_id, f"missing, but {_what_is_there(environment)}"),
        (KEY_PATH, not path, f"missing, but {KEY_ID} is set"),
        (KEY_ID, bool(key_id) and not _is_one_word(key_id), "must be one printable ASCII word"),
        (KEY_ID, 0 < len(key_id) < SHORTEST, f"must be of at least {SHORTEST} characters"),
        (KEY_PATH, "-----BEGIN" in path, "must be the path of the key's file, not the key itself"),
        (KEY_PATH, "\0" in path, "must be a path"),
    )
    problems = [ConfigError(name, None, None, "", message) for name, wrong, message in checks if wrong]
    if problems:
        raise ConfigErrors(problems)
    return Credentials(key_id, Path(path))


def _handed_over(environment: Mapping[str, str]) -> str:
    """The path of the key that systemd gave us; empty if it gave none."""
    directory = environment.get(HANDED_OVER_IN, "")
    path = Path(directory) / HANDED_OVER_AS
    return str(path) if directory and path.exists() else ""


def _what_is_there(environment: Mapping[str, str]) -> str:
    return f"{KEY_PATH} is set" if environment.get(KEY_PATH) else f"the credential {HANDED_OVER_AS} is given"


def _is_one_word(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text
