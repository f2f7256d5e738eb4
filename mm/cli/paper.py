"""Where commands print for people: a terminal, as wide as it is, or a file or pipe, whose lines are never
wrapped: a row of a table stays one line, for grep and for copying."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.console import Console

UNWRAPPED: Final = 1_000


def paper(environment: Mapping[str, str] = os.environ) -> Console:
    """A console on standard output. ``COLUMNS`` of the environment has the last word."""
    from rich.console import Console

    console = Console()
    return console if console.is_terminal or "COLUMNS" in environment else Console(width=UNWRAPPED)
