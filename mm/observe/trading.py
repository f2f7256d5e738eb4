"""``Strategy_<NAME>_trading.jsonl``: what this desk did and what became of it, one JSON object a line.

Exactly the eight event types of the operator's manual. A place and an amend are both ``order_sent`` (the
key ``action`` tells them apart), and are acknowledged or rejected alike; a cancel shows when it is done.
A ``pnl_snapshot`` without a ``ticker`` is the whole desk.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from mm.core.actions import AmendOrder, CancelAll, CancelOrder, PlaceOrder
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
)
from mm.core.picture import DeskPicture, Observed
from mm.core.units import SECOND, Count, Nanos
from mm.observe import records
from mm.observe.desk_files import DeskFiles
from mm.observe.files import LineFile, json_line, stamp
from mm.observe.former_log import FormerLog
from mm.observe.observer import Every
from mm.observe.requests import Changing, NewFills, SentOrders, Trouble, is_api_error
from mm.observe.snapshots import Snapshots

SNAPSHOT_EVERY: Nanos = 10 * SECOND
NOTHING_TOLD = FormerLog()
Fields = Callable[[], records.Record]


class TradingLog(DeskFiles):
    """``files`` by desk name. Steps are remembered as they are and put into words later.

    ``former`` is what these files say already. Fills that happened while nobody watched are among the first
    account report's; ``recovers``: those of them that no file has are told, as recovered.
    """

    def __init__(
        self, files: Mapping[str, LineFile], former: FormerLog = NOTHING_TOLD, *, recovers: bool = False
    ) -> None:
        super().__init__(
            files,
            {
                OrderAck: self._acknowledged,
                OrderAmended: self._acknowledged,
                OrderReject: self._rejected,
                AmendReject: self._rejected,
                CancelReject: self._trouble,
                OrderInDoubt: self._trouble,
                ApiError: self._trouble,
                OrderCanceled: self._canceled,
                OrderReport: self._reported,
                Fill: self._fills,
                AccountReport: self._account,
                MarketStatus: self._status,
            },
            {
                PlaceOrder: self._sent,
                AmendOrder: self._sent,
                CancelOrder: self._cancel_sent,
                CancelAll: self._all_canceled,
            },
        )
        self._orders = SentOrders()
        self._new_fills = NewFills(former.fills, tells_first=recovers)
        self._former_desks = former.desks
        self._positions: dict[str, Count] = dict(former.inventory)
        self._has_report = False
        self._is_open = False
        self._snapshot = Every(SNAPSHOT_EVERY)
        self._snapshots = Snapshots()

    def on_time(self, now: Nanos, engine: Observed) -> None:
        if self._snapshot.is_due(now):
            for desk in engine.picture().desks:
                self._snap(desk, now)
        super().on_time(now, engine)

    def _snap(self, desk: DeskPicture, now: Nanos) -> None:
        """The desk as a whole, then its markets that moved since they were told last."""
        self._say(desk.name, now, "pnl_snapshot", partial(records.snapshot, desk))
        for market in self._snapshots.moved(desk):
            self._say(desk.name, now, "pnl_snapshot", partial(records.market_snapshot, market))

    def _say(self, desk: str, ts: Nanos, word: str, fields: Fields) -> None:
        self.say(desk, partial(_line, ts, word, desk, fields))

    def _answer(self, desk: str, ts: Nanos, word: str, fields: Fields) -> None:
        """An answer or an error that belongs to no desk we know of concerns every desk."""
        for name in (desk,) if desk else self.files:
            self._say(name, ts, word, fields)

    # -- orders ---------------------------------------------------------------------------------------
    def _sent(self, ts: Nanos, action: Changing, engine: Observed) -> None:
        desk = engine.desk_of(action.ticker)
        self._orders.change(action, desk)
        self._say(desk, ts, "order_sent", partial(records.sent, action))

    def _cancel_sent(self, ts: Nanos, action: CancelOrder, engine: Observed) -> None:
        self._orders.touch(action, engine.desk_of(action.ticker))

    def _all_canceled(self, ts: Nanos, action: CancelAll, engine: Observed) -> None:
        self._orders.touch_all(action)

    def _desk_and_market(self, client_order_id: str) -> tuple[str, str]:
        order = self._orders.get(client_order_id)
        return (order.desk, order.ticker) if order is not None else ("", "")

    def _acknowledged(self, event: OrderAck | OrderAmended, engine: Observed) -> None:
        desk, ticker = self._desk_and_market(event.client_order_id)
        self._answer(desk, event.ts, "order_acknowledged", partial(records.acknowledged, event, ticker))

    def _rejected(self, event: OrderReject | AmendReject, engine: Observed) -> None:
        desk, ticker = self._desk_and_market(event.client_order_id)
        self._answer(desk, event.ts, "order_rejected", partial(records.rejected, event, ticker))
        self._trouble(event, engine)

    def _trouble(self, event: Trouble, engine: Observed) -> None:
        if is_api_error(event):
            desk = "" if isinstance(event, ApiError) else self._desk_and_market(event.client_order_id)[0]
            self._answer(desk, event.ts, "api_error", partial(records.api_error, event))

    def _canceled(self, event: OrderCanceled, engine: Observed) -> None:
        desk, ticker = self._desk_and_market(event.client_order_id)
        if self._orders.cancel(event.client_order_id, desk, ticker):
            reason = self._orders.why_canceled(event.client_order_id)
            fields = partial(records.canceled, event, ticker, reason)
            self._answer(desk, event.ts, "order_canceled", fields)

    def _reported(self, event: OrderReport, engine: Observed) -> None:
        if event.status is not OrderStatus.CANCELED:
            return
        desk = engine.desk_of(event.ticker)
        if self._orders.cancel(event.client_order_id, desk, event.ticker):
            reason = self._orders.why_canceled(event.client_order_id)
            self._say(desk, event.ts, "order_canceled", partial(records.removed, event, reason))

    # -- fills and positions --------------------------------------------------------------------------
    def _fills(self, event: Fill, engine: Observed) -> None:
        for fill in self._new_fills.of(event):
            self._say(self._owner(fill.ticker, engine), event.ts, "fill", partial(records.fill, fill))
            self._moved(event.ts, fill.ticker, "fill", engine, booked=fill.side.sign * fill.count)

    def _account(self, event: AccountReport, engine: Observed) -> None:
        is_first, self._has_report = not self._has_report, True
        for fill in self._new_fills.of(event):
            fields = partial(records.fill, fill, is_recovered=is_first)
            self._say(self._owner(fill.ticker, engine), event.ts, "fill", fields)
        for ticker in {row.ticker for row in event.positions} | self._positions.keys():
            self._moved(event.ts, ticker, "reconciled", engine)

    def _status(self, event: MarketStatus, engine: Observed) -> None:
        if event.settlement_value is not None:
            self._moved(event.ts, event.ticker, "settled", engine)

    def _moved(
        self, ts: Nanos, ticker: str, reason: str, engine: Observed, booked: Count | None = None
    ) -> None:
        """A market seen for the first time was flat before, or where ``booked`` came from. Before the account
        was taken over no position is known; then the difference to what the files say is told once."""
        if not self._is_taken_over(engine):
            return
        new = engine.position(ticker)
        first = 0 if booked is None else new - booked
        moved = new - self._positions.get(ticker, first)
        self._positions[ticker] = new
        if moved:
            fields = partial(records.inventory, ticker, new, moved, reason)
            self._say(self._owner(ticker, engine), ts, "inventory_change", fields)

    def _is_taken_over(self, engine: Observed) -> bool:
        """A picture is dear: none is taken any more once it has said so."""
        self._is_open = self._is_open or engine.picture().cash is not None
        return self._is_open

    def _owner(self, ticker: str, engine: Observed) -> str:
        """A market that ended while nobody watched belongs to the desk that had it."""
        return engine.desk_of(ticker) or self._former_desks.get(ticker, "")


def _line(ts: Nanos, word: str, desk: str, fields: Fields) -> bytes:
    return json_line({**stamp(ts), "event_type": word, "strategy": desk, **fields()})
