"""Every key with its kind, default and meaning, read off the models: the manual cannot fall behind them."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any, Final, Literal, NamedTuple, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from mm.config.amounts import Amount
from mm.config.model import Config
from mm.config.reloadable import is_reloadable
from mm.config.section import Range, Section

NAME: Final = "<NAME>"
WORDS: Final[dict[object, str]] = {str: "text", int: "whole number", bool: "true or false"}


class Row(NamedTuple):
    """One key, all of it as text; and whether a running bot takes it over when it reads the file again."""

    key: str
    kind: str
    default: str
    meaning: str
    is_reloadable: bool


def rows(section: type[Section] = Config, above: str = "") -> Iterator[Row]:
    """All keys in the order of the models; sections come before what is in them."""
    for name, info in section.model_fields.items():
        key = above + name
        kind, meaning = _kind(info.annotation, _bounds(info)), info.description or ""
        yield Row(key, kind, _default(info), meaning, is_reloadable(tuple(key.split("."))))
        inner = _inner(info.annotation)
        if inner is not None:
            yield from rows(inner, f"{key}.{NAME}." if get_origin(info.annotation) is dict else f"{key}.")


def markdown_tables() -> str:
    """One table for each section of the file."""
    tables: dict[str, list[str]] = {}
    for row in rows():
        section, _, name = row.key.rpartition(".")
        cells = (f"`{name}`", row.kind, row.default, "yes" if row.is_reloadable else "", row.meaning)
        tables.setdefault(section, []).append(f"| {' | '.join(cells)} |")
    head = "| key | kind | default | reload | meaning |\n|---|---|---|---|---|\n"
    return "\n".join(
        f"### {f'`{section}`' if section else 'Top level'}\n\n{head}" + "\n".join(lines) + "\n"
        for section, lines in tables.items()
    )


def _inner(annotation: Any) -> type[Section] | None:
    return next((each for each in _alternatives(annotation) if _is_section(each)), None)


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    """The type itself, the members of a union, the values of a dict; without what annotates them."""
    bare = annotation.__origin__ if hasattr(annotation, "__metadata__") else annotation
    if get_origin(bare) in {Union, types.UnionType, dict}:
        return tuple(each for part in get_args(bare) for each in _alternatives(part))
    return (bare,)


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Section)


def _kind(annotation: Any, bounds: str) -> str:
    alternatives = _alternatives(annotation)
    words = [_word(each) for each in alternatives if each is not type(None)]
    if get_origin(annotation) is dict:
        words = ["mapping"]
    text = words[0] + (f", {bounds}" if bounds else "")
    return f"{text}, or `null`" if type(None) in alternatives else text


def _word(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " / ".join(f"`{choice}`" for choice in get_args(kind))
    if get_origin(kind) is tuple:
        return "list of tickers"
    if isinstance(kind, type) and issubclass(kind, Amount):
        return kind.unit.split(",")[0]
    return "section" if _is_section(kind) else WORDS.get(kind, "mapping")


def _bounds(info: FieldInfo) -> str:
    """The range of a number, whether the field or one member of its union carries it."""
    carried = [*info.metadata]
    for part in get_args(info.annotation):
        carried.extend(getattr(part, "__metadata__", ()))
    return next((each.words() for each in carried if isinstance(each, Range)), "")


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    value = info.get_default(call_default_factory=True)
    if isinstance(value, Section):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    words = {"None": "null", "()": "[]"}
    return f"`{words.get(str(value), str(value))}`"
