"""A person's reason as it is written down and shown: one line that no terminal obeys and every file can hold,
whatever the shell, a file or the environment handed over. An emergency never fails because of its wording."""

from __future__ import annotations

from typing import Final

LONGEST: Final = 500


def one_line(text: str) -> str:
    """At most `LONGEST` characters; what cannot be printed, and bytes that are no text, become blanks."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split())[:LONGEST]
