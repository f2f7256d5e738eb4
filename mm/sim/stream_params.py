"""Reads the parts of a WebSocket command; what is missing or malformed is a CommandError with its code."""

from __future__ import annotations

from typing import Any

import msgspec

from mm.sim.rest import Json
from mm.sim.stream_channels import CHANNELS, Channel, CommandError

MOST_SHARDS = 100


def decoded(text: str) -> Json:
    """The JSON object of a command. Raises CommandError 1."""
    try:
        value: Any = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError):
        raise CommandError(1) from None
    if not isinstance(value, dict):
        raise CommandError(1)
    return value


def integer(value: Any) -> int:
    """A whole number, which a JSON true is not. Raises CommandError 1."""
    if type(value) is not int:
        raise CommandError(1)
    return value


def name_of(value: Any) -> str:
    """A name, empty where it is no string."""
    return value if isinstance(value, str) else ""


def params_of(command: Json) -> Json:
    """The ``params`` of a command. Raises CommandError 2."""
    params = command.get("params")
    if not isinstance(params, dict):
        raise CommandError(2)
    return params


def channels_of(params: Json) -> list[Channel]:
    """The channels to subscribe to. Raises CommandError 3 or 8."""
    names = params.get("channels")
    if not isinstance(names, list) or not names:
        raise CommandError(3)
    if any(name_of(name) not in CHANNELS for name in names):
        raise CommandError(8)
    return [CHANNELS[name] for name in dict.fromkeys(names)]


def one_sid(params: Json) -> int:
    """The one ``sid``, or the only one of ``sids``. Raises CommandError 12."""
    sids = params.get("sids", [])
    given = [*sids] if isinstance(sids, list) else []
    if "sid" in params:
        given.append(params["sid"])
    if len(given) != 1 or type(given[0]) is not int:
        raise CommandError(12)
    return given[0]


def flag(params: Json, name: str) -> bool:
    """A true or false, false where absent. Raises CommandError 11."""
    value = params.get(name, False)
    if not isinstance(value, bool):
        raise CommandError(11)
    return value


def check_sharding(params: Json) -> None:
    """The fan-out of the communications channel: ``shard_factor`` 1 to 100, and a ``shard_key`` below it.
    Raises CommandError 11 or 19 to 22."""
    factor, key = (_whole(params, name) for name in ("shard_factor", "shard_key"))
    if factor is None:
        if key is not None:
            raise CommandError(20)
        return
    if factor <= 0:
        raise CommandError(19)
    if factor > MOST_SHARDS:
        raise CommandError(22)
    if key is not None and not 0 <= key < factor:
        raise CommandError(21)


def _whole(params: Json, name: str) -> int | None:
    """A whole number, None where absent. Raises CommandError 11."""
    value = params.get(name)
    if value is not None and type(value) is not int:
        raise CommandError(11)
    return value


def check_user_filter(params: Json) -> None:
    """Raises CommandError 11 for anything but ``self``, or nothing."""
    if params.get("user_filter") not in (None, "", "self"):
        raise CommandError(11)


def strings(params: Json, name: str) -> list[str]:
    """One string or a list of them, as ``name`` is singular or plural. Raises CommandError 11."""
    value = params.get(name)
    if value is None:
        return []
    values = value if name.endswith("s") else [value]
    if not isinstance(values, list) or not values or not all(isinstance(one, str) and one for one in values):
        raise CommandError(11)
    return values
