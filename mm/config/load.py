"""config.yaml + environment -> `Config`, or all errors at once, each with file, line and column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
from pydantic import ValidationError

from mm.config.desks import is_strategy_name
from mm.config.document import Document, Place, compose
from mm.config.environment import override
from mm.config.errors import ConfigError, ConfigErrors, KeyPath, key_text
from mm.config.explain import NO_SECRETS, Finding, findings
from mm.config.model import Config
from mm.config.strategies import PACKAGE, StrategyNotFound, check_params, find_strategy
from mm.config.text import decode, read_text


@dataclass(frozen=True)
class Loaded:
    """A configuration, and the document it came from, which knows where each value stands."""

    config: Config
    document: Document


def load_config(path: Path, environment: Mapping[str, str], strategies: str = PACKAGE) -> Config:
    """The configuration of a run. ``strategies`` is the package in which they are looked up.

    Raises:
        ConfigErrors: everything that is wrong with it.
    """
    return load(path, environment, strategies).config


def load(path: Path, environment: Mapping[str, str], strategies: str = PACKAGE) -> Loaded:
    """As `load_config`, keeping where each value came from."""
    return _parse(read_text(path), str(path), environment, strategies)


def parse_config(
    content: bytes,
    environment: Mapping[str, str],
    file: str = "config.yaml",
    strategies: str = PACKAGE,
) -> Loaded:
    """As `load`, of bytes that are already read; ``file`` is the name that errors show."""
    return _parse(decode(content, file), file, environment, strategies)


def _parse(text: str, file: str, environment: Mapping[str, str], strategies: str) -> Loaded:
    document = compose(text, file)
    config = _validate(document, environment, strategies)
    if config is None or document.errors:
        raise ConfigErrors(sorted(document.errors, key=_reading_order))
    return Loaded(config, document)


def _reading_order(error: ConfigError) -> tuple[bool, int, int, str]:
    """As they stand in the file; then the environment's, by the names of the variables."""
    return (error.line is None, error.line or 0, error.column or 0, error.file)


def _validate(document: Document, environment: Mapping[str, str], strategies: str) -> Config | None:
    if document.is_broken(()):
        return None
    if not isinstance(document.data, dict):
        document.refuse(Place(1, 1), (), "the top level must be a mapping: lines of key: value")
        return None
    override(document, environment)
    params = dict(_params(document, strategies))
    for path, text in _texts(document.data, ()):
        if "-----BEGIN" in text:
            _report(document, Finding(path, NO_SECRETS))
    try:
        config = Config.model_validate(document.data)
    except ValidationError as problem:
        found = problem.errors(include_url=False)
    else:
        desks = {name: _with_params(config, name, params) for name in config.desks}
        return config.model_copy(update={"desks": desks})
    for finding in findings(found):
        _report(document, finding)
    return None


def _with_params(config: Config, name: str, params: Mapping[str, dict[str, object]]) -> object:
    """The desk with all its strategy's parameters written out, defaults too."""
    return config.desks[name].model_copy(update={"params": params.get(name, {})})


def _params(document: Document, strategies: str) -> Iterator[tuple[str, dict[str, object]]]:
    """Every desk's full parameters by its name. Looks at the raw data, so that a mistake elsewhere does not
    hide one here; what is not even a desk is left to the models to refuse."""
    desks = document.data.get("desks") if isinstance(document.data, dict) else None
    for name, desk in (desks if isinstance(desks, dict) else {}).items():
        if not isinstance(desk, dict):
            continue
        full, problems = _desk_params(desk.get("strategy"), desk.get("params", {}), strategies)
        for problem in problems:
            _report(document, problem._replace(path=("desks", name, *problem.path)))
        yield name, full


def _desk_params(strategy: object, given: object, package: str) -> tuple[dict[str, object], list[Finding]]:
    """All parameters, defaults too, and what is wrong with them (paths from the desk)."""
    if not isinstance(strategy, str) or not isinstance(given, dict) or not is_strategy_name(strategy):
        return {}, []
    try:
        wanted = find_strategy(strategy, package).Params
    except StrategyNotFound as problem:
        return {}, [Finding(("strategy",), str(problem))]
    params, problems = check_params(given, wanted)
    if params is None:
        return {}, [each._replace(path=("params", *each.path)) for each in problems]
    return msgspec.to_builtins(params), []


def _texts(data: object, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(data, str):
        yield path, data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from _texts(value, (*path, key))
    elif isinstance(data, tuple):
        for index, value in enumerate(data):
            yield from _texts(value, (*path, index))


def _report(document: Document, finding: Finding) -> None:
    """Adds one error with its place, unless something at that place was reported already."""
    path = finding.path
    if document.is_broken(path[:-1] if finding.at_key else path):
        return
    if variable := document.variable_of(path):
        error = ConfigError(key_text((variable,)), None, None, key_text(path), finding.message)
        document.errors.append(error)
        return
    document.refuse(document.place(path, at_key=finding.at_key), path, finding.message)
