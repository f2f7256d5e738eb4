"""Turns allowed wishes into requests: the difference to what is there, through the last gate, within budget.

Orders are marked as under way in the same step in which their request is decided, so that the next decision
already counts them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mm.core.actions import Alert, AlertLevel, AmendOrder, AnyAction, PlaceOrder, TimeInForce
from mm.core.desk import Desk
from mm.core.diff import Amend, Cancel, Intent, Place, Replace, diff, side_of
from mm.core.knowledge import Knowledge
from mm.core.order import MUST_NOT_REST, Order
from mm.core.picture import MarketDecision
from mm.core.risk import Gate, value_at_risk, would_cross
from mm.core.strategy import Quote
from mm.core.units import SECOND, Nanos, price_text
from mm.core.upkeep import RequestIds, cancel, due_action

NO_ROOM = "price; no room for both"
_Made = tuple[Order, AnyAction, Callable[[Order], None]]


@dataclass(slots=True)
class Budget:
    """Requests that the rate limits allow at this Tick. Cancels come first and may overdraw: the limiter
    keeps a share for them."""

    orders: int
    cancels: int


class Execution:
    """One for the account: its gate counts the orders of all desks."""

    def __init__(self, know: Knowledge, ids: RequestIds) -> None:
        self._know = know
        self._ids = ids
        self._gate = Gate(know.exposure, know.ledger)
        self._orders_made = 0

    def carry_out(
        self, desk: Desk, decision: MarketDecision, now: Nanos, budget: Budget, actions: list[AnyAction]
    ) -> bool:
        """Append the requests that bring the market nearer to the decision. ``False`` if the budget was too
        small for all of them: the market is to be looked at again."""
        know, ticker, quotes = self._know, decision.ticker, decision.allowed
        orders = know.orders.of_market(ticker)
        if not quotes and not orders:
            return True
        if quotes:
            know.markets[ticker].quotes += 1
            know.stale[ticker] = None
        intents = diff(quotes, orders, now, know.settings.refill_fraction)
        if not intents:
            return True
        if quotes and self._has_run_away(ticker, quotes, now):
            actions += self._pull(decision, orders, now)
            return True
        market, is_complete = know.markets[ticker], True
        for wanted in intents:
            since = market.amend_from if isinstance(wanted, Amend) else market.quote_from
            must_wait = now < since[side_of(wanted)]
            intent = self._feasible(wanted, must_wait, budget)
            if isinstance(intent, Cancel):
                budget.cancels -= 1
                actions.append(cancel(intent.order, know.orders, self._ids, intent.reason))
            elif must_wait or budget.orders <= 0:
                is_complete = False
            elif action := self._admitted(desk, ticker, intent, now):
                budget.orders -= 1
                actions.append(action)
            elif isinstance(intent, Replace) and self._fits_alone(desk, ticker, intent, now):
                budget.cancels -= 1
                actions.append(cancel(intent.order, know.orders, self._ids, NO_ROOM))
        return is_complete

    def _fits_alone(self, desk: Desk, ticker: str, wish: Replace, now: Nanos) -> bool:
        """Whether the new one could go if the old one were gone, which then goes first. Else the old one
        stays: a quote further away is better than none."""
        order, exposure = wish.order, self._know.exposure
        # For a moment it is as if the old one had ended with what has filled of it.
        final, order.final_filled = order.final_filled, order.filled
        exposure.touch(ticker)
        made = self._marked(desk, ticker, wish.new, now)
        if made is not None:
            new, _, take_back = made
            take_back(new)
        order.final_filled = final
        exposure.touch(ticker)
        return made is not None

    def _feasible(self, intent: Intent, must_wait: bool, budget: Budget) -> Intent:
        """A cancel instead of an amend that may not be sent, unless the order is welcome as it is: whatever
        rests at a price that is not wanted any more is a gift to those who know why. Cancels have a share of
        the rate limits of their own (control C07)."""
        if not isinstance(intent, Amend):
            return intent
        if must_wait:
            return intent if intent.is_refill else Cancel(intent.order, f"{intent.reason}; no amends now")
        if budget.orders <= 0 < budget.cancels and intent.retreats:
            return Cancel(intent.order, f"{intent.reason}; no request left to move it")
        return Cancel(intent.order, "outgrown") if self._outgrows(intent) else intent

    def _outgrows(self, wish: Amend) -> bool:
        """Whether the order would pass a hard cap: those count its total, with all that ever filled of it."""
        settings, order = self._know.settings, wish.order
        total = order.filled + wish.open_count
        return (
            total > settings.hard_cap_count
            or total * value_at_risk(order.side, wish.price) > settings.hard_cap_value
        )

    def _has_run_away(self, ticker: str, quotes: Sequence[Quote], now: Nanos) -> bool:
        """Whether the best quote of a side would have moved further than allowed within the window (C04)."""
        limits, drift = self._know.settings.breaker, self._know.markets[ticker].drift
        if limits.quote_drift is None:
            return False
        return drift.moved(quotes, now, limits.drift_window) > limits.quote_drift

    def _pull(self, decision: MarketDecision, orders: list[Order], now: Nanos) -> list[AnyAction]:
        """Out of this market, for the length of the window."""
        know, market = self._know, self._know.markets[decision.ticker]
        window, bound = know.settings.breaker.drift_window, know.settings.breaker.quote_drift
        market.pulled_until = now + window
        market.drift.clear()
        actions: list[AnyAction] = []
        for order in orders:
            know.orders.want_cancel(order, "quote drift")
            due = due_action(order, know.orders, self._ids, now)
            if due is not None:
                actions.append(due)
        text = f"{market.ticker}: our quote moved too far within {window // SECOND} s; pulled for as long"
        details = (("ticker", market.ticker), ("limit", price_text(bound or 0)))
        return [*actions, Alert(AlertLevel.WARNING, "order_anomaly", text, market.desk, details)]

    def close(self, ticker: str, quote: Quote, now: Nanos) -> PlaceOrder:
        """An order that takes what is there and only reduces, already marked as under way. It passes no gate:
        those limit what is opened. Should an exchange ever let it rest, it is cancelled."""
        order = self._new_order(self._know.markets[ticker].desk, ticker, quote, now)
        order.cancel_wanted = MUST_NOT_REST
        self._know.orders.add(order)
        self._know.exposure.touch(ticker)
        return PlaceOrder(
            order.request_id,
            order.client_order_id,
            ticker,
            order.side,
            order.price,
            order.count,
            post_only=False,
            time_in_force=TimeInForce.IOC,
            reduce_only=True,
            reason="flatten",
        )

    def _new_order(self, desk: str, ticker: str, quote: Quote, now: Nanos) -> Order:
        self._orders_made += 1
        return Order(
            client_order_id=f"{self._know.settings.instance}-{self._know.settings.run}-{self._orders_made}",
            desk=desk,
            ticker=ticker,
            side=quote.side,
            price=quote.price,
            count=quote.count,
            placed_at=now,
            changed_at=now,
            request_id=self._ids.next(),
        )

    def _admitted(
        self, desk: Desk, ticker: str, intent: Amend | Replace | Place, now: Nanos
    ) -> AnyAction | None:
        """The request, already marked as under way; ``None`` if the gate says no."""
        made = self._marked(desk, ticker, intent, now)
        if made is None:
            return None
        order, action, _ = made
        self._count_cycles(desk, order, intent, now)
        return action

    def _marked(self, desk: Desk, ticker: str, intent: Amend | Replace | Place, now: Nanos) -> _Made | None:
        """Marking comes first and is taken back, because only then is what would be open known exactly."""
        before = self._know.exposure.of_market(ticker)
        made = self._made(desk, ticker, intent, now)
        if made is None:
            return None
        order, _, take_back = made
        self._know.exposure.touch(ticker)
        rose = self._know.exposure.of_market(ticker) > before
        max_total = self._know.settings.max_total_exposure
        if rose and not self._gate.is_affordable(ticker, desk.settings.limits, max_total):
            take_back(order)
            self._know.exposure.touch(ticker)
            return None
        return made

    def _made(self, desk: Desk, ticker: str, intent: Amend | Replace | Place, now: Nanos) -> _Made | None:
        if isinstance(intent, Amend):
            return self._amend(desk, ticker, intent)
        if isinstance(intent, Place):
            return self._place(desk, ticker, intent, now)
        new = intent.new
        has_room = self._gate.room(ticker, new.side, desk.quoting_limit) >= new.count
        return self._place(desk, ticker, new, now) if has_room else None

    def _count_cycles(self, desk: Desk, order: Order, intent: Amend | Replace | Place, now: Nanos) -> None:
        """A quote that filled is put up again (control C08): as another order, or by topping up or replacing
        the same one, which is a cycle whenever as much has filled of it as is wanted."""
        cycles = self._know.breaker.measures.desks[desk.name].cycles
        if not isinstance(intent, Place):
            before = intent.order
            wanted = intent.open_count if isinstance(intent, Amend) else intent.new.count
            taken = before.filled - before.put_up_at
            is_cycle = taken >= wanted
            order.put_up_at = order.filled - (0 if is_cycle else taken)
            if is_cycle:
                cycles.filled(order.ticker, order.side)
            elif isinstance(intent, Amend):
                return
        cycles.placed(order.ticker, order.side, now)

    def _place(self, desk: Desk, ticker: str, wish: Place, now: Nanos) -> _Made | None:
        settings, orders = self._know.settings, self._know.orders
        count = min(wish.count, self._gate.room(ticker, wish.side, desk.quoting_limit))
        if count <= 0 or would_cross(wish.side, wish.price, orders.of_market(ticker)):
            return None
        order = self._new_order(desk.name, ticker, Quote(wish.side, wish.price, count), now)
        orders.add(order)
        expires_at = now + settings.order_lifetime if settings.order_lifetime else 0
        action = PlaceOrder(
            order.request_id,
            order.client_order_id,
            ticker,
            order.side,
            order.price,
            order.count,
            expires_at=expires_at,
            cancel_on_pause=settings.cancel_on_pause,
            reason="quote",
        )
        return order, action, orders.never_placed

    def _amend(self, desk: Desk, ticker: str, wish: Amend) -> _Made | None:
        order, orders = wish.order, self._know.orders
        room = self._gate.room(ticker, order.side, desk.quoting_limit)
        open_count = min(wish.open_count, order.open + room)
        others = [other for other in orders.of_market(ticker) if other is not order]
        is_nothing_new = wish.price == order.price and open_count == order.open
        if is_nothing_new or would_cross(order.side, wish.price, others):
            return None
        total = order.filled + open_count
        orders.amending(order, wish.price, total, self._ids.next())
        action = AmendOrder(
            order.request_id,
            order.client_order_id,
            order.order_id,
            ticker,
            order.side,
            wish.price,
            total,
            wish.reason,
        )
        return order, action, orders.never_amended
