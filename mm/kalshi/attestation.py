"""Until when the account's location is attested: after that its keys cannot trade in some categories.

Source: protocol section 2; schema GetApiKeysResponse of openapi.yaml.
"""

from __future__ import annotations

import msgspec

from mm.core.units import Nanos
from mm.kalshi.conversation import Conversation, ReadError, get
from mm.kalshi.numbers import NumberError, from_seconds


class _Body(msgspec.Struct):
    """Only what is used: which keys there are concerns nobody here. Seconds since the epoch."""

    api_key_region_expiration_ts: int | None = None


_body = msgspec.json.Decoder(_Body).decode


def read_attestation() -> Conversation[Nanos | None]:
    """When it lapses, or did; ``None`` for an account that was never attested.

    :raises ReadError: if it cannot be read: a key may lack the right, or is locked to a subaccount (403).
    """
    response, body = yield from get("/api_keys", _body)
    if body.api_key_region_expiration_ts is None:
        return None
    try:
        return from_seconds(body.api_key_region_expiration_ts)
    except NumberError as error:
        raise ReadError(response, "unreadable", str(error)) from error
