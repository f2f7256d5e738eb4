"""An honest exchange behind a bad line: what it says is true, but requests, answers and messages are lost,
late, doubled and out of order, and its reads lag.

Everything that happens has a virtual time; a seed gives the same run every time. It keeps its own record of
orders, fills and cash, against which a test can hold what the engine believes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from random import Random
from typing import Any

from mm.core.actions import (
    AmendOrder,
    AnyAction,
    CancelAll,
    CancelOrder,
    PlaceOrder,
    QueryAccount,
    QueryOrder,
)
from mm.core.events import (
    AccountReport,
    AmendReject,
    AnyEvent,
    ApiError,
    CancelAllDone,
    CancelReject,
    Fill,
    OrderAck,
    OrderAmended,
    OrderCanceled,
    OrderInDoubt,
    OrderReject,
    OrderReport,
    OrderStatus,
    PositionReport,
    RequestKind,
)
from mm.core.position import collateral
from mm.core.units import MONEY_DOLLAR, SECOND, Count, Money, Nanos, Price, Side

TIMEOUT: Nanos = 5 * SECOND
LATEST_ARRIVAL: Nanos = 25 * SECOND
NOBODY = OrderReport(0, 0, "", "", "KXA", Side.BID, OrderStatus.ABSENT, 0, 0, 0)


@dataclass
class Resting:
    """The exchange's own record of an order; ``past`` is what a lagging read may still show."""

    client_order_id: str
    order_id: str
    side: Side
    price: Price
    count: Count
    filled: Count = 0
    is_live: bool = True
    past: list[tuple[Nanos, OrderReport]] = field(default_factory=list)

    @property
    def remaining(self) -> Count:
        return self.count - self.filled if self.is_live else 0

    def report(self) -> OrderReport:
        ended = OrderStatus.EXECUTED if self.filled >= self.count else OrderStatus.CANCELED
        status = OrderStatus.RESTING if self.is_live else ended
        ids = (self.client_order_id, self.order_id)
        return OrderReport(0, 0, *ids, "KXA", self.side, status, self.price, self.filled, self.remaining)

    def as_of(self, moment: Nanos) -> OrderReport:
        known = bisect_right(self.past, moment, key=lambda entry: entry[0])
        return self.past[known - 1][1] if known else NOBODY


@dataclass
class Line:
    """How bad the connection is: chances between 0 and 1, the longest delays in seconds."""

    lost: float = 0.0
    doubled: float = 0.0
    late: float = 0.05
    read_lag: float = 0.1
    skew: float = 0.0


