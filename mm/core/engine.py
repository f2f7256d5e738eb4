"""The crank: one event in, the actions it causes out. Facts change what we know, a Tick changes what we do,
and danger acts at once.

Modes: STARTING -> QUOTING <-> PAUSED -> HALTED, and -> CLOSING -> CLOSED. Start is recovery: quoting begins
when nothing of a former run rests any more and the exchange's positions are the ledger's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum

from mm.core.actions import Alert, AlertLevel, AnyAction, Stop
from mm.core.desk import Desk, StrategyFactory
from mm.core.events import (
    AccountReport,
    AnyEvent,
    ApiError,
    CancelAllDone,
    Command,
    CommandKind,
    LinkDown,
    OrderReport,
    RequestKind,
    Tick,
)
from mm.core.execution import Budget, Execution
from mm.core.flatten import Flattening
from mm.core.knowledge import Knowledge
from mm.core.photographer import photograph
from mm.core.picture import EnginePicture, MarketDecision
from mm.core.reconcile import Reconciler
from mm.core.retreat import Retreat
from mm.core.settings import EngineSettings
from mm.core.units import SECOND, Count, Nanos
from mm.core.upkeep import RequestIds, due_action, is_proof_of_absence

LOOK_AGAIN: Nanos = SECOND
CLEAN_READS_NEEDED = 2
# The breaker's rule after which positions are closed, if the settings say so.
FEED_LOST = "feed_lost_seconds"
# Of the patience of a shutdown, one part in so many is for closing positions: what is left must be longer
# than `absence_proof`, so that an order in doubt can still be proven absent.
CLOSING_SHARE = 3


class Mode(Enum):
    STARTING = "starting"
    QUOTING = "quoting"
    PAUSED = "paused"
    HALTED = "halted"
    CLOSING = "closing"
    CLOSED = "closed"


class Engine:
    """``strategies``: how each desk makes a strategy, by desk name."""

    def __init__(self, settings: EngineSettings, strategies: Mapping[str, StrategyFactory]) -> None:
        self.settings = settings
        self.know = Knowledge(settings)
        self.mode = Mode.STARTING
        self.now: Nanos = 0
        self.desks = {desk.name: Desk(desk, strategies[desk.name], self.know) for desk in settings.desks}
        self.decisions: list[MarketDecision] = []
        self._ids = RequestIds()
        self._execution = Execution(self.know, self._ids)
        self._flattening = Flattening(self.know, self._execution)
        self._retreat = Retreat(self.know, self._ids)
        self._reconciler = Reconciler(self.know, self._ids)
        self._looked_at: dict[str, Nanos] = {}
        self._give_up_at: Nanos = 0
        if settings.tripped_rule:
            self.know.breaker.trip_for(settings.tripped_rule, settings.tripped_reason, settings.tripped_at)
            self.mode = Mode.HALTED

    # -- the crank -------------------------------------------------------------------------------------
    def on_event(self, event: AnyEvent) -> Sequence[AnyAction]:
        """Take in one event; the actions are to be carried out in their order."""
        self.now = event.ts
        if self.decisions:
            self.decisions = []
        if isinstance(event, Tick):
            return self._tick(event)
        if isinstance(event, Command):
            return self._command(event)
        if isinstance(event, AccountReport):
            actions = [*self.know.learn(event), *self._reconciler.take(event)]
            return actions + self._after_report()
        if not isinstance(event, ApiError | OrderReport | LinkDown | CancelAllDone):
            actions = list(self.know.learn(event))
        else:
            actions = self._learn_of_trouble(event)
        if self.know.touched_order is not None:
            actions += self._follow_up()
        return actions

    def _learn_of_trouble(self, event: ApiError | OrderReport | LinkDown | CancelAllDone) -> list[AnyAction]:
        asked = self.know.orders.find(getattr(event, "client_order_id", ""))
        actions = list(self.know.learn(event))
        if isinstance(event, LinkDown):
            return actions + self._retreat.cancel_everything(self.now, "market data lost")
        if isinstance(event, OrderReport):
            if asked and event.request_id and is_proof_of_absence(asked, event, self.settings):
                self.know.orders.absent(asked)
                self.know.exposure.touch(asked.ticker)
        else:
            self._retreat.answered(event.request_id)
        if isinstance(event, ApiError) and event.kind is RequestKind.QUERY_ACCOUNT:
            self._reconciler.failed(event.request_id, event.ts)
        return actions

    def _follow_up(self) -> list[AnyAction]:
        """An order changed: what was to be cancelled is cancelled now, and what may trip is checked now."""
        order, self.know.touched_order = self.know.touched_order, None
        actions: list[AnyAction] = []
        if order is not None and order.client_order_id in self.know.orders.by_client_id:
            action = due_action(order, self.know.orders, self._ids, self.now)
            if action is not None:
                actions.append(action)
        return actions + self._check_breaker()

    # -- time to decide --------------------------------------------------------------------------------
    def _tick(self, tick: Tick) -> list[AnyAction]:
        actions: list[AnyAction] = []
        self._measure()
        actions += self._check_breaker()
        if self.know.notes:
            actions += self.know.notes
            self.know.notes = []
        budget = Budget(tick.orders_allowed, tick.cancels_allowed)
        for order in self.know.orders.in_care():
            action = due_action(order, self.know.orders, self._ids, self.now)
            if action is not None:
                budget.cancels -= 1
                actions.append(action)
        is_owed = self._reconciler.is_owed
        is_free = self.know.link_up and not is_owed and self.now >= self._retreat.hold_until
        if self.mode is Mode.QUOTING and is_free:
            actions += self._decide(budget)
        if self._flattening.is_on:
            actions += self._flattening.step(self.now, budget, is_sure=not is_owed)
            # What was read while positions were being closed does not prove the end.
            self._reconciler.clean_reads = 0
        query = self._reconciler.due(self.now, is_owed or self.mode in (Mode.STARTING, Mode.CLOSING))
        if query is not None:
            actions.append(query)
        if self.mode is Mode.CLOSING:
            actions += self._close()
        return actions

    def _measure(self) -> None:
        """Marks of what moved, P&L, imbalance: what the breaker compares."""
        know, measures = self.know, self.know.breaker.measures
        for ticker in know.dirty:
            if ticker in know.markets:
                know.mark(ticker, self.now)
        measures.pnl = know.ledger.pnl()
        cash = know.ledger.cash
        measures.equity = None if cash is None else cash + know.ledger.equity_held
        if know.positions_moved:
            know.positions_moved = False
            measures.imbalance = max(map(self.imbalance, self.desks.values()), default=0.0)
        measures.time_is(self.now, self.settings.breaker.error_window)

    def imbalance(self, desk: Desk) -> float:
        """The largest position of the desk as a fraction of its limit."""
        largest = max((abs(self.position(ticker)) for ticker in desk.tickers), default=0)
        return largest / desk.settings.limits.max_position

    def _decide(self, budget: Budget) -> list[AnyAction]:
        """Each desk says what it wants in the markets to look at; what does not fit the budget waits."""
        know = self.know
        by_desk: dict[str, list[str]] = {}
        for ticker in self._due():
            by_desk.setdefault(know.markets[ticker].desk, []).append(ticker)
        know.dirty.clear()
        actions: list[AnyAction] = []
        for name, tickers in by_desk.items():
            desk = self.desks[name]
            for decision in desk.decide(tickers, self.now):
                self._looked_at.pop(decision.ticker, None)
                self._looked_at[decision.ticker] = self.now
                self.decisions.append(decision)
                if not self._execution.carry_out(desk, decision, self.now, budget, actions):
                    know.dirty[decision.ticker] = None
        return actions

    def _due(self) -> list[str]:
        """The markets in which something changed, and those not looked at for a while (oldest first)."""
        due = self.know.dirty
        horizon = self.now - LOOK_AGAIN
        for ticker, looked_at in self._looked_at.items():
            if looked_at > horizon:
                break
            due[ticker] = None
        return [ticker for ticker in due if ticker in self.know.markets]

    # -- danger ----------------------------------------------------------------------------------------
    def _check_breaker(self) -> list[AnyAction]:
        breaker = self.know.breaker
        trip = breaker.check(self.now)
        if trip is None and breaker.trip is None and self._reconciler.mismatch:
            trip = breaker.trip_for("position_mismatch", self._reconciler.mismatch, self.now)
        if trip is None:
            return []
        if self.mode in (Mode.QUOTING, Mode.PAUSED, Mode.STARTING):
            self.mode = Mode.HALTED
            if trip.rule == FEED_LOST and self.settings.flatten_on_feed_lost:
                self._flattening.begin(until=None)
        text = f"circuit breaker: {trip.reason}; trading has stopped"
        alert = Alert(AlertLevel.CRITICAL, "circuit_breaker", text, details=(("rule", trip.rule),))
        return [alert, *self._retreat.cancel_everything(self.now, trip.reason)]

    # -- operators -------------------------------------------------------------------------------------
    def _command(self, command: Command) -> list[AnyAction]:
        kind, reason = command.kind, command.reason or command.kind.value
        if kind is CommandKind.SHUTDOWN and self.mode not in (Mode.CLOSING, Mode.CLOSED):
            self.mode = Mode.CLOSING
            self._give_up_at = self.now + self.settings.shutdown_patience
            self._reconciler.clean_reads = 0
            if self.settings.close_on_shutdown or self._flattening.is_on:
                self._flattening.begin(self.now + self.settings.shutdown_patience // CLOSING_SHARE)
            return self._retreat.cancel_everything(self.now, reason)
        if kind is CommandKind.FLATTEN and self.mode not in (Mode.CLOSING, Mode.CLOSED):
            self.mode = Mode.HALTED if self.mode is Mode.HALTED else Mode.PAUSED
            self._flattening.begin(self.now + self.settings.shutdown_patience)
            return self._retreat.cancel_everything(self.now, reason)
        if kind is CommandKind.PAUSE and self.mode in (Mode.QUOTING, Mode.STARTING):
            self.mode = Mode.PAUSED
            return self._retreat.cancel_everything(self.now, reason)
        if kind is CommandKind.RESUME and self.mode is Mode.PAUSED:
            self.mode = self._mode_to_go_on
            return self._flattening.stop()
        if kind is CommandKind.HALT and self.know.breaker.trip is not None:
            return self._flattening.stop()
        if kind is CommandKind.HALT:
            self.know.breaker.trip_for("halted", reason, self.now)
            self.mode = Mode.HALTED if self.mode is not Mode.CLOSING else self.mode
            return [
                Alert(AlertLevel.CRITICAL, "kill_switch", f"halted: {reason}"),
                *self._flattening.stop(),
                *self._retreat.cancel_everything(self.now, reason),
            ]
        if kind is CommandKind.RESET and self.mode is Mode.HALTED:
            self.know.forgive()
            self.mode = self._mode_to_go_on
            told = Alert(AlertLevel.INFO, "circuit_breaker", f"breaker reset: {reason}")
            return [told, *self._flattening.stop()]
        return []

    @property
    def _mode_to_go_on(self) -> Mode:
        """No command skips the recovery of the start."""
        return Mode.STARTING if self.know.ledger.opening_cash is None else Mode.QUOTING

    def _after_report(self) -> list[AnyAction]:
        actions = self._check_breaker()
        if self.mode is Mode.STARTING and self.know.ledger.opening_cash is not None:
            self.mode = Mode.QUOTING
            self.know.dirty.update(dict.fromkeys(self.know.markets))
        return actions + (self._close() if self.mode is Mode.CLOSING else [])

    def _close(self) -> list[AnyAction]:
        """Done when our table is empty and fresh reads agree; given up, and said so, after a while."""
        if not len(self.know.orders) and self._reconciler.clean_reads >= CLEAN_READS_NEEDED:
            self.mode = Mode.CLOSED
            return [Stop(0, "nothing of ours rests")]
        if self.now >= self._give_up_at:
            self.mode = Mode.CLOSED
            left = ", ".join(order.client_order_id for order in self.know.orders) or "none known"
            text = f"could not prove that nothing rests; orders in question: {left}"
            return [Alert(AlertLevel.CRITICAL, "bot_shutdown", text), Stop(3, text)]
        return []

    # -- to be seen ------------------------------------------------------------------------------------
    def position(self, ticker: str) -> Count:
        return self.know.ledger.position(ticker).count

    def desk_of(self, ticker: str) -> str:
        market = self.know.markets.get(ticker)
        return market.desk if market else ""

    def picture(self) -> EnginePicture:
        desks = list(self.desks.values())
        imbalances = [self.imbalance(desk) for desk in desks]
        last = self._reconciler.last_report
        return photograph(self.know, desks, imbalances, self.mode.value, self.now, last)
