"""Strategies by their file name, and their parameters checked with the same care as every other key."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from enum import Enum, EnumType
from typing import Any, Final, Literal, get_args, get_origin

import msgspec

from mm.config.desks import Desk
from mm.config.explain import Finding, did_you_mean, unknown_key
from mm.config.scalars import kind_of
from mm.core.strategy import EventStrategy, Params, Strategy

PACKAGE: Final = "strategies"
# What a strategy file in the making raises when it is loaded.
UNFINISHED: Final = (ImportError, SyntaxError, NameError, AttributeError, TypeError, ValueError)

COMPARED: Final[dict[str, str]] = {">=": "at least", "<=": "at most", ">": "above", "<": "below"}
KINDS: Final[dict[str, str]] = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}


class StrategyNotFound(Exception):
    """There is no such strategy, or its file cannot be loaded; the message says which."""


def find_strategy(name: str, package: str = PACKAGE) -> type[Strategy] | type[EventStrategy]:
    """The class ``Strategy`` of ``strategies/<name>.py``. ``name`` must have the shape of a module's name.

    Raises:
        StrategyNotFound: no such file, or it does not load, or has no ``Strategy`` with ``Params``.
    """
    try:
        module = importlib.import_module(f"{package}.{name}")
    except ModuleNotFoundError as problem:
        if problem.name != f"{package}.{name}":
            raise StrategyNotFound(f"this strategy cannot be loaded: {problem}") from problem
        raise StrategyNotFound("no such strategy" + did_you_mean(name, strategy_names(package))) from None
    except UNFINISHED as problem:
        raise StrategyNotFound(f"this strategy cannot be loaded: {problem}") from problem
    found = getattr(module, "Strategy", None)
    if not isinstance(found, type) or not _is_params(getattr(found, "Params", None)):
        raise StrategyNotFound("this file has no class Strategy with Params: it is not a strategy")
    return found


def strategy_names(package: str = PACKAGE) -> tuple[str, ...]:
    """Every strategy that can be loaded, in the order of the alphabet."""
    path = importlib.import_module(package).__path__
    return tuple(sorted(each.name for each in pkgutil.iter_modules(path) if _is_strategy(each.name, package)))


def strategy_of(desk: Desk, package: str = PACKAGE) -> tuple[type[Strategy] | type[EventStrategy], Params]:
    """The class and the parameters of a desk whose configuration was read without error."""
    found = find_strategy(desk.strategy, package)
    return found, msgspec.convert(_with_floats(desk.params), found.Params)


def check_params(given: Mapping[str, object], params: type[Params]) -> tuple[Params | None, list[Finding]]:
    """The parameters as the strategy wants them, or all that is wrong with them (paths from ``params``)."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(params)}
    problems = [unknown_key((key,), fields) for key in given if key not in fields]
    for name, field in fields.items():
        problems.extend(_field_problems(name, field, given))
    if problems:
        return None, problems
    try:
        return msgspec.convert(_with_floats(given), params), []
    except msgspec.ValidationError as problem:  # raised by the strategy's own check of them all
        return None, [Finding((), str(problem))]


def _is_params(found: object) -> bool:
    return isinstance(found, type) and issubclass(found, Params)


def _is_strategy(name: str, package: str) -> bool:
    try:
        find_strategy(name, package)
    except StrategyNotFound:
        return False
    return True


def _field_problems(
    name: str, field: msgspec.structs.FieldInfo, given: Mapping[str, object]
) -> Iterator[Finding]:
    if name not in given:
        if field.required:
            yield Finding((name,), "missing", at_key=True)
        return
    try:
        msgspec.convert(_with_floats(given[name]), field.type)
    except msgspec.ValidationError as problem:
        words, _, place = str(problem).partition(" - at `$")
        inner = tuple(int(index) for index in re.findall(r"\[(\d+)\]", place))
        message = _in_words(words, field.type, _item(given[name], inner))
        yield Finding((name, *inner), message + _description(field.type))


def _item(value: Any, path: tuple[int, ...]) -> Any:
    for index in path:
        value = value[index] if isinstance(value, tuple | list) else value
    return value


def _with_floats(value: Any) -> Any:
    """Strategies reckon in floats; the file was read exactly."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return {key: _with_floats(inner) for key, inner in value.items()}
    if isinstance(value, tuple | list):
        return [_with_floats(inner) for inner in value]
    return value


def _in_words(problem: str, kind: Any, value: object) -> str:
    """msgspec's complaint as the rest of the configuration puts it; never quotes the value."""
    if problem.startswith("Invalid enum value"):
        return (
            "must be "
            + " or ".join(_choices(kind))
            + (did_you_mean(value, _choices(kind)) if isinstance(value, str) else "")
        )
    if bound := re.fullmatch(r"Expected `[^`]+` (>=|<=|>|<) (\S+)", problem):
        return f"must be {COMPARED[bound[1]]} {bound[2].removesuffix('.0')}"
    if wanted := re.match(r"Expected `([^`]+)`, got", problem):
        words = " or ".join(KINDS.get(each, each) for each in wanted[1].split(" | "))
        return f"must be {words}, not {kind_of(value)}"
    return problem.replace("`", "")


def _choices(kind: Any) -> list[str]:
    """Of a `Literal` or an enumeration, or of a union that has one in it."""
    bare = _bare(kind)
    if get_origin(bare) is Literal:
        return [str(choice) for choice in get_args(bare)]
    if isinstance(bare, EnumType):
        return [str(choice.value) for choice in list[Enum](bare)]
    return [choice for part in get_args(bare) for choice in _choices(part)]


def _bare(kind: Any) -> Any:
    return kind.__origin__ if hasattr(kind, "__metadata__") else kind


def _description(kind: Any) -> str:
    metas = (meta for meta in getattr(kind, "__metadata__", ()) if isinstance(meta, msgspec.Meta))
    return next((f" ({meta.description})" for meta in metas if meta.description), "")
