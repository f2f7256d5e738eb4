"""The three CSV files of a desk: what each Tick saw and wanted, what was sent, and how long things took.

RFC 4180 quoting; every row is one line, also if a text from the exchange holds line breaks. New columns
go to the end.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from functools import partial

from mm.core.actions import AmendOrder, CancelAll, CancelOrder, PlaceOrder
from mm.core.events import CancelReject, OrderAck, OrderAmended, OrderCanceled, OrderReject, Tick
from mm.core.picture import MarketDecision, Observed
from mm.core.strategy import Quote
from mm.core.units import Count, Nanos, Price, Side
from mm.observe.desk_files import DeskFiles
from mm.observe.files import LineFile, seconds
from mm.observe.latency import SentTimes
from mm.observe.plain import contracts, dollars, milliseconds, opinion, plain
from mm.observe.requests import SentOrders

LOOPS = (
    b"t_seconds,market,mid_price,inventory,reservation_price,bid_price,ask_price,buy_size,sell_size,"
    b"fair_price,note,ts\n"
)
ACTIONS = b"ts,kind,order_id,client_order_id,market,side,price,size,reason\n"
LATENCIES = b"ts,name,ms\n"
PLAIN = re.compile(r"[ !#-~]+")
BREAKING = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def row(*cells: str) -> bytes:
    """One line of CSV in ASCII; control characters and what is not ASCII are written as escapes."""
    line = ",".join(cells)
    if line.count(",") == len(cells) - 1 and PLAIN.fullmatch(line):
        return line.encode("ascii") + b"\n"  # nearly always: thousands of rows a second with many markets
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow([BREAKING.sub(_escape, cell) for cell in cells])
    return text.getvalue().encode("ascii", "backslashreplace")


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


def _timed_row(ts: Nanos, cells: tuple[str, ...]) -> bytes:
    return row(plain(seconds(ts)), *cells)


class LoopTable(DeskFiles):
    """``Strategy_<NAME>_loops.csv``: a row for each market that a Tick decided on. ``t_seconds`` since
    ``started``; bid and ask are the best that risk allowed, sizes are those of the whole side."""

    def __init__(self, files: Mapping[str, LineFile], started: Nanos) -> None:
        super().__init__(files, {Tick: self._tick}, {})
        self._started = started

    def _tick(self, event: Tick, engine: Observed) -> None:
        for decision in engine.decisions:
            since_start = event.ts - self._started
            self.say(decision.desk, partial(_loop_row, event.ts, since_start, decision))


def _loop_row(ts: Nanos, since_start: Nanos, seen: MarketDecision) -> bytes:
    bid, buy_size = _side_of(seen.allowed, Side.BID)
    ask, sell_size = _side_of(seen.allowed, Side.ASK)
    return row(
        plain(seconds(since_start)),
        seen.ticker,
        plain(opinion(seen.mid)),
        plain(contracts(seen.position)),
        plain(opinion(seen.reservation)),
        bid,
        ask,
        buy_size,
        sell_size,
        plain(opinion(seen.fair)),
        seen.note,
        plain(seconds(ts)),
    )


def _side_of(quotes: Sequence[Quote], side: Side) -> tuple[str, str]:
    """Best price (empty if none) and total size."""
    wanted = [quote for quote in quotes if quote.side is side]
    if not wanted:
        return "", "0"
    best = max(wanted, key=lambda quote: side.sign * quote.price)
    return plain(dollars(best.price)), plain(contracts(sum(quote.count for quote in wanted)))


class ActionTable(DeskFiles):
    """``Strategy_<NAME>_actions.csv``: each request that changes orders, when it was decided. A cancel's
    side, price and size are those last asked for, empty for an order of a former run."""

    def __init__(self, files: Mapping[str, LineFile]) -> None:
        super().__init__(
            files,
            {},
            {
                PlaceOrder: self._change,
                AmendOrder: self._change,
                CancelOrder: self._cancel,
                CancelAll: self._cancel_all,
            },
        )
        self._orders = SentOrders()

    def _change(self, ts: Nanos, action: PlaceOrder | AmendOrder, engine: Observed) -> None:
        desk = engine.desk_of(action.ticker)
        self._orders.change(action, desk)
        cells = (
            *(("place", "") if isinstance(action, PlaceOrder) else ("amend", action.order_id)),
            *(action.client_order_id, action.ticker),
            *_order_cells(action.side, action.price, action.count),
            action.reason,
        )
        self.say(desk, partial(_timed_row, ts, cells))

    def _cancel(self, ts: Nanos, action: CancelOrder, engine: Observed) -> None:
        desk = engine.desk_of(action.ticker)
        order = self._orders.touch(action, desk)
        ids = (action.order_id, action.client_order_id, action.ticker)
        cells = ("cancel", *ids, *_order_cells(order.side, order.price, order.count), action.reason)
        self.say(desk, partial(_timed_row, ts, cells))

    def _cancel_all(self, ts: Nanos, action: CancelAll, engine: Observed) -> None:
        cells = ("cancel_all", "", "", "", "", "", "", action.reason)
        self.say_to_all(partial(_timed_row, ts, cells))


def _order_cells(side: Side | None, price: Price, count: Count) -> tuple[str, str, str]:
    """Side, price and size; empty if the order is not known."""
    return ("", "", "") if side is None else (side.value, plain(dollars(price)), plain(contracts(count)))


class LatencyTable(DeskFiles):
    """``Strategy_<NAME>_latencies.csv``. ``order_ack`` (place or amend) and ``cancel_ack`` are measured
    here, from the step that decided the request to the step that learned the answer; what only the shell can
    measure (``tick_to_wire``, ``decide``, ``sign``, ``feed_age``) comes in through `latency`."""

    def __init__(self, files: Mapping[str, LineFile]) -> None:
        self._sent = SentTimes()
        super().__init__(
            files,
            {
                OrderAck: self._order_answer,
                OrderAmended: self._order_answer,
                OrderReject: self._no_measure,
                OrderCanceled: self._cancel_answer,
                CancelReject: self._no_measure,
            },
            {PlaceOrder: self._request, AmendOrder: self._request, CancelOrder: self._request},
        )

    def latency(self, name: str, ms: float, ts: Nanos, desk: str = "") -> None:
        """One measure in milliseconds, learned at ``ts``; without a desk it goes to every desk's file."""
        render = partial(_timed_row, ts, (name, plain(round(ms, 6))))
        if desk:
            self.say(desk, render)
        else:
            self.say_to_all(render)

    def _request(self, ts: Nanos, action: PlaceOrder | AmendOrder | CancelOrder, engine: Observed) -> None:
        self._sent.remember(action.request_id, ts, engine.desk_of(action.ticker))

    def _order_answer(self, event: OrderAck | OrderAmended, engine: Observed) -> None:
        self._answer(event.request_id, event.ts, "order_ack")

    def _cancel_answer(self, event: OrderCanceled, engine: Observed) -> None:
        self._answer(event.request_id, event.ts, "cancel_ack")

    def _no_measure(self, event: OrderReject | CancelReject, engine: Observed) -> None:
        self._sent.take(event.request_id)

    def _answer(self, request_id: int, ts: Nanos, name: str) -> None:
        found = self._sent.take(request_id)
        if found is not None:
            self.latency(name, milliseconds(ts - found[0]), ts, found[1])
