"""A bench for stories about the engine: events go in by short calls, actions come out as short lines.

The strategy is scripted: it wants what the story last said.
"""

from __future__ import annotations

import msgspec

from mm.core.actions import AnyAction, QueryAccount
from mm.core.desk import StrategyFactory
from mm.core.engine import Engine
from mm.core.events import (
    AccountReport,
    AmendReject,
    AnyEvent,
    ApiError,
    BookSnapshot,
    CancelReject,
    Command,
    CommandKind,
    FeeSchedule,
    Fill,
    LinkUp,
    MarketState,
    MarketStatus,
    OrderAck,
    OrderAmended,
    OrderCanceled,
    OrderInDoubt,
    OrderReject,
    OrderReport,
    OrderStatus,
    PositionReport,
    RequestKind,
    Tick,
)
from mm.core.order import Order, OrderState
from mm.core.settings import BreakerLimits, DeskSettings, EngineSettings, RiskLimits
from mm.core.strategy import MarketView
from mm.core.units import CONTRACT, MONEY_DOLLAR, SECOND, Money, Nanos
from tests.core.words import PREFIX, Scripted, exchange_id, fill_of, number, said
from tests.ladders import book

START: Nanos = 1_700_000_000 * SECOND
FREE = FeeSchedule(0, 0)
# Without the rules that stories about something else would meet, and without warnings.
CALM = BreakerLimits(
    daily_loss_fraction=None,
    losing_round_trips=None,
    repeated_rejects=None,
    warn_fraction=None,
    warn_imbalance=None,
)


REFUSALS: dict[OrderState, type[OrderReject | AmendReject | CancelReject]] = {
    OrderState.PENDING_NEW: OrderReject,
    OrderState.PENDING_AMEND: AmendReject,
    OrderState.PENDING_CANCEL: CancelReject,
}
UNDER_WAY = {
    OrderState.PENDING_NEW: RequestKind.PLACE,
    OrderState.PENDING_AMEND: RequestKind.AMEND,
    OrderState.PENDING_CANCEL: RequestKind.CANCEL,
}


def engine_settings(markets: tuple[str, ...] = ("KXA",), **changes: object) -> EngineSettings:
    desk = DeskSettings("DEFAULT", "scripted", markets, RiskLimits())
    plain = EngineSettings(instance="bot", run="run1", desks=(desk,), breaker=CALM)
    return msgspec.structs.replace(plain, **changes)


