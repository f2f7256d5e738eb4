"""The crank's housing: one step is journal, decide, journal, send, and only then show.

Whoever drives (live, simulate, replay) turns it one event at a time; nothing in here waits. An order that
cannot be written down is not sent (control C30); a cancel always is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from mm.core.actions import AmendOrder, AnyAction, PlaceOrder
from mm.core.engine import Engine
from mm.core.events import AnyEvent
from mm.core.picture import Observed
from mm.drivers.timing import Decide
from mm.observe.journal import StorageError


class JournalSink(Protocol):
    """`flush` hands everything to the operating system: a killed process then loses nothing."""

    def event(self, event: AnyEvent) -> None: ...

    def actions(self, actions: Sequence[AnyAction]) -> None: ...

    def flush(self) -> None: ...


class StepObserver(Protocol):
    """Sees each step after its requests have left."""

    def on_step(self, event: AnyEvent, actions: Sequence[AnyAction], engine: Observed) -> None: ...


class NoJournal:
    """For drivers whose input is itself the record: a journal, or a seed."""

    def event(self, event: AnyEvent) -> None:
        """Not kept."""

    def actions(self, actions: Sequence[AnyAction]) -> None:
        """Not kept."""

    def flush(self) -> None:
        """Nothing is kept."""


class Runner:
    """``carry_out`` sends one action; it must neither wait nor decide. ``refuse`` answers an order that may
    not leave because the journal cannot be written.

    The journal is flushed before an action leaves, and by `flush` when the driver has drained its input;
    ``storage_fault`` is what the disk said last, ``None`` while it takes what it is given. ``decide`` stands
    for ``engine.on_event`` where somebody times it.
    """

    def __init__(
        self,
        engine: Engine,
        carry_out: Callable[[AnyAction], None],
        journal: JournalSink,
        observers: Sequence[StepObserver] = (),
        refuse: Callable[[PlaceOrder | AmendOrder], None] | None = None,
        decide: Decide | None = None,
    ) -> None:
        self.engine = engine
        self.storage_fault: StorageError | None = None
        self._refuse = refuse
        self._decide = decide or engine.on_event
        self._carry_out = carry_out
        self._journal = journal
        self._observers = tuple(observers)

    def step(self, event: AnyEvent) -> Sequence[AnyAction]:
        """One event through. Events must not go back in time: a late one is dated now."""
        engine = self.engine
        if event.ts < engine.now:
            event = msgspec.structs.replace(event, ts=engine.now)
        self._journal.event(event)
        actions = self._decide(event)
        if actions:
            self._journal.actions(actions)
            self.flush()
            for action in actions:
                self._send(action)
        for observer in self._observers:
            observer.on_step(event, actions, engine)
        return actions

    def _send(self, action: AnyAction) -> None:
        if self.storage_fault is None or not isinstance(action, PlaceOrder | AmendOrder):
            self._carry_out(action)
        elif self._refuse is not None:
            self._refuse(action)

    def flush(self) -> None:
        try:
            self._journal.flush()
            self.storage_fault = None
        except StorageError as fault:
            self.storage_fault = fault
