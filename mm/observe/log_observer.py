"""The steps of the engine in the event words of the log: websocket_connected, order_submitted, order_filled,
circuit_breaker_triggered and so on (operations/files-and-commands row 18)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from structlog.typing import FilteringBoundLogger

from mm.core.actions import (
    AmendOrder,
    CancelAll,
    CancelOrder,
    PlaceOrder,
    Reconnect,
    Resubscribe,
    Stop,
)
from mm.core.events import (
    AccountReport,
    AmendReject,
    ApiError,
    BookGap,
    CancelReject,
    Command,
    Fill,
    LinkDown,
    LinkUp,
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
from mm.core.units import SECOND, Count, Nanos, Price
from mm.observe.latency_log import LatencyLog
from mm.observe.log import LogSink
from mm.observe.observer import Every, Watcher
from mm.observe.plain import amount, contracts, dollars
from mm.observe.requests import Changing, NewFills, SentOrders, Trouble, is_api_error, trouble_words
from mm.observe.round_trips import RoundTrips
from mm.observe.round_trips import Word as TripWord
from mm.observe.signals import Signals, fields_of

MODE_EVERY: Nanos = SECOND // 4


NOWHERE: Mapping[RequestKind, str] = {}


class LogObserver(Watcher):
    """Remembers in the step, formats and writes in `on_time`. ``endpoints``: the path of each kind of
    request; ``urls``: the address of each link, for whoever reads the log, filled in when it is known."""

    def __init__(
        self, logger: FilteringBoundLogger, sink: LogSink, endpoints: Mapping[RequestKind, str] = NOWHERE
    ) -> None:
        super().__init__(
            {
                Tick: self._tick,
                LinkUp: self._link_up,
                LinkDown: self._link_down,
                BookGap: self._gap,
                OrderAck: self._acknowledged,
                OrderAmended: self._acknowledged,
                OrderReject: self._rejected,
                AmendReject: self._rejected,
                CancelReject: self._rejected,
                OrderInDoubt: self._trouble,
                ApiError: self._trouble,
                OrderCanceled: self._canceled,
                OrderReport: self._reported,
                Fill: self._filled,
                AccountReport: self._account,
                MarketStatus: self._market,
                Command: self._command,
            },
            {
                PlaceOrder: self._sent,
                AmendOrder: self._sent,
                CancelOrder: self._cancel_sent,
                CancelAll: self._cancel_all,
                Resubscribe: self._resubscribe,
                Reconnect: self._reconnect,
                Stop: self._stop,
            },
        )
        self.urls: dict[str, str] = {}
        self._endpoints = endpoints
        self._signals = Signals()
        self._trips = RoundTrips()
        self._latencies = LatencyLog(self.say)
        self._logger = logger
        self._sink = sink
        self._orders = SentOrders()
        self._new_fills = NewFills()
        self._mode = ""
        self._last: Nanos = 0
        self._look = Every(MODE_EVERY)
        self._waiting: deque[Callable[[], object]] = deque()

    def latency(self, name: str, ms: float, ts: Nanos, desk: str = "") -> None:
        """A measure: told if slow, and otherwise counted."""
        self._latencies.tell(name, ms, ts, desk)
        self._last = ts

    def on_time(self, now: Nanos, engine: Observed) -> None:
        if self._look.is_due(now):
            mode = engine.picture().mode
            if mode != self._mode:
                self.say(now, "info", "mode_changed", "", "engine", mode=mode, before=self._mode)
                self._mode = mode
        self._last = now
        self._latencies.on_time(now)
        self.write()

    def close(self) -> None:
        self._latencies.summarize(self._last)
        self.write()

    def write(self) -> None:
        """Put what was remembered into words, and try again what a full disk refused. A line that cannot be
        rendered costs itself alone."""
        while self._waiting:
            self._waiting.popleft()()
        self._sink.flush()

    def say(self, ts: Nanos, level: str, word: str, desk: str, logger: str, **fields: Any) -> None:
        """One line, for later; "" is the desk of what concerns all."""
        self._waiting.append(partial(self._log, ts, level, word, desk, logger, **fields))

    def _log(self, ts: Nanos, level: str, word: str, desk: str, logger: str, **fields: Any) -> None:
        if desk:
            fields["desk"] = desk
        getattr(self._logger, level)(word, ts=ts, logger=logger, **fields)

    # -- links and markets ----------------------------------------------------------------------------
    def _link_up(self, event: LinkUp, engine: Observed) -> None:
        fields = {"link": event.link, "url": self.urls.get(event.link)}
        self.say(event.ts, "info", "websocket_connected", "", "websocket", **fields)

    def _link_down(self, event: LinkDown, engine: Observed) -> None:
        fields = {"link": event.link, "reason": event.reason}
        self.say(event.ts, "warning", "websocket_disconnected", "", "websocket", **fields)

    def _gap(self, event: BookGap, engine: Observed) -> None:
        desk, fields = engine.desk_of(event.ticker), {"market_id": event.ticker, "reason": event.reason}
        self.say(event.ts, "warning", "book_lost", desk, "websocket", **fields)

    def _resubscribe(self, ts: Nanos, action: Resubscribe, engine: Observed) -> None:
        desk, fields = engine.desk_of(action.ticker), {"market_id": action.ticker, "reason": action.reason}
        self.say(ts, "warning", "book_requested", desk, "websocket", **fields)

    def _reconnect(self, ts: Nanos, action: Reconnect, engine: Observed) -> None:
        self.say(ts, "warning", "feed_mistrusted", "", "websocket", reason=action.reason)

    def _market(self, event: MarketStatus, engine: Observed) -> None:
        desk, ticker = engine.desk_of(event.ticker), event.ticker
        if event.state is not None:
            fields = {"market_id": ticker, "state": event.state.value}
            self.say(event.ts, "info", "market_status", desk, "engine", **fields)
        if event.settlement_value is not None:
            self._waiting.append(partial(self._log_settled, event.ts, desk, ticker, event.settlement_value))

    # -- orders ---------------------------------------------------------------------------------------
    def _sent(self, ts: Nanos, action: Changing, engine: Observed) -> None:
        desk = engine.desk_of(action.ticker)
        self._orders.change(action, desk)
        self._waiting.append(partial(self._log_sent, ts, action, desk))

    def _log_sent(self, ts: Nanos, action: Changing, desk: str) -> None:
        fields = {
            "client_order_id": action.client_order_id,
            "market_id": action.ticker,
            "reason": action.reason,
        }
        numbers = {"price": dollars(action.price), "size": contracts(action.count)}
        word = "order_submitted" if isinstance(action, PlaceOrder) else "order_amend_submitted"
        self._log(ts, "info", word, desk, "orders", side=action.side.value, **numbers, **fields)

    def _cancel_sent(self, ts: Nanos, action: CancelOrder, engine: Observed) -> None:
        desk = engine.desk_of(action.ticker)
        self._orders.touch(action, desk)
        fields = {"order_id": action.order_id, "market_id": action.ticker, "reason": action.reason}
        self.say(ts, "info", "order_cancel_submitted", desk, "orders", **fields)

    def _cancel_all(self, ts: Nanos, action: CancelAll, engine: Observed) -> None:
        self._orders.touch_all(action)
        self.say(ts, "warning", "cancel_all_submitted", "", "orders", reason=action.reason)

    def _owner(self, client_order_id: str) -> tuple[str, str]:
        order = self._orders.get(client_order_id)
        return (order.desk, order.ticker) if order is not None else ("", "")

    def _acknowledged(self, event: OrderAck | OrderAmended, engine: Observed) -> None:
        desk, ticker = self._owner(event.client_order_id)
        word = "order_acknowledged" if isinstance(event, OrderAck) else "order_amended"
        fields = {"client_order_id": event.client_order_id, "market_id": ticker}
        self.say(event.ts, "info", word, desk, "orders", order_id=event.order_id, **fields)

    def _rejected(self, event: OrderReject | AmendReject | CancelReject, engine: Observed) -> None:
        if is_api_error(event):
            self._trouble(event, engine)
            return
        desk, ticker = self._owner(event.client_order_id)
        kind, status, code, message = trouble_words(event)
        fields = {"kind": kind, "status_code": status, "code": code, "message": message}
        self.say(event.ts, "warning", "order_rejected", desk, "orders", market_id=ticker, **fields)

    def _trouble(self, event: Trouble, engine: Observed) -> None:
        """The text ``API error`` is what the manuals search for."""
        desk = "" if isinstance(event, ApiError) else self._owner(event.client_order_id)[0]
        kind, status, code, message = trouble_words(event)
        fields = {"kind": kind, "status_code": status, "code": code, "message": f"API error: {message}"}
        where = self._endpoints.get(RequestKind(kind), kind)
        self.say(event.ts, "error", "api_error", desk, "api", endpoint=where, **fields)

    def _canceled(self, event: OrderCanceled, engine: Observed) -> None:
        desk, ticker = self._owner(event.client_order_id)
        if self._orders.cancel(event.client_order_id, desk, ticker):
            reason = self._orders.why_canceled(event.client_order_id) or "our request"
            fields = {"order_id": event.order_id, "market_id": ticker, "reason": reason}
            self.say(event.ts, "info", "order_cancelled", desk, "orders", **fields)

    def _reported(self, event: OrderReport, engine: Observed) -> None:
        if event.status is not OrderStatus.CANCELED:
            return
        desk = engine.desk_of(event.ticker)
        if self._orders.cancel(event.client_order_id, desk, event.ticker):
            ours = self._orders.why_canceled(event.client_order_id)
            reason = event.reason or ours or "the exchange says so"
            fields = {"order_id": event.order_id, "market_id": event.ticker, "reason": reason}
            self.say(event.ts, "info", "order_cancelled", desk, "orders", **fields)

    # -- money ----------------------------------------------------------------------------------------
    def _filled(self, event: Fill | AccountReport, engine: Observed) -> None:
        for fill in self._new_fills.of(event):
            after = engine.position(fill.ticker)
            self._waiting.append(partial(self._log_fill, event.ts, fill, engine.desk_of(fill.ticker), after))

    def _log_fill(self, ts: Nanos, fill: Fill, desk: str, after: Count) -> None:
        ids = {"order_id": fill.order_id, "trade_id": fill.trade_id, "market_id": fill.ticker}
        numbers = {"filled_price": dollars(fill.price), "filled_size": contracts(fill.count)}
        rest = {"side": fill.side.value, "fee": amount(fill.fee), "is_taker": fill.is_taker}
        self._log(ts, "info", "order_filled", desk, "orders", **ids, **numbers, **rest)
        self._log_trips(ts, desk, self._trips.fill(fill, after))

    def _log_trips(self, ts: Nanos, desk: str, words: list[TripWord]) -> None:
        for word, fields in words:
            self._log(ts, "info", word, desk, "positions", **fields)

    def _log_settled(self, ts: Nanos, desk: str, ticker: str, value: Price) -> None:
        self._log_trips(ts, desk, self._trips.settled(ticker, value))

    def _tick(self, event: Tick, engine: Observed) -> None:
        for word, decision in self._signals.of(event.ts, engine.decisions):
            fields = fields_of(decision)
            self.say(event.ts, "info", word, decision.desk, "strategy", **fields)

    def _account(self, event: AccountReport, engine: Observed) -> None:
        self._filled(event, engine)
        fields = {
            "cash": amount(event.cash),
            "resting": len(event.resting),
            "positions": len(event.positions),
        }
        self.say(event.ts, "debug", "account_report", "", "engine", **fields)

    # -- the engine and its people --------------------------------------------------------------------
    def _command(self, event: Command, engine: Observed) -> None:
        fields = {"command": event.kind.value, "reason": event.reason}
        self.say(event.ts, "warning", "command_received", "", "engine", **fields)

    def _stop(self, ts: Nanos, action: Stop, engine: Observed) -> None:
        level = "info" if action.exit_code == 0 else "critical"
        self.say(ts, level, "stopped", "", "engine", exit_code=action.exit_code, reason=action.reason)
