"""Measures, compares, and acts at once on what the breaker finds: alerts, orders taken away, closing."""

from __future__ import annotations

from collections.abc import Mapping

from mm.core.actions import Alert, AlertLevel, AnyAction
from mm.core.breaker_rows import CATEGORY, ROWS
from mm.core.desk import Desk
from mm.core.flatten import Flattening
from mm.core.knowledge import Knowledge
from mm.core.memory import TripMemory
from mm.core.modes import Modes
from mm.core.retreat import Retreat
from mm.core.units import Nanos

# The row after which positions are closed, if the settings say so.
FEED_LOST = "feed_lost_seconds"


class Watch:
    """Of all desks."""

    def __init__(
        self,
        know: Knowledge,
        desks: Mapping[str, Desk],
        modes: Modes,
        retreat: Retreat,
        flattening: Flattening,
    ) -> None:
        self._know = know
        self._desks = desks
        self._modes = modes
        self._retreat = retreat
        self._flattening = flattening

    def measure(self, now: Nanos) -> None:
        """Marks of what moved, P&L, imbalance: what the breaker compares."""
        know, measures = self._know, self._know.breaker.measures
        for ticker in know.dirty:
            market = know.markets.get(ticker)
            mark = market.mark(know.ledger.position(ticker).mark) if market is not None else None
            if mark is not None:  # else the last one stays
                know.ledger.mark(ticker, mark)
        know.stale.update(know.shares.bring_up_to_date())
        if know.ledger.opening_cash is not None:
            measures.pnl = measures.carried + know.ledger.pnl()
            measures.equity = know.ledger.worth
        if know.positions_moved:
            know.positions_moved = False
            for desk in self._desks.values():
                measures.desks[desk.name].imbalance = desk.imbalance()
        measures.time_is(now)

    def check(self, now: Nanos) -> list[AnyAction]:
        """Compare, and act on what is new."""
        change = self._know.breaker.check(now)
        if change is None:
            return []
        was_closing = self._modes.is_ending
        self._modes.settle()
        actions: list[AnyAction] = [*change.alerts, *map(self._ended, change.ended)]
        for trip in change.trips:
            wants_out = self._know.settings.flatten_on_feed_lost and not self._know.breaker.measures.killed
            if trip.rule == FEED_LOST and wants_out and not was_closing:
                self._flattening.begin(until=None)
            actions += self.stop(trip, now)
        return actions

    def stop(self, trip: TripMemory, now: Nanos) -> list[AnyAction]:
        """What a new trip causes: an alert, and every order it concerns taken away."""
        alert = _alert_of(trip)
        if trip.desk:
            return [alert, *self._retreat.cancel_desk(now, trip.desk, trip.reason)]
        return [alert, *self._retreat.cancel_everything(now, trip.reason)]

    def _ended(self, trip: TripMemory) -> AnyAction:
        others = self._know.breaker.trip
        goes_on = "trading goes on" if others is None else f"still tripped: {others.reason}"
        text = f"{trip.rule} is over ({trip.reason}); {goes_on}"
        return Alert(AlertLevel.INFO, _category(trip.rule), text, trip.desk, (("rule", trip.rule),))


def _category(rule: str) -> str:
    return next((row.trips_as for row in ROWS if row.name == rule), CATEGORY)


def _alert_of(trip: TripMemory) -> Alert:
    whose, who = (f" of desk {trip.desk}", "the desk") if trip.desk else ("", "trading")
    text = f"circuit breaker{whose}: {trip.reason}; {who} has stopped"
    details = (("rule", trip.rule),)
    return Alert(AlertLevel.CRITICAL, _category(trip.rule), text, trip.desk, details)
