"""Random days of a bot with short markets: two desks, books, wishes, answers of all kinds, settlements, late
fills, broken links. Told as a list of small words, so that hypothesis can make it short where it fails."""

from __future__ import annotations

from hypothesis import strategies as st

from mm.core.actions import AnyAction
from mm.core.engine import Engine
from mm.core.events import (
    AccountReport,
    AnyEvent,
    BookDelta,
    BookSnapshot,
    Fill,
    LinkDown,
    LinkUp,
    MarketAssigned,
    MarketState,
    MarketStatus,
    OrderAck,
    OrderAmended,
    OrderCanceled,
    OrderInDoubt,
    OrderReject,
    OrderReport,
    OrderStatus,
    Reconfigure,
    Tick,
)
from mm.core.order import Order, OrderState
from mm.core.settings import BreakerLimits, DeskSettings, EngineSettings, RiskLimits
from mm.core.units import CENT, CONTRACT, MONEY_DOLLAR, SECOND, Nanos, Side
from tests.core.bench import FREE, START, UNDER_WAY
from tests.core.words import Scripted, exchange_id

NEVER = BreakerLimits(
    max_consecutive_errors=10**9,
    pnl_threshold=-(10**15),
    max_inventory_imbalance=10.0,
    max_error_fraction=None,
    daily_loss_fraction=None,
    daily_loss=None,
    weekly_loss=None,
    losing_round_trips=None,
    feed_lost=None,
    repeated_rejects=None,
    market_cycles=None,
    account_cycles=None,
    quote_drift=None,
    desk_pnl_threshold=-(10**9) * MONEY_DOLLAR,
)
DESKS = {"ONE": ("KXA", "KXB"), "TWO": ("KXC",)}
LATER = ("KXD", "KXE")
TICKERS = ("KXA", "KXB", "KXC", *LATER)
WISHES = ("|", "48:5 | 52:5", "49:10 | 51:10", "47:2 48:3 | 53:4", "50:7 |", "| 50:7")
Word = tuple[str, int, int]
WORDS = (
    *("book", "delta", "wish", "wish", "tick", "tick", "tick", "answer", "answer", "answer", "fill", "fill"),
    *("stray fill", "expire", "settle", "assign", "link", "limits", "account", "wait", "look"),
)
DAYS = st.lists(
    st.tuples(st.sampled_from(WORDS), st.integers(0, 59), st.integers(0, 59)), min_size=3, max_size=60
)


def settings_of(retire_after: Nanos, max_position: int = 30) -> EngineSettings:
    limits = RiskLimits(max_position=max_position * CONTRACT)
    desks = tuple(DeskSettings(name, "scripted", markets, limits) for name, markets in DESKS.items())
    return EngineSettings("bot", "run1", desks, breaker=NEVER, retire_after=retire_after)


# All markets end, and are let go where that is allowed; then a fill is told too late in each.
EVENING: list[Word] = [
    *(("settle", ticker, 1) for ticker in range(len(TICKERS))),
    *(("wait", 0, 0), ("wait", 0, 0), ("look", 0, 0)),
    *(("stray fill", ticker, 3 + ticker) for ticker in range(len(TICKERS))),
    ("tick", 59, 50),
]


