"""The little of config.yaml that cancelling by hand needs: who we are and where the exchange is. A mistake
anywhere else in the file must not keep anybody from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from mm.config.document import compose
from mm.config.environment import override
from mm.config.errors import ConfigError, ConfigErrors, key_text
from mm.config.exchange import Exchange
from mm.config.explain import findings
from mm.config.model import Name
from mm.config.section import Section
from mm.config.text import read_text


class Essentials(Section):
    """These keys of `Config`, by the same rules."""

    name: Name = "kmm"
    """Begins every client order id of this installation."""
    exchange: Exchange = Exchange()
    """Where its orders are."""


def essentials(path: Path, environment: Mapping[str, str]) -> Essentials:
    """File and environment, as `load_config` would read them.

    Raises:
        ConfigErrors: what is wrong with one of these keys, or the file cannot be read as YAML.
    """
    document = compose(read_text(path), str(path))
    if not isinstance(document.data, dict):
        raise ConfigErrors(document.errors or [ConfigError(str(path), 1, 1, "", "not a mapping")])
    override(document, environment)
    known = {key: document.data[key] for key in Essentials.model_fields if key in document.data}
    try:
        return Essentials.model_validate(known)
    except ValidationError as problem:
        found = findings(problem.errors(include_url=False))
        errors = [(document.place(each.path, at_key=each.at_key), each) for each in found]
    raise ConfigErrors(
        [
            ConfigError(str(path), place.line, place.column, key_text(each.path), each.message)
            for place, each in errors
        ]
    )
