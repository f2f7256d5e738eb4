"""The exchange's pauses: quotes go before a planned one and when one begins, once, and come back only when
the exchange takes orders again, the account was read and the books are fresh (control C14, invariant I10).
"""

from __future__ import annotations

from mm.core.actions import Alert, AlertLevel, AnyAction, Resubscribe
from mm.core.events import AnyEvent, CancelReject, MarketState
from mm.core.hours import PAUSE_CODES
from mm.core.knowledge import Knowledge
from mm.core.modes import Modes
from mm.core.retreat import Retreat
from mm.core.units import Nanos

EXCHANGE = "exchange"


class Recess:
    """`step` with each Tick, and when something was learned about the exchange's hours."""

    def __init__(self, know: Knowledge, modes: Modes, retreat: Retreat) -> None:
        self._know, self._modes, self._retreat = know, modes, retreat
        self._has_told_of_cancels = False

    def step(self, now: Nanos, event: AnyEvent | None = None) -> list[AnyAction]:
        """``event``: what was just learned, if anything was."""
        know = self._know
        before = self._modes.pauses.get(EXCHANGE, "")
        reason = know.hours.look(now, know.settings.pull_before_pause)
        if know.hours.closed and know.breaker.measures.link_down_since is not None:
            # Sessions may drop in maintenance (protocol section 8.1): the patience for that begins after it.
            know.breaker.measures.link_down_since = now
        actions: list[AnyAction] = []
        if reason != before:
            actions += self._pause(now, reason, before) if reason else self._go_on(now)
        if isinstance(event, CancelReject) and event.code in PAUSE_CODES:
            actions += self._tell_of_cancels()
        return actions

    def _pause(self, now: Nanos, reason: str, before: str) -> list[AnyAction]:
        """Its reason may change while it lasts; what is to go has been told to go by then."""
        self._modes.wait_for(EXCHANGE, reason)
        if before or self._modes.is_ending:
            return []
        self._has_told_of_cancels = False
        return self._retreat.cancel_everything(now, reason)

    def _go_on(self, now: Nanos) -> list[AnyAction]:
        """What happened meanwhile is read first: ends of orders and fills that nobody told, and the books."""
        self._modes.go_on_without(EXCHANGE)
        know = self._know
        know.read_owed_from = now + know.settings.clock_tolerance  # not a moment before
        if not know.link_up:
            return []
        stale = [market for market in know.markets.values() if market.book.in_sync]
        actions: list[AnyAction] = []
        for market in stale:
            if market.state is MarketState.ACTIVE:
                market.book.lose()
                actions.append(Resubscribe(market.ticker, "after a pause of the exchange"))
        return actions

    def _tell_of_cancels(self) -> list[AnyAction]:
        """In a pause of the whole exchange upkeep goes on trying; a person should know what still rests."""
        if self._has_told_of_cancels:
            return []
        self._has_told_of_cancels = True
        count = len(self._know.orders)
        text = (
            f"the exchange refuses cancels in its pause: {count} orders may rest; tried until it takes them"
        )
        details = (("subject", "cancels"), ("orders", count))
        return [Alert(AlertLevel.WARNING, "pause", text, details=details)]
