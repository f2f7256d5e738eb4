"""What is known: every event that is a fact changes it, and nothing in here decides anything.

The one exception is a book that became impossible: the snapshot that mends it is asked for at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mm.core.actions import Alert, AnyAction, Resubscribe
from mm.core.breaker import Breaker
from mm.core.events import (
    AccountReport,
    AmendReject,
    AnyEvent,
    ApiError,
    BookDelta,
    BookGap,
    BookSnapshot,
    CancelAllDone,
    CancelReject,
    ExchangeStatus,
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
    Reference,
    Ticker,
    Trade,
    TradingHours,
)
from mm.core.exposure import Exposure
from mm.core.fees import FillWatch
from mm.core.hours import PAUSE_CODES, Hours
from mm.core.ledger import Ledger
from mm.core.market import Market
from mm.core.memory import TripMemory, of_account
from mm.core.order import MUST_NOT_REST, Answer, Order
from mm.core.orders import Orders
from mm.core.retired import Retired
from mm.core.settings import EngineSettings
from mm.core.shares import Shares
from mm.core.trouble import is_refusal, trouble
from mm.core.units import Nanos, Side


class Knowledge:
    """Books, orders, ledger, exposure and breaker of the account. ``dirty`` are the markets to look at;
    ``stale`` those that look different since the last picture; ``over`` those that are settled, and since
    when, oldest first; ``inherited`` is what former runs left; ``stopped`` why this one ended in order, empty
    if it has not."""

    def __init__(self, settings: EngineSettings) -> None:
        self.settings = settings
        self.orders = Orders()
        self.ledger = Ledger()
        self.exposure = Exposure(self.orders, self.ledger)
        self.inherited = of_account(settings.memory, settings.account)
        self.breaker = Breaker(settings.breaker, self.inherited, [desk.name for desk in settings.desks])
        self.ledger.losing_streak = self.inherited.losing_streak
        self.stopped = ""
        self.markets = {
            ticker: Market(ticker, desk.name) for desk in settings.desks for ticker in desk.markets
        }
        self.tickers = {desk.name: list(desk.markets) for desk in settings.desks}
        self.references: dict[str, float] = {}
        self.notes: list[Alert] = []
        self._fill_watch = FillWatch(settings.fee_precision)
        self.link_up = False
        self.hours = Hours()
        # A read of the account must be as late as this before quoting goes on: 0, or when the feed came back.
        self.read_owed_from: Nanos = 0
        self.positions_moved = True
        self._had_link = False
        self.dirty: dict[str, None] = {}
        self.stale: dict[str, None] = dict.fromkeys(self.markets)
        self.over: dict[str, Nanos] = {}
        # Markets whose ticker tells other best prices than a book that has not moved since, and from when.
        self.contradicted: dict[str, Nanos] = {}
        self.retired = Retired(self.tickers)
        self.shares = Shares(self.ledger, self.markets, self.breaker.measures, self.retired)
        # Seen before the opening positions were read, which will contain them.
        self.early_fills: list[Fill] = []
        self.touched_order: Order | None = None
        # How each kind of fact is taken in; of what is not here, nothing is to be known.
        self.handlers: dict[type, Callable[..., Sequence[AnyAction]]] = {
            BookSnapshot: self._snapshot,
            BookDelta: self._delta,
            BookGap: self._gap,
            Ticker: self._ticker,
            Trade: self._trade,
            MarketStatus: self._status,
            MarketAssigned: self._assigned,
            Fill: self._fill,
            OrderReport: self._report,
            OrderAck: self._answer,
            OrderReject: self._answer,
            OrderAmended: self._answer,
            AmendReject: self._answer,
            OrderCanceled: self._answer,
            CancelReject: self._answer,
            OrderInDoubt: self._answer,
            ApiError: self._answer,
            CancelAllDone: self._call_answered,
            AccountReport: self._call_answered,
            LinkUp: self._link_is_up,
            LinkDown: self._link_is_down,
            ExchangeStatus: self.hours.told,
            TradingHours: self.hours.planned,
            Reference: self._reference,
        }

    def learn(self, event: AnyEvent) -> Sequence[AnyAction]:
        """Take in one fact."""
        handler = self.handlers.get(type(event))
        return handler(event) if handler is not None else ()

    # -- market data -----------------------------------------------------------------------------------
    def _snapshot(self, event: BookSnapshot) -> Sequence[AnyAction]:
        market = self.markets.get(event.ticker)
        if market is None:
            return ()
        self.dirty[event.ticker] = self.stale[event.ticker] = None
        self.contradicted.pop(event.ticker, None)
        if market.book.load(event.bids, event.asks):
            return ()
        return (Resubscribe(event.ticker, "absurd snapshot"),)

    def _delta(self, event: BookDelta) -> Sequence[AnyAction]:
        market = self.markets.get(event.ticker)
        if market is None:
            return ()
        was_in_sync = market.book.in_sync
        is_fine = market.book.apply(event.side, event.price, event.change, event.is_own)
        self.dirty[event.ticker] = self.stale[event.ticker] = None
        if self.contradicted:
            self.contradicted.pop(event.ticker, None)
        return () if is_fine or not was_in_sync else (Resubscribe(event.ticker, "impossible delta"),)

    def _gap(self, event: BookGap) -> Sequence[AnyAction]:
        market = self.markets.get(event.ticker)
        if market is not None:
            self.lose_book(market)
        return ()

    def lose_book(self, market: Market) -> None:
        """Nothing is known of it until the next snapshot."""
        market.book.lose()
        self.contradicted.pop(market.ticker, None)
        self.dirty[market.ticker] = self.stale[market.ticker] = None

    def _ticker(self, event: Ticker) -> Sequence[AnyAction]:
        """The best prices once more, by another way."""
        market = self.markets.get(event.ticker)
        if market is not None and market.is_contradicted_by(event):
            self.contradicted.setdefault(event.ticker, event.ts)
        else:
            self.contradicted.pop(event.ticker, None)
        return ()

    def _trade(self, event: Trade) -> Sequence[AnyAction]:
        market = self.markets.get(event.ticker)
        if market is not None:
            market.saw(event)
            self.dirty[event.ticker] = None
        return ()

    def _status(self, event: MarketStatus) -> Sequence[AnyAction]:
        market = self.markets.get(event.ticker)
        if market is None:
            return ()
        market.learn(event)
        self.dirty[event.ticker] = self.stale[event.ticker] = None
        if market.event_ticker:
            self.exposure.belongs(event.ticker, market.event_ticker)
        self._pay_out(market, event.ts)
        return ()

    def _pay_out(self, market: Market, now: Nanos) -> None:
        """A market that is settled has paid for what was held of it."""
        if market.state is not MarketState.SETTLED or market.settlement_value is None:
            return
        trips_ended = self.ledger.trips_ended
        self.ledger.settle(market.ticker, market.settlement_value, now)
        self._trip_may_have_ended(trips_ended, market.desk)
        self.exposure.touch(market.ticker)
        self.positions_moved = True
        self.over.setdefault(market.ticker, now)

    def has_opened(self, now: Nanos) -> None:
        """The ledger begins with the positions of a read, which lags: what has settled is paid out."""
        for market in self.markets.values():
            self._pay_out(market, now)

    def _assigned(self, event: MarketAssigned) -> Sequence[AnyAction]:
        """A market belongs to one desk, for good; one that is over does not come back."""
        is_known = event.ticker in self.markets or event.ticker in self.retired
        if not is_known and event.desk in self.tickers:
            self.markets[event.ticker] = Market(event.ticker, event.desk)
            self.stale[event.ticker] = None
            self.tickers[event.desk].append(event.ticker)
        return ()

    # -- our orders ------------------------------------------------------------------------------------
    def _answer(self, event: Answer) -> Sequence[AnyAction]:
        self._call_answered(event)
        order = self.orders.answer(event)
        if order is None:
            return ()
        self.touch(order)
        market = self.markets.get(order.ticker)
        if market is not None and isinstance(event, OrderReject | AmendReject):
            self._refused(market, order.side, event)
        elif market is not None and isinstance(event, OrderAck | OrderAmended):
            market.accepted(order.side)
            self.breaker.measures.desks[market.desk].accepted(market.ticker, order.side)
            if event.remaining == 0:
                market.has_ended(order, event.ts)
        return ()

    def _refused(self, market: Market, side: Side, event: OrderReject | AmendReject) -> None:
        """Counted as an anomaly is only what the exchange has against the order itself."""
        market.refused(side, event.ts, event.code)
        if is_refusal(event) and event.code not in PAUSE_CODES:
            self.breaker.measures.desks[market.desk].refused(market.ticker, side, event.code)

    def _report(self, event: OrderReport) -> Sequence[AnyAction]:
        if event.request_id:
            return self._answer(event)
        order = self.orders.notice(event)
        if order is not None:
            self.touch(order)
            if event.status is OrderStatus.CANCELED and order.ticker in self.markets:
                self.markets[order.ticker].has_ended(order, event.ts, event.reason)
        return ()

    def _fill(self, event: Fill) -> Sequence[AnyAction]:
        self.book_fill(event)
        return ()

    def book_fill(self, fill: Fill) -> bool:
        """Book a fill from whichever way it came; ``False`` if it was known."""
        trips_ended = self.ledger.trips_ended
        if not self.ledger.book(fill):
            return False
        order = self.orders.fill(fill)
        market = self.markets.get(fill.ticker)
        if order is not None:
            self.touched_order = order
            if market is not None and order.filled >= order.count:
                self.breaker.measures.desks[market.desk].cycles.filled(order.ticker, order.side)
        if market is not None and not fill.is_taker:
            market.book.side(fill.side).change_own(fill.price, -fill.count)
        self.exposure.touch(fill.ticker)
        self.positions_moved = True
        if market is not None and market.fees is not None:
            may_take = order is None or order.cancel_wanted == MUST_NOT_REST
            note = self._fill_watch.saw(fill, market.fees, may_take)
            if note is not None:
                self.notes.append(note)
        self._trip_may_have_ended(trips_ended, self.desk_of(fill.ticker))
        self.dirty[fill.ticker] = None
        if self.ledger.opening_cash is None:
            self.early_fills.append(fill)
        elif fill.ticker in self.retired:
            self.shares.close(fill.ticker, self.retired.desk_of(fill.ticker))
        return True

    def _trip_may_have_ended(self, ended_before: int, desk: str) -> None:
        """A round trip that ended lost, or won."""
        if self.ledger.trips_ended == ended_before:
            return
        measures = self.breaker.measures
        measures.losing_streak = self.ledger.losing_streak
        if desk:
            measures.desks[desk].trip_ended(self.ledger.round_trips[-1].pnl)

    def touch(self, order: Order) -> None:
        self.touched_order = order
        self.exposure.touch(order.ticker)
        self.dirty[order.ticker] = None

    def _call_answered(self, event: AnyEvent) -> Sequence[AnyAction]:
        """What fails while the exchange is closed says nothing of us, or of the way to it."""
        if getattr(event, "code", "") in PAUSE_CODES:
            self.hours.refused(event.ts)
        error = trouble(event)
        if error == "" or (error and not self.hours.why_closed(event.ts)):
            self.breaker.measures.call_answered(event.ts, error)
        return ()

    # -- links and references --------------------------------------------------------------------------
    def _link_is_up(self, event: LinkUp) -> Sequence[AnyAction]:
        self.link_up = True
        if self._had_link:
            self.read_owed_from = event.ts
        self._had_link = True
        self.breaker.measures.link_down_since = None
        self.dirty.update(dict.fromkeys(self.markets))
        return ()

    def _link_is_down(self, event: LinkDown) -> Sequence[AnyAction]:
        if self.link_up or self.breaker.measures.link_down_since is None:
            self.breaker.measures.link_down_since = event.ts
        self.link_up = False
        for market in self.markets.values():
            market.book.lose()
        self.contradicted.clear()
        self.stale.update(dict.fromkeys(self.markets))
        return ()

    def _reference(self, event: Reference) -> Sequence[AnyAction]:
        self.references[event.name] = event.value
        self.dirty.update(dict.fromkeys(self.markets))
        return ()

    def forget(self, ticker: str) -> None:
        """A market that is over is not looked at again."""
        for names in (self.dirty, self.stale, self.over, self.contradicted):
            names.pop(ticker, None)
        self._fill_watch.forget(ticker)

    def forgive(self, desk: str | None) -> list[TripMemory]:
        """A person reset the breaker, of one desk or all of it: it begins anew, and what it counts too."""
        self.stale.update(self.shares.bring_up_to_date())
        if not desk:
            self.ledger.losing_streak = 0
        return self.breaker.reset(desk)

    # -- derived ---------------------------------------------------------------------------------------
    def desk_of(self, ticker: str) -> str:
        """Whose market it is, or was; empty if nobody's."""
        market = self.markets.get(ticker)
        return market.desk if market is not None else self.retired.desk_of(ticker)
