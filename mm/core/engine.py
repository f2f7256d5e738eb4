"""The crank: one event in, the actions it causes out. Facts change what we know, a Tick changes what we do,
and danger acts at once.

Modes: STARTING -> QUOTING <-> PAUSED -> HALTED, and -> CLOSING -> CLOSED. Start is recovery: quoting begins
when nothing of a former run rests any more and the exchange's positions are the ledger's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from mm.core.actions import AnyAction
from mm.core.contradiction import Contradiction
from mm.core.desk import Desk, StrategyFactory
from mm.core.ending import Ending
from mm.core.events import (
    AccountReport,
    AnyEvent,
    ApiError,
    CancelAllDone,
    Command,
    DataAge,
    LinkDown,
    OrderReport,
    Reconfigure,
    RequestKind,
    Tick,
)
from mm.core.execution import Budget, Execution
from mm.core.flatten import Flattening
from mm.core.knowledge import Knowledge
from mm.core.lateness import Lateness
from mm.core.modes import Mode as Mode
from mm.core.modes import Modes
from mm.core.operators import Operators
from mm.core.photographer import Photographer
from mm.core.picture import EnginePicture, MarketDecision
from mm.core.recess import Recess
from mm.core.reconcile import Reconciler
from mm.core.retirement import Retirement
from mm.core.retreat import Retreat
from mm.core.settings import EngineSettings, needs_restart
from mm.core.units import SECOND, Count, Nanos
from mm.core.upkeep import RequestIds, due_action, is_proof_of_absence
from mm.core.watch import Watch

LOOK_AGAIN: Nanos = SECOND


class Engine:
    """``strategies``: how each desk makes a strategy, by desk name."""

    def __init__(self, settings: EngineSettings, strategies: Mapping[str, StrategyFactory]) -> None:
        self.know = Knowledge(settings)
        self.now: Nanos = 0
        self.desks = {desk.name: Desk(desk, strategies[desk.name], self.know) for desk in settings.desks}
        self.decisions: list[MarketDecision] = []
        self._ids = RequestIds()
        self._execution = Execution(self.know, self._ids)
        self._flattening = Flattening(self.know, self._execution)
        strangers: set[str] = set()
        self._retreat = Retreat(self.know, self._ids, strangers)
        self._reconciler = Reconciler(self.know, self._ids, strangers)
        self._modes = Modes(self.know)
        self._watch = Watch(self.know, self.desks, self._modes, self._retreat, self._flattening)
        parts = self.know, self._modes, self._retreat, self._flattening, self._reconciler
        self._recess = Recess(self.know, self._modes, self._retreat)
        self._contradiction = Contradiction(self.know)
        self._lateness = Lateness(self._modes, self._retreat)
        self._ending = Ending(*parts)
        self._operators = Operators(*parts, self._ending, self._watch)
        self._retirement = Retirement(self.know, self.desks)
        self._photographer = Photographer(self.know, self.desks)
        self._looked_at: dict[str, Nanos] = {}
        # What is more than news, by its exact type.
        self._summons: dict[type, Callable[[Any], Sequence[AnyAction]]] = {
            Tick: self._tick,
            Command: self._operators.obey,
            Reconfigure: self._reconfigure,
            AccountReport: self._take_report,
            DataAge: self._lateness.take,
        }
        # News; after some of it something must be asked again or given up.
        self._lessons: dict[type, Callable[[Any], Sequence[AnyAction]]] = {
            **self.know.handlers,
            **dict.fromkeys((ApiError, OrderReport, LinkDown, CancelAllDone), self._learn_of_trouble),
        }

    @property
    def settings(self) -> EngineSettings:
        """As of the last `Reconfigure`."""
        return self.know.settings

    @property
    def mode(self) -> Mode:
        return self._modes.now

    # -- the crank -------------------------------------------------------------------------------------
    def on_event(self, event: AnyEvent) -> Sequence[AnyAction]:
        """Take in one event; the actions are to be carried out in their order."""
        self.now = event.ts
        if self.decisions:
            self.decisions = []
        answer = self._summons.get(type(event))
        if answer is not None:
            return answer(event)
        know = self.know
        learn = self._lessons.get(type(event))
        told = learn(event) if learn is not None else ()
        if know.touched_order is None and not know.hours.is_news:
            return told
        actions = list(told)
        if know.touched_order is not None:
            actions += self._follow_up()
        if know.hours.is_news:
            actions += self._recess.step(self.now, event)
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
            self._retreat.answered(event.request_id, self.now)
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
        return actions + self._watch.check(self.now)

    def _take_report(self, report: AccountReport) -> list[AnyAction]:
        """What was to be read may be known now."""
        actions = [*self.know.learn(report), *self._reconciler.take(report), *self._watch.check(self.now)]
        if self.mode is Mode.STARTING:
            self._modes.settle()
        return actions + self._ending.step(self.now)

    def _reconfigure(self, event: Reconfigure) -> list[AnyAction]:
        """Other limits hold from now on, for what is there too."""
        settings = event.settings
        assert not needs_restart(self.settings, settings), needs_restart(self.settings, settings)
        self.know.settings = settings
        for desk in settings.desks:
            self.desks[desk.name].settings = desk
        self.know.breaker.reconfigure(settings.breaker)
        self.know.positions_moved = True
        for names in (self.know.dirty, self.know.stale):
            names.update(dict.fromkeys(self.know.markets))
        self._watch.measure(self.now)
        return self._watch.check(self.now)

    # -- time to decide --------------------------------------------------------------------------------
    def _tick(self, tick: Tick) -> list[AnyAction]:
        actions: list[AnyAction] = []
        self._watch.measure(self.now)
        actions += self._watch.check(self.now)
        actions += self._recess.step(self.now)
        if self.know.contradicted:
            actions += self._contradiction.step(self.now)
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
        is_opening = self.know.ledger.opening_cash is None
        query = self._reconciler.due(self.now, is_owed or is_opening or self.mode is Mode.CLOSING)
        if query is not None:
            actions.append(query)
        if self.know.over:
            for ticker in self._retirement.step(self.now):
                self._looked_at.pop(ticker, None)
        return actions + self._ending.step(self.now)

    def _decide(self, budget: Budget) -> list[AnyAction]:
        """Each desk says what it wants in the markets to look at; what does not fit the budget waits."""
        know = self.know
        by_desk: dict[str, list[str]] = {}
        for ticker in self._due():
            by_desk.setdefault(know.markets[ticker].desk, []).append(ticker)
        know.dirty.clear()
        actions: list[AnyAction] = []
        for name, tickers in by_desk.items():
            for ticker in tickers:
                self._looked_at.pop(ticker, None)
                self._looked_at[ticker] = self.now
            if know.breaker.has_stopped(name):
                continue
            desk = self.desks[name]
            for decision in desk.decide(tickers, self.now):
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

    # -- to be seen ------------------------------------------------------------------------------------
    def position(self, ticker: str) -> Count:
        return self.know.ledger.count(ticker)

    def desk_of(self, ticker: str) -> str:
        return self.know.desk_of(ticker)

    def has_retired(self, ticker: str) -> bool:
        """Settled, quiet, and no longer followed."""
        return ticker in self.know.retired

    def picture(self) -> EnginePicture:
        picture = self._photographer.take(self.mode.value, self.now, self._reconciler.last_report)
        return msgspec.structs.replace(picture, pauses=tuple(self._modes.pauses.items()))
