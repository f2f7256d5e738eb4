"""Compares what we believe with what the exchange reads back, and says what must be done about it.

Reads lag and are not taken at one instant, so a difference counts only where nothing has moved around the
moment of the read; what is missing from a read is never taken for flat or for gone, only asked about.
"""

from __future__ import annotations

from mm.core.actions import Alert, AlertLevel, AnyAction, QueryAccount
from mm.core.continuity import carry_over
from mm.core.events import AccountReport, OrderReport, PositionReport, RequestKind
from mm.core.knowledge import Knowledge
from mm.core.order import Order, OrderState
from mm.core.units import DOLLAR, SECOND, Nanos, count_text, money_text
from mm.core.upkeep import RequestIds

LOOK_BACK: Nanos = 600 * SECOND
# The balance may be read once a second (protocol section 7); a little more, because clocks differ.
QUICK: Nanos = SECOND * 3 // 2
# So long may the exchange's reads hang behind while quoting waits for them, before a person is told.
STALE_AFTER: Nanos = 60 * SECOND


class Reconciler:
    """Asks for account reports when they are due and takes them in.

    ``clean_reads`` counts reports in a row in which nothing of ours rested while our own table was empty.
    ``strangers``: where the ids of orders are kept that others have resting in this account.
    """

    def __init__(self, know: Knowledge, ids: RequestIds, strangers: set[str]) -> None:
        self._know = know
        self._ids = ids
        self._strangers = strangers
        self._request_id = 0
        self._asked_at: Nanos = 0
        self._not_before: Nanos = 0
        self._last_as_of: Nanos = 0
        self._suspects: dict[str, str] = {}
        self._disagreeing: dict[str, PositionReport | None] = {}
        self._unknown: set[str] = set()
        self._opened_at: Nanos = 0
        self._absent_once: set[str] = set()
        self._ended_once: set[str] = set()
        self._told_owed_from: Nanos = 0
        self.last_report: Nanos = 0
        self.clean_reads = 0

    @property
    def _prefix(self) -> str:
        return self._know.settings.instance + "-"

    @property
    def is_owed(self) -> bool:
        """The feed was lost and is back; fills and ends of orders that it would have told are still to be
        read (protocol section 10.2: fills and orders have no sequence)."""
        return self._last_as_of + self._know.settings.clock_tolerance < self._know.read_owed_from

    # -- asking ----------------------------------------------------------------------------------------
    def due(self, now: Nanos, quickly: bool) -> AnyAction | None:
        """The next account query, if it is time. ``quickly``: something waits for it."""
        if self._request_id or now < self._not_before:
            return None
        settings = self._know.settings
        quickly = quickly or self._is_waiting(now)
        if not quickly and now < self._asked_at + settings.reconcile_every:
            return None
        self._asked_at = now
        self._not_before = now + QUICK
        self._request_id = self._ids.next()
        reason = "quick" if quickly else "periodic"
        return QueryAccount(self._request_id, self._fills_from(now), reason)

    def _fills_from(self, now: Nanos) -> Nanos:
        """The first read also tells what filled while no run watched."""
        if self._last_as_of:
            return self._last_as_of - LOOK_BACK
        return min(now, self._know.settings.fills_since or now) - LOOK_BACK

    def _is_waiting(self, now: Nanos) -> bool:
        """An order ended and some of its fills were never seen: only a read brings those back."""
        patience = self._know.settings.reconcile_soon
        return any(
            order.state is OrderState.CLOSING and now - order.changed_at > patience
            for order in self._know.orders.in_care()
        ) or bool(self._suspects and now > self._asked_at + patience)

    def failed(self, request_id: int, now: Nanos) -> None:
        """The read failed: nothing is known from it."""
        if request_id == self._request_id:
            self._request_id = 0
            self._not_before = now + QUICK

    # -- taking in -------------------------------------------------------------------------------------
    def take(self, report: AccountReport) -> list[AnyAction]:
        """Book fills that were missed, adopt what is ours, ask about what is missing, compare positions."""
        if report.request_id != self._request_id:
            return []
        self._request_id = 0
        self.last_report = report.ts
        self._not_before = max(self._not_before, report.ts + SECOND)  # it ends with the balance
        fresh = report.as_of > self._last_as_of
        self._last_as_of = max(report.as_of, self._last_as_of)
        for fill in report.fills if self._is_open else ():
            self._know.book_fill(fill)
        actions = [*self._tell_if_stale(report.ts), *self._adopt(report)]
        if fresh or not self._is_open:
            actions += self._close_what_ended(report.as_of - self._know.settings.clock_tolerance)
        self._ask_about_missing(report)
        nothing_rests = not len(self._know.orders) and not self._ours_resting(report)
        self.clean_reads = self.clean_reads + fresh if nothing_rests else 0
        if self._is_open:
            actions += self._compare(report)
        elif nothing_rests and self._is_settled(report.as_of):
            self._know.ledger.open(report.cash, report.positions, report.fills)
            carry_over(self._know)
            self._opened_at = report.ts
            self._know.positions_moved = True
            for position in report.positions:
                self._know.exposure.touch(position.ticker)
            self._know.has_opened(report.ts)
        return actions

    @property
    def _is_open(self) -> bool:
        return self._know.ledger.opening_cash is not None

    def _is_settled(self, as_of: Nanos) -> bool:
        """No fill was seen that the read may not yet contain."""
        tolerance = self._know.settings.clock_tolerance
        return all(fill.ts + tolerance < as_of for fill in self._know.early_fills)

    def _tell_if_stale(self, now: Nanos) -> list[AnyAction]:
        """Once for each time that something is owed."""
        owed_from = self._know.read_owed_from
        if not self.is_owed or now - owed_from < STALE_AFTER or owed_from == self._told_owed_from:
            return []
        self._told_owed_from = owed_from
        age = (now - self._last_as_of) // SECOND
        text = f"no quotes: the exchange's reads of the account are {age} s old, and fills may be missing"
        return [Alert(AlertLevel.WARNING, "api_errors", text, details=(("subject", "reads"), ("age", age)))]

    def _ours_resting(self, report: AccountReport) -> list[OrderReport]:
        return [row for row in report.resting if row.client_order_id.startswith(self._prefix)]

    def _adopt(self, report: AccountReport) -> list[AnyAction]:
        """Orders that rest and are not in our table: a former run's (to be cancelled), or somebody else's."""
        orders = self._know.orders
        actions: list[AnyAction] = []
        latest = report.as_of - self._know.settings.clock_tolerance
        self._strangers.intersection_update(row.order_id for row in report.resting)
        for row in report.resting:
            # Reads lag: this one may be from before the end that we saw.
            has_ended = orders.ended.get(row.client_order_id, 0) >= latest
            known = orders.find(row.client_order_id, row.order_id)
            if known is not None and known.doubt is RequestKind.PLACE:
                orders.notice(row)
                self._know.touch(known)
            if known is not None or has_ended:
                continue
            if row.client_order_id.startswith(self._prefix):
                orders.add(_orphan(row, report.ts))
                self._know.exposure.touch(row.ticker)
                actions += self._is_unknown(row, report.ts)
            elif row.order_id not in self._strangers:
                self._strangers.add(row.order_id)
                text = f"an order that this bot did not send rests in {row.ticker}; it is left alone"
                actions.append(
                    Alert(
                        AlertLevel.WARNING,
                        "order_anomaly",
                        text,
                        details=(("ticker", row.ticker), ("order_id", row.order_id)),
                    )
                )
        return actions

    def _is_unknown(self, row: OrderReport, now: Nanos) -> list[AnyAction]:
        """An order under our name that is not in our table: of a former run at a start, and as long as one of
        its requests might still be accepted. Later, or with this run's name, nobody should have sent it."""
        settings = self._know.settings
        is_of_this_run = row.client_order_id.startswith(f"{self._prefix}{settings.run}-")
        may_be_late = not self._is_open or now < self._opened_at + settings.absence_proof
        if (may_be_late and not is_of_this_run) or row.order_id in self._unknown:
            return []
        self._unknown.add(row.order_id)
        self._know.breaker.measures.unknown_orders += 1
        text = f"an order under our name rests in {row.ticker} that this run did not send; it is cancelled"
        details = (("ticker", row.ticker), ("client_order_id", row.client_order_id))
        return [Alert(AlertLevel.WARNING, "order_anomaly", text, details=details)]

    def _close_what_ended(self, latest: Nanos) -> list[AnyAction]:
        """Orders that ended before a read, and whose fills it does not show. Before the opening they are in
        the positions. Later, if another read agrees, there are none: somebody else made the order smaller, or
        it is of a former run, whose fills are booked but not counted towards it."""
        waited, self._ended_once = self._ended_once, set()
        actions: list[AnyAction] = []
        for order in self._know.orders.in_care():
            if order.state is not OrderState.CLOSING or order.changed_at >= latest:
                continue
            if self._is_open and order.client_order_id not in waited:
                self._ended_once.add(order.client_order_id)
                continue
            if not order.is_left_over:
                actions.append(_untold(order))
            self._know.orders.closed(order)
            self._know.exposure.touch(order.ticker)
        return actions

    def _ask_about_missing(self, report: AccountReport) -> None:
        """Orders that should rest, by everything we know, and did not in a read that was late enough. One
        whose create is in doubt is over if two reads agree: what it filled is among their fills."""
        resting = {row.client_order_id for row in report.resting}
        latest = report.as_of - self._know.settings.clock_tolerance
        proven = report.as_of - self._know.settings.absence_proof
        absent_before, self._absent_once = self._absent_once, set()
        for order in list(self._know.orders):
            name = order.client_order_id
            if name in resting:
                continue
            if order.doubt is RequestKind.PLACE and not order.order_id and order.left_by <= proven:
                self._absent_once.add(name)
                if name in absent_before:
                    self._know.orders.absent(order)
                    self._know.exposure.touch(order.ticker)
            elif order.state is OrderState.RESTING and order.changed_at < latest:
                # Also one that is to be cancelled: after a close every cancel is refused (protocol 5.7).
                self._know.orders.suspect(order, report.ts)

    def _compare(self, report: AccountReport) -> list[AnyAction]:
        """Positions must agree wherever nothing moved lately; twice wrong is wrong until they agree."""
        know = self._know
        latest = report.as_of - know.settings.clock_tolerance
        theirs = {row.ticker: row for row in report.positions}
        busy = {order.ticker for order in know.orders if order.state is not OrderState.RESTING}
        suspects: dict[str, str] = {}
        mismatches = know.breaker.measures.mismatches
        actions: list[AnyAction] = []
        for ticker, position in list(know.ledger.positions.items()):
            if position.changed_at >= latest or ticker in busy or position.settled:
                continue
            told = theirs[ticker].position if ticker in theirs else 0
            if told == position.count:
                mismatches.pop(ticker, None)
                continue
            text = f"{ticker}: our ledger says {count_text(position.count)}, the exchange {count_text(told)}"
            if ticker not in know.markets:
                actions.append(self._stranger(ticker, text, theirs.get(ticker)))
                continue
            suspects[ticker] = text
            if self._suspects.get(ticker) == text:
                mismatches[ticker] = text
                self._disagreeing[ticker] = theirs.get(ticker)
        self._suspects = suspects
        return actions + (self._compare_cash(report, latest) if not suspects and not busy else [])

    def _stranger(self, ticker: str, text: str, told: PositionReport | None) -> AnyAction:
        """Nobody tells us of trades by hand outside our markets, nor what a settlement there paid."""
        self._know.ledger.take_over(ticker, told)
        self._know.exposure.touch(ticker)
        return Alert(AlertLevel.WARNING, "order_anomaly", f"a position outside our markets: {text}")

    def give_in(self) -> None:
        """A person has looked at the positions that differ: the exchange's are taken over."""
        mismatches = self._know.breaker.measures.mismatches
        for ticker in mismatches:
            if ticker in self._disagreeing:
                self._know.ledger.take_over(ticker, self._disagreeing[ticker])
                self._know.exposure.touch(ticker)
        mismatches.clear()
        self._suspects = {}
        self._know.positions_moved = True

    def _compare_cash(self, report: AccountReport, latest: Nanos) -> list[AnyAction]:
        """Cash that moved without us (a deposit, a bonus, another program) is told and taken over."""
        ledger = self._know.ledger
        assert ledger.cash is not None and ledger.opening_cash is not None
        is_quiet = all(position.changed_at < latest for position in ledger.positions.values())
        difference = report.cash - ledger.cash
        # The balance is told in 1/10,000 dollar (protocol section 3): less than that is not a difference.
        if not is_quiet or abs(difference) < DOLLAR // 100:
            return []
        ledger.opening_cash += difference
        text = f"cash moved by {money_text(difference)} dollars without a fill of ours"
        return [Alert(AlertLevel.WARNING, "order_anomaly", text, details=(("difference", difference),))]


def _untold(order: Order) -> Alert:
    """An order of ours is said to have filled more than all fills that the exchange shows."""
    text = f"{order.ticker}: {count_text(order.open)} contracts of an order ended without a fill or a word"
    details = (("ticker", order.ticker), ("client_order_id", order.client_order_id))
    return Alert(AlertLevel.WARNING, "order_anomaly", text, details=details)


def _orphan(row: OrderReport, now: Nanos) -> Order:
    """An order of a former run: known from the read alone, and only to be cancelled. What it filled before
    is in the opening positions."""
    return Order(
        client_order_id=row.client_order_id,
        desk="",
        ticker=row.ticker,
        side=row.side,
        price=row.price,
        count=row.filled + row.remaining,
        placed_at=now,
        request_id=0,
        state=OrderState.RESTING,
        order_id=row.order_id,
        filled=row.filled,
        doubt=None,
        cancel_wanted="left over from a former run",
        changed_at=now,
    )
