"""What a run tells the service manager that started it: ready, alive, reloading, stopping, a line for people.

It is an observer, so every word comes from the trading loop itself: a loop that hangs says nothing, and the
manager's watchdog ends it. A thread beside the loop would hide exactly that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from mm.app.notify import READY, STOPPING, WATCHDOG, Manager, extend_timeout, manager_of, watchdog_interval
from mm.app.notify import reloading as reload_begins
from mm.app.notify import status as status_line
from mm.core.actions import Stop
from mm.core.events import Command, CommandKind
from mm.core.picture import EnginePicture, Observed
from mm.core.units import CONTRACT, MONEY_DOLLAR, SECOND, Nanos
from mm.observe.heartbeat import RESTING, status_word
from mm.observe.log import escape
from mm.observe.observer import Every, Watcher

LONGEST_LOOP_LAG: Final[Nanos] = 5 * SECOND
LONGEST_WITHOUT_STEP: Final[Nanos] = 5 * SECOND
# Quotes are pulled meanwhile and come back by themselves; after this a new process, with new files, is tried.
LONGEST_WITHOUT_JOURNAL: Final[Nanos] = 120 * SECOND
# Two pings may get lost.
PINGS_IN_AN_INTERVAL: Final = 4
LOOK_EVERY: Final[Nanos] = SECOND
SHOW_EVERY: Final[Nanos] = 5 * SECOND
STILL_AT_IT_SECONDS: Final = 60
COMPARING_SECONDS: Final = 90
LONGEST_REASON: Final = 200
HUNDREDTH_DOLLAR: Final = MONEY_DOLLAR // 100


class Health(NamedTuple):
    """``loop_lag``: by how much the loop came late to its periodic work. ``last_step``: the time of the last
    event that went through. ``is_written_down``: the journal took what it was given."""

    loop_lag: Nanos
    last_step: Nanos
    is_written_down: bool


class Service(Watcher):
    """``watchdog``: within what time the manager wants to hear of us (``None``: it does not). ``examine`` is
    set once there is a loop to examine; until then nothing is healthy. ``remark``, which may be set, says
    what a start waits for. ``scrub`` cuts secrets out of a text. ``step_patience``: how long there may be no
    step, beyond `LONGEST_WITHOUT_STEP`."""

    def __init__(
        self,
        manager: Manager,
        watchdog: Nanos | None,
        scrub: Callable[[str], str] = str,
        step_patience: Nanos = 0,
    ) -> None:
        super().__init__({Command: self._command}, {Stop: self._stop})
        self.examine: Callable[[], Health] | None = None
        self.remark: Callable[[], str] = str
        self._manager = manager
        self._scrub = scrub
        self._step_patience = step_patience
        self._ping = None if watchdog is None else Every(watchdog // PINGS_IN_AN_INTERVAL)
        self._look = Every(LOOK_EVERY)
        self._show = Every(SHOW_EVERY)
        self._written_down_at: Nanos | None = None
        self._is_ready = False
        self._is_reloading = False
        self._is_stopping = False
        self._shown = ("", "")

    # -- what happens --------------------------------------------------------------------------------------
    def on_time(self, now: Nanos, engine: Observed) -> None:
        if not self._manager.listens:
            return
        if self._ping is not None and self._is_healthy(now) and self._ping.is_due(now):
            self._manager.send(WATCHDOG)
        if self._look.is_due(now):
            self._tell(now, engine.picture())

    def _command(self, event: Command, engine: Observed) -> None:
        if event.kind is CommandKind.SHUTDOWN and not self._is_stopping:
            self._is_stopping = True
            text = status_line(f"stopping: {self._scrub(event.reason)}")
            self._manager.send(STOPPING, extend_timeout(STILL_AT_IT_SECONDS), text)

    def _stop(self, now: Nanos, action: Stop, engine: Observed) -> None:
        """The loop ends here, but not yet the process: the exchange's books are still read."""
        self._is_stopping = True
        text = status_line(f"stopped: {self._scrub(action.reason)}; comparing the books")
        self._manager.send(STOPPING, extend_timeout(COMPARING_SECONDS), text)

    # -- for whoever reloads -------------------------------------------------------------------------------
    def reloading(self) -> None:
        """A reload begins. Nothing is said of one before the run is ready, nor while it stops."""
        if self._is_ready and not self._is_stopping:
            self._is_reloading = True
            self._manager.send(*reload_begins())

    def ready(self) -> None:
        """A reload is over, whether it was taken or refused."""
        if self._is_reloading and not self._is_stopping:
            self._is_reloading = False
            self._is_ready = self._manager.send(READY)  # if not taken it is said again, as at the start

    # -- what is said --------------------------------------------------------------------------------------
    def _tell(self, now: Nanos, picture: EnginePicture) -> None:
        word = status_word(picture)
        if self._is_stopping:
            self._manager.send(STOPPING, extend_timeout(STILL_AT_IT_SECONDS))
            return
        remark = escape(self._scrub(self.remark()))[:LONGEST_REASON]
        text = f"{word}: {remark}" if remark else status_text(word, picture, self._scrub)
        if not self._is_ready:
            self._tell_start(is_recovered(word, picture), word, text)
        self._tell_people(now, word, text)

    def _tell_start(self, is_over: bool, word: str, text: str) -> None:
        """Ready and what it does now are one message: whoever waited for the start reads no older line."""
        self._is_ready = is_over and self._manager.send(READY, status_line(text))
        if self._is_ready:
            self._shown = (word, text)
        else:
            self._manager.send(extend_timeout(STILL_AT_IT_SECONDS))

    def _tell_people(self, now: Nanos, word: str, text: str) -> None:
        """At once if something else happens now; figures alone no more often than people read."""
        is_due = self._show.is_due(now) or word != self._shown[0]
        if is_due and (word, text) != self._shown and self._manager.send(status_line(text)):
            self._shown = (word, text)

    def _is_healthy(self, now: Nanos) -> bool:
        if self.examine is None:
            return False
        health = self.examine()
        if health.is_written_down or self._written_down_at is None:
            self._written_down_at = now
        measures = (
            (health.loop_lag, LONGEST_LOOP_LAG),
            (now - health.last_step, LONGEST_WITHOUT_STEP + self._step_patience),
            (now - self._written_down_at, LONGEST_WITHOUT_JOURNAL),
        )
        return all(measure <= limit for measure, limit in measures)


