"""The text of a configuration -> plain data, with the place of every key and value.

Composes PyYAML's events itself: that keeps places, sees duplicates, and never builds what it would refuse
(aliases, tags, deep nesting). Goes on after an error where it can, so that all are reported at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import yaml

from mm.config.errors import ConfigError, KeyPath, key_text
from mm.config.scalars import Scalar, ScalarRefused, plain

DEEPEST: Final = 16


class Place(NamedTuple):
    """Counted from 1."""

    line: int
    column: int


@dataclass
class Document:
    """``data``: dicts, tuples and scalars. ``keys`` and ``values`` say where each stands. At and below a
    ``broken`` path an error is reported already and the data mean nothing. ``variables`` names the
    environment variables that stand over the file."""

    file: str
    data: object = None
    keys: dict[KeyPath, Place] = field(default_factory=dict)
    values: dict[KeyPath, Place] = field(default_factory=dict)
    broken: set[KeyPath] = field(default_factory=set)
    variables: dict[KeyPath, str] = field(default_factory=dict)
    errors: list[ConfigError] = field(default_factory=list)

    def refuse(self, place: Place, path: KeyPath, message: str) -> None:
        self.errors.append(ConfigError(self.file, place.line, place.column, key_text(path), message))

    def place(self, path: KeyPath, *, at_key: bool = False) -> Place:
        """Of the value, or of its key; of the nearest key above if it is not in the file."""
        if not at_key and path in self.values:
            return self.values[path]
        while path and path not in self.keys:
            path = path[:-1]
        return self.keys.get(path, Place(1, 1))

    def variable_of(self, path: KeyPath) -> str | None:
        """The environment variable that set the value at a path, or put anything there at all."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.variables:
                return self.variables[path[:length]]
        if path in self.keys:
            return None
        below = (name for at, name in self.variables.items() if path and at[: len(path)] == path)
        return next(below, None)

    def is_broken(self, path: KeyPath) -> bool:
        return any(path[:length] in self.broken for length in range(len(path) + 1))


def compose(text: str, file: str) -> Document:
    """Reads one YAML document. Never raises: what is wrong is in ``errors``.

    Text must be printable (`mm.config.text` sees to that) and of bounded size.
    """
    document = Document(file)
    try:
        _Composer(document, yaml.parse(text, Loader=yaml.SafeLoader)).stream()
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
        document.refuse(place, (), f"not valid YAML: {_syntax(problem)}")
        document.broken.add(())
    except (yaml.YAMLError, ValueError, OverflowError):
        # PyYAML lets chr() complain of an escape such as "\UFFFFFFFF", without a place.
        document.refuse(Place(1, 1), (), "not valid YAML: a character that does not exist")
        document.broken.add(())
    return document


def _syntax(problem: yaml.MarkedYAMLError) -> str:
    """PyYAML's words without the piece of text that it quotes."""
    begun = f" ({problem.context}" if problem.context else ""
    if begun and problem.context_mark:
        begun += f" begun in line {problem.context_mark.line + 1}"
    return f"{problem.problem}{begun}{')' if begun else ''}"


def _too_deep(event: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=f"nested deeper than {DEEPEST} levels", problem_mark=event.start_mark)


class _Composer:
    """One pass over the events of a stream."""

    def __init__(self, document: Document, events: Iterator[Any]) -> None:
        self._document = document
        self._events = events

    def stream(self) -> None:
        next(self._events)
        if isinstance(next(self._events), yaml.StreamEndEvent):
            self._break(Place(1, 1), (), "there is nothing in it")
            return
        self._document.data = self._value((), next(self._events))
        next(self._events)
        after = next(self._events)
        if isinstance(after, yaml.DocumentStartEvent):
            self._break(_place(after), (), "a second document begins here: only one is read")

    def _break(self, place: Place, path: KeyPath, message: str) -> None:
        self._document.refuse(place, path, message)
        self._document.broken.add(path)

    def _value(self, path: KeyPath, event: Any) -> object:
        place = _place(event)
        self._document.values[path] = place
        if isinstance(event, yaml.AliasEvent):
            self._break(place, path, "aliases (*name) are not expanded: write the value out")
            return None
        if len(path) > DEEPEST:
            raise _too_deep(event)
        self._plain_node(path, event)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path)
        return self._scalar(path, event)

    def _plain_node(self, path: KeyPath, event: Any) -> None:
        if event.anchor is not None:
            self._break(_place(event), path, "anchors (&name) are not used: write the value out")
        if event.tag is not None:
            self._break(_place(event), path, "tags (!name) are not used")

    def _scalar(self, path: KeyPath, event: Any) -> Scalar:
        try:
            return _scalar_value(event)
        except ScalarRefused as refused:
            self._break(_place(event), path, str(refused))
            return None

    def _sequence(self, path: KeyPath) -> tuple[object, ...]:
        items: list[object] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value((*path, len(items)), event))
        return tuple(items)

    def _mapping(self, path: KeyPath) -> dict[str, object]:
        found: dict[str, object] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(path, event)
            if key is None or key in found:
                if key is not None:
                    first = self._document.keys[(*path, key)]
                    self._document.refuse(
                        _place(event), (*path, key), f"duplicate key, first in line {first.line}"
                    )
                self._skip(next(self._events))
                continue
            self._document.keys[(*path, key)] = _place(event)
            found[key] = self._value((*path, key), next(self._events))
        return found

    def _key(self, path: KeyPath, event: Any) -> str | None:
        """``None`` if it is no usable key; that is then reported."""
        if not isinstance(event, yaml.ScalarEvent):
            self._document.refuse(_place(event), path, "a key must be a single word")
            self._skip(event)
            return None
        self._plain_node(path, event)
        try:
            key = _scalar_value(event)
        except ScalarRefused as refused:
            self._document.refuse(_place(event), path, f"this key: {refused}")
            return None
        if not isinstance(key, str):
            self._document.refuse(_place(event), path, "a key must be text: quote it")
            return None
        return key

    def _skip(self, event: Any) -> None:
        """Passes over the rest of a value that cannot be used."""
        depth = 0
        while True:
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth == 0:
                return
            if depth > DEEPEST:
                raise _too_deep(event)
            event = next(self._events)


def _place(event: Any) -> Place:
    return Place(event.start_mark.line + 1, event.start_mark.column + 1)


def _scalar_value(event: Any) -> Scalar:
    value: str = event.value
    if not value.isprintable():
        raise ScalarRefused("has unprintable characters or line breaks")
    return plain(value) if event.style is None else value
