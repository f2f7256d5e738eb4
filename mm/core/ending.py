"""The end of a run in order: cancel everything, close positions if that is wished, and go only when it is
proven that nothing of ours rests, or say that it is not."""

from __future__ import annotations

from mm.core.actions import Alert, AlertLevel, AnyAction, Stop
from mm.core.flatten import Flattening
from mm.core.knowledge import Knowledge
from mm.core.modes import Mode, Modes
from mm.core.reconcile import Reconciler
from mm.core.retreat import Retreat
from mm.core.units import Nanos

CLEAN_READS_NEEDED = 2
# Of the patience of a shutdown, one part in so many is for closing positions: what is left must be longer
# than `absence_proof`, so that an order in doubt can still be proven absent.
CLOSING_SHARE = 3


class Ending:
    """Begun by a command; then looked at with each Tick and each account report."""

    def __init__(
        self,
        know: Knowledge,
        modes: Modes,
        retreat: Retreat,
        flattening: Flattening,
        reconciler: Reconciler,
    ) -> None:
        self._know = know
        self._modes = modes
        self._retreat = retreat
        self._flattening = flattening
        self._reconciler = reconciler
        self._reason = ""
        self._give_up_at: Nanos = 0

    def begin(self, now: Nanos, reason: str) -> list[AnyAction]:
        settings = self._know.settings
        self._modes.end(Mode.CLOSING)
        self._reason = reason
        self._give_up_at = now + settings.shutdown_patience
        self._reconciler.clean_reads = 0
        is_killed = bool(self._know.breaker.measures.killed)
        if (settings.close_on_shutdown and not is_killed) or self._flattening.is_on:
            self._flattening.begin(now + settings.shutdown_patience // CLOSING_SHARE)
        return self._retreat.cancel_everything(now, reason)

    def step(self, now: Nanos) -> list[AnyAction]:
        """Done when our table is empty and fresh reads agree; given up, and said so, after a while."""
        if self._modes.now is not Mode.CLOSING:
            return []
        if not len(self._know.orders) and self._reconciler.clean_reads >= CLEAN_READS_NEEDED:
            self._modes.end(Mode.CLOSED)
            self._know.stopped = self._reason
            return [Stop(0, "nothing of ours rests")]
        if now >= self._give_up_at:
            self._modes.end(Mode.CLOSED)
            left = ", ".join(order.client_order_id for order in self._know.orders) or "none known"
            text = f"could not prove that nothing rests; orders in question: {left}"
            return [Alert(AlertLevel.CRITICAL, "bot_shutdown", text), Stop(3, text)]
        return []
