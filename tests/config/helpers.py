"""Reading configurations in tests: the tests' own strategies, no environment unless given."""

from __future__ import annotations

from collections.abc import Mapping

from mm.config.errors import ConfigErrors
from mm.config.load import Loaded, parse_config

STRATEGIES = "tests.config.own_strategies"
GOOD = "version: 1\ndesks: {A: {strategy: own}}\n"


def read(text: str | bytes, environment: Mapping[str, str] | None = None) -> Loaded:
    content = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return parse_config(content, environment or {}, "c", STRATEGIES)


def errors_of(text: str | bytes, environment: Mapping[str, str] | None = None) -> list[str]:
    """Every error as the operator reads it (the file is called ``c``); empty if there is none."""
    try:
        read(text, environment)
    except ConfigErrors as problem:
        return [str(error) for error in problem.errors]
    return []
