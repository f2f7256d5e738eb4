"""All who watch a run, as one: whoever of them fails by a fault of its own is left out, and trading goes on.

No decision rests on what they keep, so no fault of theirs may end the run. Those without which trading is not
safe are in `NEEDED`: their fault ends it, as any other fault of ours does.
"""

# ruff: noqa: BLE001 (to go on after an unknown error is what this room is for)

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from traceback import TracebackException
from typing import Final

from mm.app.alerting import AlarmWatch
from mm.app.service import Service
from mm.core.actions import Alert, AlertLevel, AnyAction
from mm.core.events import AnyEvent
from mm.core.picture import Observed
from mm.core.units import Nanos
from mm.observe.alerting import AlertObserver
from mm.observe.house import RunFiles
from mm.observe.observer import Observer
from mm.observe.status import BreakerStatusFiles

CATEGORY: Final = "observer_fault"
NEEDED: Final = (
    BreakerStatusFiles,  # the next start would not know of a trip
    AlertObserver,  # nobody would hear of anything any more
    AlarmWatch,  # nor of alerts that do not arrive; and the dead man's ping has its pulse from it
    Service,  # the watchdog would take a bot that trades for one that hangs
)


class Audience:
    """An observer that is all of those of ``files`` and all that `join` it; ``clock`` dates its alerts.

    One that raises is logged with its traceback, told in a critical alert, closed, and taken out of
    ``files.observers``. Each method raises only what one of `NEEDED` does.
    """

    def __init__(self, files: RunFiles, clock: Callable[[], Nanos] = time.time_ns) -> None:
        self._observers = files.observers
        self._announce = files.announce
        self._log = files.logger.bind(logger="mm.app")
        self._clock = clock
        self._attending = tuple(files.observers)
        self._each_tick = files.each_tick

    def join(self, *observers: Observer) -> None:
        """They are shown everything from now on, and closed at the end."""
        self._observers += observers
        self._attending = tuple(self._observers)

    def on_step(self, event: AnyEvent, actions: Sequence[AnyAction], engine: Observed) -> None:
        for observer in self._attending:
            try:
                observer.on_step(event, actions, engine)
            except Exception as fault:
                self._leave_out(observer, "on_step", fault)

    def on_time(self, now: Nanos, engine: Observed) -> None:
        for observer in self._attending:
            try:
                observer.on_time(now, engine)
            except Exception as fault:
                self._leave_out(observer, "on_time", fault)

    def write(self) -> None:
        """The lines that are written after each Tick go to the operating system."""
        for table in self._each_tick:
            try:
                table.write()
            except Exception as fault:
                self._leave_out(table, "write", fault)

    def close(self) -> None:
        """The needed ones last: what the others' closing brings to light can still be told."""
        with ExitStack() as needed:
            for observer in reversed(self._attending):
                if isinstance(observer, NEEDED):
                    needed.callback(observer.close)
            for observer in self._attending:
                if not isinstance(observer, NEEDED):
                    self._close(observer)

    def _close(self, observer: Observer) -> None:
        try:
            observer.close()
        except Exception as fault:
            self._leave_out(observer, "close", fault)

    def _leave_out(self, observer: Observer, doing: str, fault: Exception) -> None:
        if isinstance(observer, NEEDED):
            raise fault
        self._observers.remove(observer)
        self._attending = tuple(self._observers)
        self._each_tick = tuple(table for table in self._each_tick if table is not observer)
        with suppress(Exception):  # what broke may break again while it writes what is left
            observer.close()
        name = type(observer).__name__
        self._log.error("observer_left_out", observer=name, doing=doing, exc_info=fault)
        self._announce(_alert(name, doing, fault), self._clock())


def _alert(name: str, doing: str, fault: Exception) -> Alert:
    """Its text is made by `TracebackException`, which survives an exception that cannot be printed."""
    said = "".join(TracebackException.from_exception(fault).format_exception_only()).strip()
    text = f"a fault of ours: {name} is left out until the next start, trading goes on: {said}"
    return Alert(AlertLevel.CRITICAL, CATEGORY, text, details=(("subject", name), ("doing", doing)))
