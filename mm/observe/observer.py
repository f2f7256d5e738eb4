"""What an observer is: a fold over the engine's steps that never changes a decision.

`Watcher` is the common frame: tables say which events and actions concern it, so a step that does not costs
one look-up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from mm.core.actions import AnyAction
from mm.core.events import AnyEvent
from mm.core.picture import EnginePicture, MarketDecision, Observed
from mm.core.units import Count, Nanos

# The key of each row is the exact type that its handler takes, which a dict's type cannot say.
EventTable: TypeAlias = Mapping[type, Callable[[Any, Observed], None]]
ActionTable: TypeAlias = Mapping[type, Callable[[Nanos, Any, Observed], None]]


class Observer(Protocol):
    """`on_step` only remembers; the disk is touched in `on_time`, which the driver calls about every
    250 ms, and in `close`."""

    def on_step(self, event: AnyEvent, actions: Sequence[AnyAction], engine: Observed) -> None: ...

    def on_time(self, now: Nanos, engine: Observed) -> None: ...

    def close(self) -> None: ...


class Watcher:
    """An `Observer` made of two tables."""

    def __init__(self, events: EventTable, actions: ActionTable) -> None:
        self._events = events
        self._actions = actions

    def on_step(self, event: AnyEvent, actions: Sequence[AnyAction], engine: Observed) -> None:
        handle = self._events.get(type(event))
        if handle is not None:
            handle(event, engine)
        for action in actions:
            act = self._actions.get(type(action))
            if act is not None:
                act(event.ts, action, engine)

    def on_time(self, now: Nanos, engine: Observed) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""


class Shown:
    """The engine as observers see it between two steps: its picture is taken once for all of them, because
    with thousands of markets each takes milliseconds."""

    def __init__(self, engine: Observed) -> None:
        self._engine = engine
        self._picture: EnginePicture | None = None

    @property
    def decisions(self) -> Sequence[MarketDecision]:
        return self._engine.decisions

    def picture(self) -> EnginePicture:
        if self._picture is None:
            self._picture = self._engine.picture()
        return self._picture

    def desk_of(self, ticker: str) -> str:
        return self._engine.desk_of(ticker)

    def position(self, ticker: str) -> Count:
        return self._engine.position(ticker)


class Every:
    """True at most once per ``period``; the first time at once."""

    def __init__(self, period: Nanos) -> None:
        self._period = period
        self._next: Nanos | None = None

    def is_due(self, now: Nanos) -> bool:
        if self._next is not None and now < self._next:
            return False
        self._next = now + self._period
        return True
