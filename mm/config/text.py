"""The bytes of a file -> text that may be shown to the YAML parser: bounded, UTF-8, no tabs, no controls."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from mm.config.errors import ConfigError, ConfigErrors

LARGEST_BYTES: Final = 1 << 20
# What YAML calls unprintable, and tabs, and the marks that turn the direction of text around.
UNFIT = re.compile(
    "[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)


def read_text(path: Path) -> str:
    """The text of a configuration file.

    Raises:
        ConfigErrors: not there, not readable, over 1 MiB, not UTF-8, tabs or control characters.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
    except (OSError, ValueError) as problem:  # ValueError: a NUL in the path
        reason = getattr(problem, "strerror", None) or "not a path"
        raise ConfigErrors([ConfigError(str(path), None, None, "", f"cannot be read: {reason}")]) from None
    return decode(content, str(path))


def decode(content: bytes, file: str) -> str:
    """Raises:
    ConfigErrors: over 1 MiB, not UTF-8, tabs or control characters (every line that has one).
    """
    if len(content) > LARGEST_BYTES:
        raise ConfigErrors([ConfigError(file, None, None, "", "larger than 1 MiB")])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line, column = _place_of_byte(content, problem.start)
        raise ConfigErrors([ConfigError(file, line, column, "", "not UTF-8 text")]) from None
    unfit = _unfit(text, file)
    if unfit:
        raise ConfigErrors(unfit)
    return text


def _place_of_byte(content: bytes, offset: int) -> tuple[int, int]:
    before = content[:offset]
    start_of_line = before.rfind(b"\n") + 1
    return before.count(b"\n") + 1, len(before[start_of_line:].decode("utf-8", "replace")) + 1


def _unfit(text: str, file: str) -> list[ConfigError]:
    """One error for each line with an unfit character."""
    found = ((number, UNFIT.search(line)) for number, line in enumerate(text.split("\n"), 1))
    return [
        ConfigError(file, number, match.start() + 1, "", _complaint(match.group()))
        for number, match in found
        if match
    ]


def _complaint(character: str) -> str:
    if character == "\t":
        return "a tab: use spaces"
    return f"a control character (U+{ord(character):04X})"
