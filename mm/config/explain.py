"""What pydantic found wrong -> what the operator should read, with the key it is about."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any, Final, NamedTuple, get_args

from pydantic_core import ErrorDetails

from mm.config.errors import KeyPath
from mm.config.model import Config
from mm.config.scalars import kind_of
from mm.config.section import Section

SECRET = re.compile(
    r"secret|passw(or)?d|passphrase|token|api_?key|access_?key|key_?id|private|credential|\bpem\b|_pem\b",
    re.IGNORECASE,
)
NO_SECRETS: Final = (
    "secrets do not belong in a configuration: "
    "set KALSHI_API_KEY_ID and KALSHI_PRIVATE_KEY_PATH in the environment"
)
KINDS: Final[dict[str, str]] = {
    "int_type": "a whole number",
    "string_type": "text",
    "bool_type": "true or false",
    "dict_type": "a mapping: its keys on the lines below, indented",
    "model_type": "a mapping: its keys on the lines below, indented",
    "tuple_type": "a list, such as [A, B]",
}


class Finding(NamedTuple):
    """``at_key``: the key itself is wrong, not its value."""

    path: KeyPath
    message: str
    at_key: bool = False


def findings(errors: Iterable[ErrorDetails]) -> Iterator[Finding]:
    """In the words of this project; never quotes text that was given as a value."""
    for error in errors:
        yield from _EXPLAIN.get(error["type"], _wrong_kind)(error)


def unknown_key(path: KeyPath, known: Iterable[str]) -> Finding:
    """An unknown key, perhaps a misspelt one, perhaps a secret in the wrong place."""
    key = str(path[-1])
    if SECRET.search(key):
        return Finding(path, NO_SECRETS, at_key=True)
    return Finding(path, "unknown key" + did_you_mean(key, known), at_key=True)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``, did you mean "x"?`` or nothing."""
    by_small_letters = {each.lower(): each for each in known}
    close = difflib.get_close_matches(word[:100].lower(), by_small_letters, n=1)
    return f', did you mean "{by_small_letters[close[0]]}"?' if close else ""


def section_at(path: KeyPath) -> type[Section] | None:
    """The model that describes what stands at a path; ``None`` if it is no section."""
    annotation: Any = Config
    for part in path:
        section = _section(annotation)
        if section is not None:
            info = section.model_fields.get(str(part))
            annotation = info.annotation if info else None
        else:
            arguments = get_args(annotation)
            annotation = arguments[1] if len(arguments) == 2 else None
    return _section(annotation)


def _section(annotation: Any) -> type[Section] | None:
    candidates = (annotation, *get_args(annotation))
    return next((each for each in candidates if isinstance(each, type) and issubclass(each, Section)), None)


def _path(error: ErrorDetails) -> KeyPath:
    return tuple(part for part in error["loc"] if part != "[key]")


def _unknown(error: ErrorDetails) -> Iterator[Finding]:
    section = section_at(_path(error)[:-1])
    yield unknown_key(_path(error), section.model_fields if section else ())


def _missing(error: ErrorDetails) -> Iterator[Finding]:
    yield Finding(_path(error), "missing", at_key=True)


def _refused(error: ErrorDetails) -> Iterator[Finding]:
    yield Finding(_path(error), error["msg"], at_key="[key]" in error["loc"])


def _conflicts(error: ErrorDetails) -> Iterator[Finding]:
    for path, message in error["ctx"]["conflicts"]:
        yield Finding((*_path(error), *path), message)


def _not_one_of(error: ErrorDetails) -> Iterator[Finding]:
    expected: str = error["ctx"]["expected"].replace("'", "")
    given = error["input"]
    hint = did_you_mean(given, re.split(", | or ", expected)) if isinstance(given, str) else ""
    yield Finding(_path(error), f"must be {expected}{hint}")


def _wrong_kind(error: ErrorDetails) -> Iterator[Finding]:
    wanted = KINDS.get(error["type"])
    if wanted is None:
        yield Finding(_path(error), error["type"].replace("_", " "))
        return
    given = kind_of(error["input"])
    quote = ": quote it" if wanted == "text" and isinstance(error["input"], int | Decimal) else ""
    yield Finding(_path(error), f"must be {wanted}, not {given}{quote}")


_EXPLAIN: Final[dict[str, Callable[[ErrorDetails], Iterator[Finding]]]] = {
    "extra_forbidden": _unknown,
    "missing": _missing,
    "refused": _refused,
    "conflicts": _conflicts,
    "literal_error": _not_one_of,
}
