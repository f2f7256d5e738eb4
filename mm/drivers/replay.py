"""A journal in, the same actions out: shows that what was done follows from what was known, or where not."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

import msgspec

from mm.core.actions import AnyAction
from mm.core.engine import Engine
from mm.core.events import AnyEvent

Entry = AnyEvent | tuple[AnyAction, ...]

_WORTH_HASHING = 16_384  # bytes: few large updates cost less than one for each event


class Difference(msgspec.Struct, frozen=True):
    """The first place where the engine now decides otherwise. ``number`` counts events from 1."""

    number: int
    event: AnyEvent | None
    recorded: tuple[AnyAction, ...]
    replayed: tuple[AnyAction, ...]


class Replayed(msgspec.Struct, frozen=True):
    """``digest`` covers all events and actions up to the end, or to the difference."""

    events: int
    actions: int
    digest: str
    difference: Difference | None


class Digest:
    """A fingerprint of a run: the same events and actions in the same order give the same text."""

    def __init__(self) -> None:
        self._hash = blake2b(digest_size=16)
        self._encode = msgspec.json.Encoder().encode_into
        self._buffer = bytearray()

    def add(self, event: AnyEvent, actions: Iterable[AnyAction]) -> None:
        self._encode(event, self._buffer, -1)
        for action in actions:
            self._encode(action, self._buffer, -1)
        if len(self._buffer) > _WORTH_HASHING:
            self._take_in()

    def text(self) -> str:
        self._take_in()
        return self._hash.hexdigest()

    def _take_in(self) -> None:
        self._hash.update(self._buffer)
        self._buffer.clear()


def replay(engine: Engine, entries: Iterable[Entry]) -> Replayed:
    """Feed the recorded events to ``engine`` and compare its actions with the recorded ones.

    The last event may lack its actions: the process ended between the two lines.
    """
    events = actions = 0
    digest = Digest()
    event: AnyEvent | None = None
    decided: tuple[AnyAction, ...] = ()
    is_answered = True
    for entry in entries:
        recorded = entry if isinstance(entry, tuple) else ()
        if isinstance(entry, tuple):
            if is_answered or recorded != decided:
                return Replayed(events, actions, digest.text(), Difference(events, event, recorded, decided))
            actions += len(recorded)
            is_answered = True
            continue
        if not is_answered and decided:
            return Replayed(events, actions, digest.text(), Difference(events, event, (), decided))
        event, events = entry, events + 1
        decided = tuple(engine.on_event(entry))
        is_answered = False
        digest.add(entry, decided)
    return Replayed(events, actions, digest.text(), None)