def service_of(
    environment: Mapping[str, str], scrub: Callable[[str], str] = str, step_patience: Nanos = 0
) -> Service:
    """For the manager that ``environment`` names; a service that speaks to nobody if it names none.

    :raises NotifyError: if what it names cannot be.
    """
    return Service(manager_of(environment), watchdog_interval(environment), scrub, step_patience)


def is_recovered(word: str, picture: EnginePicture) -> bool:
    """The account was read and taken over: it quotes, or says why not. ``word`` is the heartbeat's."""
    return word not in ("starting", "stopping") and picture.last_reconcile > 0


def status_text(word: str, picture: EnginePicture, scrub: Callable[[str], str] = str) -> str:
    """``active: 3 markets, 6 orders rest, P&L $-1.25, breaker ok``; a held contract shows as a position."""
    markets = [market for desk in picture.desks for market in desk.markets]
    resting = sum(1 for order in picture.orders if order.state.upper() in RESTING)
    held = sum(abs(market.position) for market in markets)
    profit = sum(desk.realized + desk.unrealized - desk.fees for desk in picture.desks)
    breaker = picture.breaker
    reason = (
        "ok" if breaker.trading_allowed else f"tripped: {scrub(escape(breaker.trip_reason))[:LONGEST_REASON]}"
    )
    return escape(
        f"{word}: {len(markets)} markets, {resting} orders rest, {held / CONTRACT:g} contracts held, "
        f"P&L ${round(profit / HUNDREDTH_DOLLAR) / 100:.2f}, breaker {reason}"
    )
