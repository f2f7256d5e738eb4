"""What people (and the driver, about its disk) order: each kind of command is a row of one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mm.core.actions import Alert, AlertLevel, AnyAction
from mm.core.ending import Ending
from mm.core.events import Command, CommandKind
from mm.core.flatten import Flattening
from mm.core.knowledge import Knowledge
from mm.core.modes import Mode, Modes
from mm.core.reconcile import Reconciler
from mm.core.retreat import Retreat
from mm.core.watch import Watch

OPERATOR = "operator"
STORAGE = "storage"
# The trip of an operator's halt, which is no row of the breaker.
HALTED = "halted"


class Operators:
    """Commands that do not fit the moment change nothing; once the end has begun hardly any does."""

    def __init__(
        self,
        know: Knowledge,
        modes: Modes,
        retreat: Retreat,
        flattening: Flattening,
        reconciler: Reconciler,
        ending: Ending,
        watch: Watch,
    ) -> None:
        self._know, self._modes = know, modes
        self._retreat, self._flattening = retreat, flattening
        self._reconciler, self._ending, self._watch = reconciler, ending, watch
        self._table: Mapping[CommandKind, Callable[[Command, str], list[AnyAction]]] = {
            CommandKind.SHUTDOWN: self._shut_down,
            CommandKind.FLATTEN: self._flatten,
            CommandKind.PAUSE: self._pause,
            CommandKind.RESUME: self._resume,
            CommandKind.HALT: self._halt,
            CommandKind.RESET: self._reset,
            CommandKind.KILL: self._kill,
            CommandKind.REVIVE: self._revive,
            CommandKind.STORAGE_LOST: self._storage_lost,
            CommandKind.STORAGE_BACK: self._storage_back,
        }

    def obey(self, command: Command) -> list[AnyAction]:
        return self._table[command.kind](command, command.reason or command.kind.value)

    # -- going and pausing -----------------------------------------------------------------------------
    def _shut_down(self, command: Command, reason: str) -> list[AnyAction]:
        return [] if self._modes.is_ending else self._ending.begin(command.ts, reason)

    def _flatten(self, command: Command, reason: str) -> list[AnyAction]:
        if self._modes.is_ending or self._know.breaker.measures.killed:
            return []
        self._modes.wait_for(OPERATOR, reason)
        self._flattening.begin(command.ts + self._know.settings.shutdown_patience)
        return self._retreat.cancel_everything(command.ts, reason)

    def _pause(self, command: Command, reason: str) -> list[AnyAction]:
        if self._modes.is_ending or OPERATOR in self._modes.pauses:
            return []
        self._modes.wait_for(OPERATOR, reason)
        return self._retreat.cancel_everything(command.ts, reason)

    def _resume(self, command: Command, reason: str) -> list[AnyAction]:
        if self._modes.is_ending or OPERATOR not in self._modes.pauses:
            return []
        self._modes.go_on_without(OPERATOR)
        return [] if self._modes.now is Mode.HALTED else self._flattening.stop()

    # -- the breaker -----------------------------------------------------------------------------------
    def _halt(self, command: Command, reason: str) -> list[AnyAction]:
        """Stands beside whatever has tripped: that may be over by itself, and this never is."""
        stopped = self._flattening.stop()
        if self._know.breaker.has_tripped(HALTED):
            return stopped
        self._know.breaker.trip_for(HALTED, reason, command.ts)
        self._modes.settle()
        told = Alert(AlertLevel.CRITICAL, "kill_switch", f"halted: {reason}")
        return [told, *stopped, *self._retreat.cancel_everything(command.ts, reason)]

    def _reset(self, command: Command, reason: str) -> list[AnyAction]:
        """Forgives what a person may forgive; the exchange's word on positions is taken over with it."""
        if self._modes.is_ending or not self._know.breaker.is_resettable(command.desk or None):
            return []
        was_halted = self._modes.now is Mode.HALTED
        ended = self._know.forgive(command.desk or None)
        if not command.desk:
            self._reconciler.give_in()
        self._modes.settle()
        whose = f" of desk {command.desk}" if command.desk else ""
        details = (("rules", ", ".join(trip.rule for trip in ended)),)
        text = f"breaker{whose} reset: {reason}"
        told = Alert(AlertLevel.INFO, "circuit_breaker", text, command.desk, details)
        goes_on = was_halted and self._modes.now is not Mode.HALTED
        return [told, *(self._flattening.stop() if goes_on else [])]

    def _kill(self, command: Command, reason: str) -> list[AnyAction]:
        if self._modes.now is Mode.CLOSED:
            return []
        self._know.breaker.measures.killed = reason
        return [*self._flattening.stop(), *self._watch.check(command.ts)]

    def _revive(self, command: Command, reason: str) -> list[AnyAction]:
        self._know.breaker.measures.killed = ""
        return self._watch.check(command.ts)

    # -- the disk --------------------------------------------------------------------------------------
    def _storage_lost(self, command: Command, reason: str) -> list[AnyAction]:
        """What cannot be written down is not done: quotes go now, the breaker trips if it lasts."""
        measures = self._know.breaker.measures
        measures.storage_fault = reason
        if measures.storage_lost_since is not None:
            return []
        measures.storage_lost_since = command.ts
        self._modes.wait_for(STORAGE, reason)
        return self._retreat.cancel_everything(command.ts, reason)

    def _storage_back(self, command: Command, reason: str) -> list[AnyAction]:
        self._know.breaker.measures.storage_lost_since = None
        self._modes.go_on_without(STORAGE)
        return self._watch.check(command.ts)