class FlakyExchange:
    """``deliver`` is called with each event that reaches the bot."""

    def __init__(self, random: Random, now: Nanos, line: Line, deliver: Callable[[AnyEvent], None]) -> None:
        self.random = random
        self.now = now
        self.line = line
        self.deliver = deliver
        self.orders: dict[str, Resting] = {}
        self.on_their_way: dict[str, PlaceOrder] = {}
        self.fills: list[tuple[Nanos, Fill]] = []
        self.position: Count = 0
        self.cash: Money = 1_000 * MONEY_DOLLAR
        self.is_feed_up = True
        self._accounts: list[tuple[Nanos, Count, Money]] = [(0, 0, self.cash)]
        self._agenda: list[tuple[Nanos, int, Callable[[], None]]] = []
        self._scheduled = 0

    # -- time ----------------------------------------------------------------------------------------------
    def at(self, moment: Nanos, what: Callable[[], None]) -> None:
        self._scheduled += 1
        heappush(self._agenda, (moment, self._scheduled, what))

    def run_until(self, end: Nanos) -> None:
        while self._agenda and self._agenda[0][0] <= end:
            self.now, _, what = heappop(self._agenda)
            what()
        self.now = end

    def happens(self, chance: float) -> bool:
        return self.random.random() < chance

    def soon(self) -> Nanos:
        return self.now + round(self.random.random() * self.line.late * SECOND)

    def send(self, build: Callable[[Nanos], AnyEvent], moment: Nanos | None = None) -> None:
        """An event on its way to the bot, stamped when it arrives."""
        self.at(self.soon() if moment is None else moment, lambda: self.deliver(build(self.now)))

    def push(self, build: Callable[[Nanos], AnyEvent]) -> None:
        """A message by WebSocket: may be lost, doubled, late; nothing comes while the feed is down."""
        for _ in range(2 if self.happens(self.line.doubled) else 1):
            if self.is_feed_up and not self.happens(self.line.lost):
                self.send(build)

    # -- requests --------------------------------------------------------------------------------------------
    def request(self, action: AnyAction) -> None:
        """Each request gets exactly one answer; a lost request or answer is answered by doubt."""
        handlers: dict[type, tuple[Callable[[Any], Callable[[Nanos], AnyEvent]], RequestKind]] = {
            PlaceOrder: (self._place, RequestKind.PLACE),
            AmendOrder: (self._amend, RequestKind.AMEND),
            CancelOrder: (self._cancel, RequestKind.CANCEL),
            CancelAll: (self._cancel_all, RequestKind.CANCEL_ALL),
            QueryOrder: (self._query, RequestKind.QUERY_ORDER),
            QueryAccount: (self._account, RequestKind.QUERY_ACCOUNT),
        }
        if type(action) not in handlers:
            return
        handle, kind = handlers[type(action)]
        if isinstance(action, PlaceOrder):
            self.on_their_way[action.client_order_id] = action
        doubt = self._doubt(action, kind)
        if self.happens(self.line.lost):
            self.at(self.now + LATEST_ARRIVAL, lambda: self._never_came(action))
            self.send(doubt, self.now + TIMEOUT)
        elif self.happens(self.line.lost):
            arrival = self.now + round(self.random.uniform(0, LATEST_ARRIVAL))
            self.at(arrival, lambda: self._answer_nobody_hears(handle, action))
            self.send(doubt, self.now + TIMEOUT)
        else:
            self.at(self.soon(), lambda: self.send(handle(action)))

    def _never_came(self, action: AnyAction) -> None:
        if isinstance(action, PlaceOrder):
            self.on_their_way.pop(action.client_order_id, None)

    def _answer_nobody_hears(self, handle: Callable[[Any], object], action: AnyAction) -> None:
        handle(action)

    def _doubt(self, action: Any, kind: RequestKind) -> Callable[[Nanos], AnyEvent]:
        if kind in (RequestKind.PLACE, RequestKind.AMEND, RequestKind.CANCEL):
            return lambda ts: OrderInDoubt(ts, action.request_id, action.client_order_id, kind, 0, "timeout")
        return lambda ts: ApiError(ts, action.request_id, kind, 0, "timeout")

    def _place(self, action: PlaceOrder) -> Callable[[Nanos], AnyEvent]:
        ask, cid = action.request_id, action.client_order_id
        self.on_their_way.pop(cid, None)
        assert cid not in self.orders, "a client order id is used once"
        if self.happens(self.line.lost):
            return lambda ts: OrderReject(ts, ask, cid, 400, "invalid_order")
        order = Resting(cid, f"X{len(self.orders) + 1}", action.side, action.price, action.count)
        self.orders[cid] = order
        self._changed(order)
        count = order.count
        return lambda ts: OrderAck(ts, ask, cid, order.order_id, 0, count)

    def _amend(self, action: AmendOrder) -> Callable[[Nanos], AnyEvent]:
        ask, order = action.request_id, self.orders[action.client_order_id]
        cid = order.client_order_id
        if not order.is_live:
            return lambda ts: AmendReject(ts, ask, cid, 404, "not_found")
        if action.count <= order.filled:
            return lambda ts: AmendReject(ts, ask, cid, 400, "invalid_order_size")
        order.price, order.count = action.price, action.count
        self._changed(order)
        price, remaining = order.price, order.remaining
        return lambda ts: OrderAmended(ts, ask, cid, order.order_id, price, 0, remaining)

    def _cancel(self, action: CancelOrder) -> Callable[[Nanos], AnyEvent]:
        ask, order = action.request_id, self.orders[action.client_order_id]
        cid, gone = order.client_order_id, order.remaining
        if not order.is_live:
            return lambda ts: CancelReject(ts, ask, cid, 404, "not_found")
        self.end(order)
        return lambda ts: OrderCanceled(ts, ask, cid, order.order_id, gone)

    def _cancel_all(self, action: CancelAll) -> Callable[[Nanos], AnyEvent]:
        for order in self.live:
            self.end(order)
        return lambda ts: CancelAllDone(ts, action.request_id)

    # -- reads -----------------------------------------------------------------------------
    def _moment_of_read(self) -> Nanos:
        return self.now - round(self.random.random() * self.line.read_lag * SECOND)

    def _told_as_of(self, moment: Nanos) -> Nanos:
        return moment + round(self.line.skew * SECOND)

    def _query(self, action: QueryOrder) -> Callable[[Nanos], AnyEvent]:
        moment, ask, cid = self._moment_of_read(), action.request_id, action.client_order_id
        order = self.orders.get(cid)
        seen = order.as_of(moment) if order else NOBODY
        told = self._told_as_of(moment)
        return lambda ts: OrderReport(
            *(ts, ask, cid, seen.order_id, "KXA", seen.side, seen.status, seen.price),
            filled=seen.filled,
            remaining=seen.remaining,
            as_of=told,
        )

    def _account(self, action: QueryAccount) -> Callable[[Nanos], AnyEvent]:
        moment = self._moment_of_read()
        rows = [order.as_of(moment) for order in self.orders.values()]
        resting = tuple(row for row in rows if row.status is OrderStatus.RESTING)
        fills = [fill for happened, fill in self.fills if happened <= moment]
        known = bisect_right(self._accounts, moment, key=lambda entry: entry[0])
        _, position, cash = self._accounts[known - 1]
        rows_of_positions = (PositionReport("KXA", position, 0, 0, 0),) if position else ()
        told = self._told_as_of(moment)
        return lambda ts: AccountReport(
            *(ts, action.request_id, told, cash, rows_of_positions, resting),
            fills=tuple(stamped(fill, ts, client_order_id="") for fill in fills),
        )

    # -- what the market does -------------------------------------------------------------
    @property
    def live(self) -> list[Resting]:
        return [order for order in self.orders.values() if order.is_live]

    def hit(self, order: Resting, count: Count, fee: Money) -> None:
        """Somebody takes part of an order."""
        order.filled += count
        order.is_live = order.filled < order.count
        self.position += order.side.sign * count
        flow = sum(-f.side.sign * f.price * f.count - f.fee for _, f in self.fills)
        trade_id = f"t{len(self.fills)}"
        fill = Fill(
            *(0, trade_id, order.order_id, order.client_order_id, "KXA", order.side),
            *(order.price, count, fee, False),
        )
        flow += -order.side.sign * order.price * count - fee
        self.cash = 1_000 * MONEY_DOLLAR + flow - collateral(self.position)
        self.fills.append((self.now, fill))
        self._accounts.append((self.now, self.position, self.cash))
        self._changed(order)
        self.push(lambda ts: stamped(fill, ts))

    def end(self, order: Resting) -> None:
        """It is cancelled, by whomever."""
        order.is_live = False
        self._changed(order)

    def _changed(self, order: Resting) -> None:
        report = order.report()
        order.past.append((self.now, report))
        self.push(lambda ts: renewed(report, ts))


def stamped(fill: Fill, ts: Nanos, client_order_id: str | None = None) -> Fill:
    """As it arrives. The list of fills names no client order id (protocol section 4)."""
    own = fill.client_order_id if client_order_id is None else client_order_id
    return Fill(
        *(ts, fill.trade_id, fill.order_id, own, fill.ticker, fill.side),
        *(fill.price, fill.count, fill.fee, fill.is_taker),
    )


def renewed(report: OrderReport, ts: Nanos) -> OrderReport:
    return OrderReport(
        *(ts, 0, report.client_order_id, report.order_id, report.ticker, report.side, report.status),
        *(report.price, report.filled, report.remaining),
    )
