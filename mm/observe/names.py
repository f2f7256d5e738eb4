"""File names of a run: what an operator may call a desk, and where its files may lie."""

from __future__ import annotations

import re
from pathlib import Path

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}", re.ASCII)


class UnsafeName(ValueError):
    """The name of a desk, or of a file made from it, could point outside the run directory."""


def check_name(name: str) -> str:
    """``name`` itself if it is a desk's name: letters, digits, ``_`` and ``-``, at most 32, the first a
    letter or digit. Raises `UnsafeName`."""
    if NAME.fullmatch(name) is None:
        raise UnsafeName(
            f"{name[:40]!a} is no desk name: letters, digits, _ and -, 1 to 32, not first _ or -"
        )
    return name


def inside(run_dir: Path, file_name: str) -> Path:
    """``run_dir/file_name``, proven to lie directly in ``run_dir``; a link at that place counts as where
    it points. Raises `UnsafeName`."""
    if "\0" in file_name:
        raise UnsafeName(f"{file_name[:40]!a} holds a NUL")
    home = run_dir.resolve()
    path = home / file_name
    if path.resolve().parent != home or path.name != file_name:
        raise UnsafeName(f"{file_name[:80]!a} would lie outside {home}")
    return path
