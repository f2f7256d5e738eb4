"""Switches as words: ``name=value``, from a command line, for those of the rules and those of the faces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import Field, fields, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

from mm.sim.face_switches import FaceSwitches
from mm.sim.switches import Switches

_FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


class BadSwitch(ValueError):
    """A word that is no switch, or no value of it; the message says what there is."""


def switches_of(words: Iterable[str]) -> tuple[Switches, FaceSwitches]:
    """Both sets, with defaults for what no word names. Raises BadSwitch, naming everything that is wrong."""
    chosen: dict[type, dict[str, Any]] = {Switches: {}, FaceSwitches: {}}
    wrong: list[str] = []
    for word in words:
        try:
            kind, name, value = _read(word)
        except BadSwitch as error:
            wrong.append(str(error))
        else:
            chosen[kind][name] = value
    if wrong:
        raise BadSwitch("; ".join(wrong))
    try:
        return replace(Switches(), **chosen[Switches]), replace(FaceSwitches(), **chosen[FaceSwitches])
    except ValueError as error:
        raise BadSwitch(str(error)) from None


def all_switches() -> Iterator[tuple[str, str, Any]]:
    """(name, what it may be, default) of each switch that a word can set."""
    for kind in (Switches, FaceSwitches):
        hints = get_type_hints(kind)
        for one in fields(kind):
            if _can_be_written(hints[one.name]):
                yield one.name, _values(hints[one.name]), _default(one)


def _read(word: str) -> tuple[type, str, Any]:
    name, equals, text = word.partition("=")
    for kind in (Switches, FaceSwitches):
        hint = get_type_hints(kind).get(name)
        if hint is not None and _can_be_written(hint):
            if not equals:
                raise BadSwitch(f"{name} needs a value: {name}={_values(hint)}")
            return kind, name, _value(name, hint, text)
    raise BadSwitch(f"no switch {name!r}; there are {', '.join(name for name, _, _ in all_switches())}")


def _can_be_written(hint: Any) -> bool:
    return hint in (bool, int, float, str) or get_origin(hint) is Literal


def _value(name: str, hint: Any, text: str) -> Any:
    options = {str(one): one for one in get_args(hint)} if get_origin(hint) is Literal else _FLAGS
    if get_origin(hint) is Literal or hint is bool:
        if text not in options:
            raise BadSwitch(f"{name} is {_values(hint)}, not {text!r}")
        return options[text]
    if hint is str:
        return text
    try:
        number = hint(text)
    except ValueError:
        raise BadSwitch(f"{name} is {_values(hint)}, not {text!r}") from None
    if not 0 <= number < float("inf"):
        raise BadSwitch(f"{name} is 0 or more, not {text}")
    return number


def _values(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return "|".join(str(one) for one in get_args(hint))
    return {bool: "true|false", int: "a whole number", float: "a number", str: "text"}[hint]


def _default(one: Field[Any]) -> Any:
    return str(one.default).lower() if isinstance(one.default, bool) else one.default
