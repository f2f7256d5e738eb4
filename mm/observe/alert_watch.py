"""What the engine has no reason to say but a person must hear: links, storage, pauses, full positions.

The rules are those of the operator's manual (document 002, "Alert Rules"). Each is told when it begins and
when it ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, TypeAlias

import msgspec

from mm.core.actions import Alert, AlertLevel, AnyAction, Stop
from mm.core.events import AnyEvent, Command, CommandKind, LinkDown, LinkUp
from mm.core.picture import BreakerPicture, EnginePicture, MarketPicture, Observed
from mm.core.units import SECOND, Nanos, count_text
from mm.observe.append import StorageError
from mm.observe.conditions import Conditions, Say
from mm.observe.heartbeat import status_word
from mm.observe.observer import Every, Watcher
from mm.observe.plain import contracts

Faults: TypeAlias = Callable[[], Iterable[StorageError]]
LOOK_EVERY: Nanos = SECOND
# Who may pause quoting without a command, and what is said when that is over.
PAUSES = {"exchange": "the exchange takes orders again", "market data": "market data is fresh again"}
# A position has left its limit's neighbourhood when it is below this part of the warning level.
RELAXED = 0.9


class AlertRules(msgspec.Struct, frozen=True):
    """``cooldown`` between two of the same; ``repeat_every`` of a critical state that lasts; a link that is
    lost for ``feed_critical_after`` is critical; ``api_errors`` in a row, a position of at least
    ``position_fraction`` of its limit, and ``slippage_fills`` that lost more than ``slippage_fraction`` of
    their price are warnings. ``None``: rule off."""

    cooldown: Nanos = 60 * SECOND
    repeat_every: Nanos | None = 1_800 * SECOND
    feed_critical_after: Nanos | None = 30 * SECOND
    api_errors: int | None = 3
    position_fraction: float | None = 0.8
    slippage_fraction: float | None = 0.005
    slippage_fills: int = 50


class AlertWatch(Watcher):
    """``faults`` lists what the disk refuses now; ``EVENTS`` are those that it looks at. A step that is an
    alert by itself yields to one of the same category by the engine."""

    EVENTS: ClassVar[frozenset[type]] = frozenset({LinkDown, LinkUp, Command})

    def __init__(self, say: Say, faults: Faults, rules: AlertRules) -> None:
        super().__init__(
            {LinkDown: self._link_down, LinkUp: self._link_up, Command: self._command}, {Stop: self._stop}
        )
        self._say = say
        self._faults = faults
        self._rules = rules
        self._conditions = Conditions(say, rules.repeat_every)
        self._look = Every(LOOK_EVERY)
        self._said: dict[str, AlertLevel] = {}

    def on_step(self, event: AnyEvent, actions: Sequence[AnyAction], engine: Observed) -> None:
        if actions:
            self._said = {each.category: each.level for each in actions if type(each) is Alert}
        super().on_step(event, actions, engine)
        if actions:
            self._said = {}

    def on_time(self, now: Nanos, engine: Observed) -> None:
        self._storage(now)
        if self._look.is_due(now):
            picture = engine.picture()
            self._feed(now)
            self._api(picture.breaker, now)
            self._breaker(picture, now)
            self._pauses(picture, now)
            self._positions(picture, now)
            self._conditions.repeat(now)

    def _tell(self, alert: Alert, ts: Nanos) -> None:
        if alert.category not in self._said:
            self._say(alert, ts)

    # -- links -----------------------------------------------------------------------------------------
    def _link_down(self, event: LinkDown, engine: Observed) -> None:
        level = self._said.get("api_disconnect", AlertLevel.WARNING)
        details = (("link", event.link), ("reason", event.reason))
        alert = Alert(level, "api_disconnect", f"{event.link} disconnected", details=details)
        self._conditions.begin(("link", event.link), alert, event.ts, said="api_disconnect" in self._said)

    def _link_up(self, event: LinkUp, engine: Observed) -> None:
        self._conditions.end(("link", event.link), f"{event.link} back", event.ts)

    def _feed(self, now: Nanos) -> None:
        limit = self._rules.feed_critical_after
        for link in self._conditions.subjects("link"):
            since = self._conditions.since(("link", link))
            if limit is not None and since is not None and now - since >= limit:
                text = f"{link} disconnected for more than {limit / SECOND:g} s"
                alert = Alert(AlertLevel.CRITICAL, "api_disconnect", text, details=(("link", link),))
                self._conditions.worsen(("link", link), alert, now)

    # -- commands --------------------------------------------------------------------------------------
    def _command(self, event: Command, engine: Observed) -> None:
        if event.kind is CommandKind.HALT:
            text = f"halted by command: {event.reason}"
            self._tell(Alert(AlertLevel.CRITICAL, "kill_switch", text), event.ts)
        elif event.kind is CommandKind.PAUSE:
            alert = Alert(AlertLevel.WARNING, "pause", f"quoting is paused: {event.reason}")
            self._conditions.begin(("pause", ""), alert, event.ts, said="pause" in self._said)
        elif event.kind is CommandKind.RESUME:
            self._conditions.end(("pause", ""), "quoting goes on", event.ts)

    def _stop(self, ts: Nanos, action: Stop, engine: Observed) -> None:
        level = AlertLevel.INFO if action.exit_code == 0 else AlertLevel.CRITICAL
        details = (("exit_code", action.exit_code),)
        self._tell(Alert(level, "bot_shutdown", f"stopped: {action.reason}", details=details), ts)

    # -- what lasts ------------------------------------------------------------------------------------
    def _storage(self, now: Nanos) -> None:
        faults = {fault.path.name: fault for fault in self._faults()}
        for name, fault in faults.items():
            details = (("path", name), ("errno", fault.errno or 0))
            alert = Alert(AlertLevel.CRITICAL, "storage", str(fault), details=details)
            self._conditions.begin(("storage", name), alert, now)
        for name in self._conditions.subjects("storage"):
            if name not in faults:
                self._conditions.end(("storage", name), f"{name}: the disk can be written again", now)

    def _api(self, breaker: BreakerPicture, now: Nanos) -> None:
        limit, errors = self._rules.api_errors, breaker.consecutive_errors
        if limit is not None and errors >= limit and breaker.trading_allowed:
            last = f", the last: {breaker.recent_errors[-1]}" if breaker.recent_errors else ""
            alert = Alert(AlertLevel.WARNING, "api_errors", f"{errors} API errors in a row{last}")
            self._conditions.begin(("api", ""), alert, now)
        elif errors == 0:
            self._conditions.end(("api", ""), "API answers again", now)

    def _breaker(self, picture: EnginePicture, now: Nanos) -> None:
        """The trip itself is the engine's to tell, or of whoever started a run that was tripped before."""
        key, breaker = ("breaker", ""), picture.breaker
        if breaker.trading_allowed:
            self._conditions.end(key, "trading is allowed again", now)
            return
        category = "kill_switch" if status_word(picture) == "disabled" else "circuit_breaker"
        text, details = f"no trading: {breaker.trip_reason}", (("rule", breaker.trip_rule),)
        alert = Alert(AlertLevel.CRITICAL, category, text, details=details)
        self._conditions.begin(key, alert, breaker.trip_ts or now, said=True)

    def _pauses(self, picture: EnginePicture, now: Nanos) -> None:
        """Of the exchange and of its data; those of people and of the disk are told where they begin."""
        pauses = dict(picture.pauses)
        for whose, over in PAUSES.items():
            key, reason = ("pause", whose), pauses.get(whose)
            if reason is not None:
                details = (("subject", whose), ("reason", reason))
                alert = Alert(AlertLevel.WARNING, "pause", f"quoting is paused: {reason}", details=details)
                self._conditions.begin(key, alert, now)
            else:
                self._conditions.end(key, over, now)

    def _positions(self, picture: EnginePicture, now: Nanos) -> None:
        for desk in picture.desks:
            for market in desk.markets:
                self._position(market, now)

    def _position(self, market: MarketPicture, now: Nanos) -> None:
        fraction, key = self._rules.position_fraction, ("position", market.ticker)
        if fraction is None or not market.max_position:
            return
        held = abs(market.position)
        if held >= fraction * market.max_position:
            text = (
                f"position limit approaching in {market.ticker}: "
                f"{count_text(market.position)} of {count_text(market.max_position)} contracts"
            )
            current, most = contracts(market.position), contracts(market.max_position)
            details = (("market", market.ticker), ("current", current), ("max", most))
            alert = Alert(AlertLevel.WARNING, "position_limit", text, market.desk, details)
            self._conditions.begin(key, alert, now)
        elif held < RELAXED * fraction * market.max_position:
            self._conditions.end(key, f"position of {market.ticker} far from its limit again", now)
