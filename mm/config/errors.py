"""What is wrong with a configuration, and where. Light on purpose: the command line imports it at start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

EXIT_WRONG_CONFIGURATION = 78
"""EX_CONFIG of sysexits.h; the service is not restarted on it."""

KeyPath: TypeAlias = tuple[str | int, ...]
"""The way to a value from the top: ``("desks", "DEFAULT", "markets", "tickers", 0)``."""

LONGEST_KEY_SHOWN = 100


@dataclass(frozen=True)
class ConfigError:
    """One thing to mend. ``line`` and ``column`` count from 1, ``None`` where there is no file (an
    environment variable, whose name is then ``file``). ``key`` is empty if the whole is meant."""

    file: str
    line: int | None
    column: int | None
    key: str
    message: str

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        return ": ".join(part for part in (place, self.key, self.message) if part)


class ConfigErrors(Exception):
    """All that is wrong with a configuration, in file order. Never holds a value that was text."""

    def __init__(self, errors: Sequence[ConfigError]) -> None:
        super().__init__(*errors)
        self.errors = tuple(errors)

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)


def key_text(path: KeyPath) -> str:
    """``desks.DEFAULT.markets.tickers[0]``; unprintable characters escaped, cut at 100 characters."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    shown = text if text.isprintable() else ascii(text)[1:-1]
    return shown if len(shown) <= LONGEST_KEY_SHOWN else shown[:LONGEST_KEY_SHOWN] + "..."
