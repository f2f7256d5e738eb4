"""Overrides from the environment: ``KMM__circuit_breaker__pnl_threshold=-50`` stands over the file.

Two underscores are one step down. The value is read by the same rules as a value in the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from mm.config.document import Document, compose
from mm.config.errors import ConfigError, ConfigErrors, KeyPath, key_text
from mm.config.explain import did_you_mean
from mm.config.model import Config
from mm.config.text import decode

PREFIX: Final = "KMM__"
STEP: Final = "__"
# A limit that someone believes to be set, and is not, is worse than an error.
MISSPELT: Final = re.compile(rf"(?i:kmm)_+({'|'.join(Config.model_fields)})(_|$)")


def override(document: Document, environment: Mapping[str, str]) -> None:
    """Lays the environment's values over ``document.data`` (a mapping), in the order of their names.

    Notes in ``document.variables`` which values are the environment's, and errors in ``document.errors``.
    """
    for name in sorted(environment):
        if name.startswith(PREFIX):
            path = tuple(name.removeprefix(PREFIX).split(STEP))
            for problem in _lay_over(document, name, path, environment[name]):
                document.errors.append(ConfigError(key_text((name,)), None, None, key_text(path), problem))
        elif MISSPELT.match(name):
            problem = f"would not be read: after KMM come two underscores, as in {PREFIX}log__level"
            document.errors.append(ConfigError(key_text((name,)), None, None, "", problem))


def _lay_over(document: Document, name: str, path: KeyPath, text: str) -> Iterator[str]:
    """Yields what is wrong with it, if anything."""
    value, problems = _value(text)
    yield from problems
    if problems:
        return
    if isinstance(value, dict):
        yield "a whole mapping cannot be overridden: one variable for each value"
        return
    problem = _no_such_desk(document.data, path) or _put(document.data, path, value)
    if problem:
        yield problem
        return
    document.variables[path] = name


def _value(text: str) -> tuple[object, list[str]]:
    try:
        decode(text.encode("utf-8", "surrogateescape"), "")
    except ConfigErrors as problems:
        return None, [error.message for error in problems.errors]
    if not text.strip():
        return None, ["no value"]
    found = compose(text, "")
    return found.data, [error.message for error in found.errors]


def _no_such_desk(data: object, path: KeyPath) -> str | None:
    """A misspelt desk must not become a second desk."""
    desks = data.get("desks") if isinstance(data, dict) else None
    if path[0] != "desks" or len(path) < 2 or not isinstance(desks, dict) or path[1] in desks:
        return None
    return f"there is no such desk{did_you_mean(str(path[1]), desks)}"


def _put(data: object, path: KeyPath, value: object) -> str | None:
    """Sets one value, making the mappings on the way; what stands in the way is returned as a complaint."""
    for part in path[:-1]:
        if not isinstance(data, dict):
            return "unknown key: what stands above it is a single value"
        data = data.setdefault(part, {})
    if not isinstance(data, dict):
        return "unknown key: what stands above it is a single value"
    data[path[-1]] = value
    return None