class Bench:
    """One engine, its clock, and the book-keeping of who asked what."""

    def __init__(
        self, settings: EngineSettings | None = None, strategy: StrategyFactory | None = None
    ) -> None:
        self.settings = settings or engine_settings()
        self.wishes: dict[str, str] = {}
        self.seen: list[MarketView] = []
        self.now = START
        made: StrategyFactory = strategy or (lambda: Scripted(self.wishes, self.seen))
        self.engine = Engine(self.settings, {desk.name: made for desk in self.settings.desks})
        self.actions: list[AnyAction] = []
        self.cash: Money = 1_000 * MONEY_DOLLAR

    # -- the crank -------------------------------------------------------------------------------------
    def step(self, event: AnyEvent) -> list[str]:
        """One event in; its actions as lines."""
        actions = list(self.engine.on_event(event))
        self.actions += actions
        return said(actions)

    def wait(self, seconds: float) -> None:
        self.now += round(seconds * SECOND)

    def tick(self, after: float = 0.01, orders: int = 100, cancels: int = 100) -> list[str]:
        """Time to decide, a moment later. Account reads are left out: stories about them use `step`."""
        self.wait(after)
        lines = self.step(Tick(self.now, orders, cancels))
        return [line for line in lines if line != "read account"]

    def command(self, kind: CommandKind) -> list[str]:
        return self.step(Command(self.now, kind))

    # -- facts -----------------------------------------------------------------------------------------
    def book(self, text: str, ticker: str = "KXA") -> list[str]:
        ladder = book(text)
        return self.step(BookSnapshot(self.now, ticker, ladder.bids, ladder.asks))

    def is_active(self, ticker: str = "KXA", event_ticker: str | None = None) -> list[str]:
        return self.step(
            MarketStatus(
                self.now, ticker, state=MarketState.ACTIVE, fees=FREE, event_ticker=event_ticker or ticker
            )
        )

    def account(
        self,
        *positions: PositionReport,
        resting: tuple[OrderReport, ...] = (),
        fills: tuple[Fill, ...] = (),
        as_of: Nanos | None = None,
        cash: Money | None = None,
    ) -> list[str]:
        """The answer to the latest account query."""
        told = self.cash if cash is None else cash
        as_of = self.now if as_of is None else as_of
        return self.step(AccountReport(self.now, self._read_asked, as_of, told, positions, resting, fills))

    def fail_the_read(self) -> list[str]:
        return self.step(ApiError(self.now, self._read_asked, RequestKind.QUERY_ACCOUNT, 503, ""))

    @property
    def _read_asked(self) -> int:
        """The request of the latest account query."""
        return [action.request_id for action in self.actions if isinstance(action, QueryAccount)][-1]

    def fill(self, order: Order, count: float, fee: Money = 0, trade_id: str = "") -> list[str]:
        event = fill_of(order, count, self.now, fee, trade_id or f"t{len(self.actions)}-{self.now}")
        return self.step(event)

    # -- the exchange answers the request that is under way for an order -----------------------------------
    def ack(self, which: int, filled: float = 0) -> list[str]:
        order, done = self.order(which), round(filled * CONTRACT)
        answer = OrderAck(
            self.now, order.request_id, order.client_order_id, exchange_id(order), done, order.count - done
        )
        return self.step(answer)

    def ack_nothing(self, which: int) -> list[str]:
        """Accepted, and cancelled in the same moment."""
        order = self.order(which)
        return self.step(
            OrderAck(
                self.now, order.request_id, order.client_order_id, exchange_id(order), filled=0, remaining=0
            )
        )

    def amended(self, which: int, filled: float = 0) -> list[str]:
        """As asked: the new price, and what is left of the new total after all that had filled."""
        order = self.order(which)
        answer = OrderAmended(
            self.now,
            order.request_id,
            order.client_order_id,
            order.order_id,
            order.next_price,
            filled=0,
            remaining=order.next_count - round(filled * CONTRACT),
        )
        return self.step(answer)

    def canceled(self, which: int, reduced_by: float) -> list[str]:
        return self.canceled_by_id(self.order(which), reduced_by)

    def canceled_by_id(self, order: Order, reduced_by: float) -> list[str]:
        gone = round(reduced_by * CONTRACT)
        return self.step(
            OrderCanceled(self.now, order.request_id, order.client_order_id, order.order_id, gone)
        )

    def refuse(self, which: int, code: str, status: int = 400) -> list[str]:
        """Whatever is under way for this order is refused."""
        order = self.order(which)
        kind = REFUSALS[order.state]
        return self.step(kind(self.now, order.request_id, order.client_order_id, status, code))

    def doubt(self, which: int) -> list[str]:
        """Whatever is under way for this order gets no answer."""
        order = self.order(which)
        kind = UNDER_WAY[order.state]
        return self.step(OrderInDoubt(self.now, order.request_id, order.client_order_id, kind, 0, "timeout"))

    def told(self, which: int, status: str, filled: float = 0, remaining: float = 0) -> list[str]:
        """The answer to the question about this order, complete up to now."""
        return self._report(which, status, filled, remaining, self.order(which).request_id)

    def noticed(self, which: int, status: str, filled: float = 0, remaining: float = 0) -> list[str]:
        """A WebSocket message about this order."""
        return self._report(which, status, filled, remaining, 0)

    def _report(self, which: int, status: str, filled: float, remaining: float, request_id: int) -> list[str]:
        order = self.order(which)
        return self.step(
            OrderReport(
                self.now,
                request_id,
                order.client_order_id,
                "" if status == "absent" else exchange_id(order),
                order.ticker,
                order.side,
                OrderStatus(status),
                order.price,
                filled=round(filled * CONTRACT),
                remaining=round(remaining * CONTRACT),
                as_of=self.now if request_id else 0,
            )
        )

    # -- a start that is over ----------------------------------------------------------------------------
    def quoting(self, text: str = "50:100 | 54:100", wishes: str = "|") -> Bench:
        """Feed up, all markets active with this book, account read: ready to quote."""
        self.step(LinkUp(self.now))
        for ticker in self.engine.know.markets:
            self.is_active(ticker)
            self.book(text, ticker)
            self.wishes[ticker] = wishes
        self.step(Tick(self.now, 100, 100))
        self.wait(0.01)
        self.account()
        assert self.engine.mode.value == "quoting"
        return self

    # -- looking -----------------------------------------------------------------------------------------
    def order(self, which: int) -> Order:
        return self.engine.know.orders.by_client_id[f"{PREFIX}{which}"]

    @property
    def orders(self) -> dict[str, str]:
        return {number(order.client_order_id): order.state.value for order in self.engine.know.orders}

    @property
    def position(self) -> float:
        return self.engine.position("KXA") / CONTRACT
