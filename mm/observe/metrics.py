"""``Strategy_<NAME>_metrics.json``: the summary and every market of a desk, rewritten every two seconds.

A number or null, never NaN. A quote's latency is the time from the step that decided a place or an amend to
the step that learned its answer; what leaves the wire faster is in the latencies table. Markouts are dollars
per contract. The success rate counts places and amends alike.

``total_pnl = spread_capture_pnl + inventory_pnl + carried_pnl - total_fees``, to the last digit. Capture is
what fills were away from the mid of the decision before; inventory what mids, then marks, did to what was
held; carried what positions found at the start have made up to the first mid, 0 for a start from flat.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from mm.core.actions import AmendOrder, CancelOrder, PlaceOrder, Stop
from mm.core.events import (
    AccountReport,
    AmendReject,
    ApiError,
    CancelReject,
    Fill,
    MarketStatus,
    OrderAck,
    OrderAmended,
    OrderCanceled,
    OrderInDoubt,
    OrderReject,
    OrderReport,
    OrderStatus,
    RequestKind,
    Tick,
)
from mm.core.picture import Observed
from mm.core.units import SECOND, Nanos
from mm.observe.latency import SentTimes
from mm.observe.metrics_form import metrics
from mm.observe.observer import Every, Watcher
from mm.observe.plain import milliseconds
from mm.observe.replace import Replacer, json_document
from mm.observe.requests import Changing, NewFills, SentOrders, Trouble, is_api_error
from mm.observe.tally import DeskTally

WRITE_EVERY: Nanos = 2 * SECOND


class MetricsFiles(Watcher):
    """``paths`` by desk name. The side thread of ``replacer`` does the writing."""

    def __init__(self, paths: Mapping[str, Path], replacer: Replacer, started: Nanos) -> None:
        super().__init__(
            {
                OrderAck: self._acknowledged,
                OrderAmended: self._acknowledged,
                OrderReject: self._rejected,
                AmendReject: self._rejected,
                CancelReject: self._trouble,
                OrderInDoubt: self._doubted,
                ApiError: self._trouble,
                OrderCanceled: self._canceled,
                OrderReport: self._reported,
                Fill: self._filled,
                AccountReport: self._filled,
                MarketStatus: self._status,
                Tick: self._tick,
            },
            {
                PlaceOrder: self._sent,
                AmendOrder: self._sent,
                CancelOrder: self._cancel_sent,
                Stop: self._stop,
            },
        )
        self.tallies = {name: DeskTally() for name in paths}
        self._paths = paths
        self._replacer = replacer
        self._started = started
        self._orders = SentOrders()
        self._times = SentTimes()
        self._new_fills = NewFills()
        self._write = Every(WRITE_EVERY)

    def on_time(self, now: Nanos, engine: Observed) -> None:
        if self._write.is_due(now):
            self._write_all(now, engine)

    def _stop(self, ts: Nanos, action: Stop, engine: Observed) -> None:
        self._write_all(ts, engine)

    def _write_all(self, now: Nanos, engine: Observed) -> None:
        for desk in engine.picture().desks:
            tally = self.tallies.get(desk.name)
            if tally is not None:
                for market in tally.markets.values():
                    market.settle_due(now)
                if desk.retired.count:
                    tally.retire_all_but({market.ticker for market in desk.markets})
                tally.sample(now, desk)
                document = metrics(desk, tally, now, self._started)
                self._replacer.put(self._paths[desk.name], json_document(document))

    def _of_order(self, client_order_id: str) -> Iterator[DeskTally]:
        """The order's desk; every desk if nobody knows it."""
        order = self._orders.get(client_order_id)
        yield from self._of_desk(order.desk if order is not None else "")

    def _of_desk(self, desk: str) -> Iterator[DeskTally]:
        for name in (desk,) if desk else self.tallies:
            if name in self.tallies:
                yield self.tallies[name]

    # -- orders ---------------------------------------------------------------------------------------
    def _sent(self, ts: Nanos, action: Changing, engine: Observed) -> None:
        desk = engine.desk_of(action.ticker)
        raised = self._orders.change(action, desk)
        self._times.remember(action.request_id, ts, desk)
        if desk in self.tallies:
            self.tallies[desk].orders_sent += 1
            self.tallies[desk].posted += raised

    def _cancel_sent(self, ts: Nanos, action: CancelOrder, engine: Observed) -> None:
        self._orders.touch(action, engine.desk_of(action.ticker))

    def _acknowledged(self, event: OrderAck | OrderAmended, engine: Observed) -> None:
        sent = self._times.take(event.request_id)
        for tally in self._of_order(event.client_order_id):
            tally.orders_acknowledged += 1
            if sent is not None:
                tally.quote_latencies.add(milliseconds(event.ts - sent[0]))

    def _rejected(self, event: OrderReject | AmendReject, engine: Observed) -> None:
        sent = self._times.take(event.request_id)
        for tally in self._of_order(event.client_order_id):
            tally.orders_rejected += 1
            if sent is not None and event.status:
                tally.quote_latencies.add(milliseconds(event.ts - sent[0]))
        self._trouble(event, engine)

    def _doubted(self, event: OrderInDoubt, engine: Observed) -> None:
        self._times.take(event.request_id)
        if event.kind in (RequestKind.PLACE, RequestKind.AMEND):
            for tally in self._of_order(event.client_order_id):
                tally.orders_in_doubt += 1
        self._trouble(event, engine)

    def _trouble(self, event: Trouble, engine: Observed) -> None:
        if is_api_error(event):
            owner = "" if isinstance(event, ApiError) else event.client_order_id
            for tally in self._of_order(owner):
                tally.api_error(event.ts)

    def _canceled(self, event: OrderCanceled, engine: Observed) -> None:
        order = self._orders.get(event.client_order_id)
        desk, ticker = (order.desk, order.ticker) if order is not None else ("", "")
        self._count_canceled(event.client_order_id, desk, ticker)

    def _reported(self, event: OrderReport, engine: Observed) -> None:
        if event.status is OrderStatus.CANCELED:
            self._count_canceled(event.client_order_id, engine.desk_of(event.ticker), event.ticker)

    def _count_canceled(self, client_order_id: str, desk: str, ticker: str) -> None:
        if self._orders.cancel(client_order_id, desk, ticker):
            for tally in self._of_desk(desk):
                tally.orders_canceled += 1

    # -- markets --------------------------------------------------------------------------------------
    def _filled(self, event: Fill | AccountReport, engine: Observed) -> None:
        for fill in self._new_fills.of(event):
            tally = self.tallies.get(engine.desk_of(fill.ticker))
            if tally is not None:
                tally.total_fills += 1
                tally.filled += fill.count
                tally.market(fill.ticker).fill(event.ts, fill)

    def _status(self, event: MarketStatus, engine: Observed) -> None:
        tally = self.tallies.get(engine.desk_of(event.ticker))
        if tally is not None and event.settlement_value is not None:
            tally.market(event.ticker).attribution.mark(2 * event.settlement_value)

    def _tick(self, event: Tick, engine: Observed) -> None:
        for seen in engine.decisions:
            tally = self.tallies.get(seen.desk)
            if tally is not None:
                tally.market(seen.ticker).see(event.ts, seen.mid, seen.position)