class Day:
    """One engine; each word does what it says, as far as it can at that moment."""

    def __init__(self, retire_after: Nanos) -> None:
        self.now = START
        self.wishes: dict[str, str] = {}
        self.actions: list[AnyAction] = []
        self._retire_after = retire_after
        self._is_linked = True
        self._fills = 0
        settings = settings_of(retire_after)
        self.engine = Engine(settings, {name: lambda: Scripted(self.wishes, []) for name in DESKS})
        self._begin()

    def _begin(self) -> None:
        self.step(LinkUp(self.now))
        for ticker in TICKERS[:3]:
            self._introduce(ticker)
        self.step(Tick(self.now, 100, 100))
        self.now += SECOND
        self._account(1, 0)
        self.wishes.update(dict.fromkeys(TICKERS, WISHES[1]))
        self._tick(0, 50)
        for order in self._orders():
            self.step(self._answer_to(order, 1))
        self.engine.picture()

    def _introduce(self, ticker: str) -> None:
        event = f"EV{ticker[-1] in 'AB'}"
        self.step(MarketStatus(self.now, ticker, MarketState.ACTIVE, event_ticker=event, fees=FREE))
        self._book(TICKERS.index(ticker), 0)

    def step(self, event: AnyEvent) -> None:
        self.actions += self.engine.on_event(event)

    def live(self, word: Word) -> None:
        what, which, how = word
        self.now += SECOND // 100
        getattr(self, "_" + what.replace(" ", "_"))(which, how)

    # -- words -----------------------------------------------------------------------------------------
    def _look(self, which: int, how: int) -> None:
        self.engine.picture()

    def _book(self, which: int, how: int) -> None:
        bid, ask = (44 + how % 5) * CENT, (52 + how % 7) * CENT
        self.step(BookSnapshot(self.now, _ticker(which), ((bid, 9_000),), ((ask, 9_000),)))

    def _delta(self, which: int, how: int) -> None:
        side = Side.BID if how % 2 else Side.ASK
        self.step(BookDelta(self.now, _ticker(which), side, (40 + how) * CENT, 500 - 20 * how))

    def _wish(self, which: int, how: int) -> None:
        self.wishes[_ticker(which)] = WISHES[how % len(WISHES)]

    def _tick(self, which: int, how: int) -> None:
        self.now += which * SECOND // 30
        self.step(Tick(self.now, 2 + how, 100))

    def _wait(self, which: int, how: int) -> None:
        self.now += 301 * SECOND
        self.step(Tick(self.now, 0, 100))

    def _assign(self, which: int, how: int) -> None:
        ticker = LATER[which % 2]
        self.step(MarketAssigned(self.now, ticker, list(DESKS)[how % 2]))
        if ticker in self.engine.know.markets and self.engine.know.markets[ticker].state is None:
            self._introduce(ticker)

    def _settle(self, which: int, how: int) -> None:
        value = (0, 10_000, 4_321)[which % len(TICKERS) % 3]
        ended = MarketStatus(self.now, _ticker(which), MarketState.SETTLED, settlement_value=value)
        self.step(ended)
        for order in self._orders() if how % 4 else []:
            if order.ticker == ended.ticker:
                self.step(self._taken_out(order))

    def _expire(self, which: int, how: int) -> None:
        resting = [order for order in self._orders() if order.order_id]
        if resting:
            self.step(self._taken_out(resting[which % len(resting)]))

    def _taken_out(self, order: Order) -> AnyEvent:
        """The exchange lets nothing rest in a market that has ended."""
        ids = (self.now, 0, order.client_order_id, exchange_id(order), order.ticker, order.side)
        return OrderReport(*ids, OrderStatus.CANCELED, order.price, order.filled, 0)

    def _link(self, which: int, how: int) -> None:
        self._is_linked = not self._is_linked
        self.step(LinkUp(self.now) if self._is_linked else LinkDown(self.now))

    def _limits(self, which: int, how: int) -> None:
        self.step(Reconfigure(self.now, settings_of(self._retire_after, 10 + how)))

    def _account(self, which: int, how: int) -> None:
        """Agrees with our ledger: what else it may say is other stories' matter."""
        request_id = self.engine._reconciler._request_id
        cash = self.engine.know.ledger.cash
        told = 1_000 * MONEY_DOLLAR if cash is None else cash
        self.step(AccountReport(self.now, request_id, 0 if how else self.now, told, (), (), ()))

    # -- our orders ------------------------------------------------------------------------------------
    def _orders(self) -> list[Order]:
        return list(self.engine.know.orders)

    def _answer(self, which: int, how: int) -> None:
        waiting = [order for order in self._orders() if order.request_id and order.state in UNDER_WAY]
        if waiting:
            self.step(self._answer_to(waiting[which % len(waiting)], how))

    def _answer_to(self, order: Order, how: int) -> AnyEvent:
        ids = (self.now, order.request_id, order.client_order_id)
        if how % 7 == 0:
            return OrderInDoubt(*ids, UNDER_WAY[order.state], 0, "timeout")
        if order.state is OrderState.PENDING_NEW and how % 5 == 0:
            return OrderReject(*ids, 400, "invalid_order")
        ids_there = (*ids, exchange_id(order))
        answers: dict[OrderState, AnyEvent] = {
            OrderState.PENDING_NEW: OrderAck(*ids_there, 0, order.count),
            OrderState.PENDING_AMEND: OrderAmended(*ids_there, order.next_price, 0, order.next_count),
            OrderState.PENDING_CANCEL: OrderCanceled(*ids_there, order.count - order.filled),
        }
        return answers[order.state]

    def _fill(self, which: int, how: int) -> None:
        orders = [order for order in self._orders() if order.open]
        if orders:
            order = orders[which % len(orders)]
            ids = (exchange_id(order), order.client_order_id, order.ticker)
            self._filled(ids, order.side, order.price, min(order.open, 100 * (1 + how)))

    def _stray_fill(self, which: int, how: int) -> None:
        """Of an order that nobody remembers; every third comes twice."""
        side = Side.BID if how % 2 else Side.ASK
        for _ in range(1 + (how % 3 == 0)):
            self._filled((f"old{which}", "", _ticker(which)), side, (30 + how % 40) * CENT, 100, how % 3 == 0)

    def _filled(
        self, ids: tuple[str, str, str], side: Side, price: int, count: int, again: bool = False
    ) -> None:
        order_id, client_order_id, ticker = ids
        self._fills += not again
        trade_id = f"{order_id}-again" if again else f"t{self._fills}"
        fill = Fill(self.now, trade_id, order_id, client_order_id, ticker, side, price, count, 1_700, False)
        self.step(fill)


def _ticker(which: int) -> str:
    return TICKERS[which % len(TICKERS)]
