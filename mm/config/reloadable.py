"""Which keys of config.yaml a running bot takes over when it reads the file again; all others need a
restart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from mm.config.errors import KeyPath, key_text
from mm.config.model import Config
from mm.config.section import Section
from mm.config.show import for_json, plain_data

NAME: Final = "<NAME>"
# A key stands for everything below it.
RELOADABLE: Final[tuple[str, ...]] = (
    f"desks.{NAME}.limits",
    "limits",
    "circuit_breaker",
    "quoting.cancel_on_pause",
    "quoting.order_lifetime_seconds",
    "quoting.pull_before_pause_seconds",
    "quoting.refill_fraction",
    "close_on_shutdown",
    "on_disconnect",
)


class Change(NamedTuple):
    """One effective value that is another now, as plain data; ``None`` is also what is not there."""

    key: str
    before: object
    after: object
    is_reloadable: bool


def is_reloadable(path: KeyPath) -> bool:
    """``path`` may name a desk, or say ``<NAME>``."""
    words = [str(part) for part in path]
    if words[0] == "desks" and len(words) > 1:
        words[1] = NAME
    text = ".".join(words)
    return any(text == key or text.startswith(f"{key}.") for key in RELOADABLE)


def merged(old: Config, new: Config) -> Config:
    """``old`` with all that may change from ``new``."""
    found = _merged(old, new, ())
    assert isinstance(found, Config)
    return found


def _merged(old: object, new: object, path: KeyPath) -> object:
    if path and is_reloadable(path):
        return new
    if isinstance(old, Section) and isinstance(new, Section):
        names = type(old).model_fields
        return old.model_copy(
            update={name: _merged(getattr(old, name), getattr(new, name), (*path, name)) for name in names}
        )
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return {
            key: _merged(inner, new[key], (*path, key)) if key in new else inner for key, inner in old.items()
        }
    return old


def changes(old: Config, new: Config) -> list[Change]:
    """Every value that differs, in the order of the file's keys; secrets are not shown."""
    before, after = dict(_leaves(plain_data(old), ())), dict(_leaves(plain_data(new), ()))
    return [
        Change(key_text(path), before.get(path), after.get(path), is_reloadable(path))
        for path in dict.fromkeys((*before, *after))
        if before.get(path) != after.get(path)
    ]


def _leaves(data: object, path: KeyPath) -> Iterator[tuple[KeyPath, object]]:
    if isinstance(data, Mapping) and data:
        for key, value in data.items():
            yield from _leaves(value, (*path, key))
    else:
        yield path, for_json(data)
