"""An engine that quotes made-up markets with `glft`, and an exchange that says yes to everything at once."""

from __future__ import annotations

from collections.abc import Iterable

from bench.market import Ladder
from mm.config.strategies import find_strategy
from mm.core.actions import AmendOrder, AnyAction, CancelOrder, PlaceOrder, QueryAccount
from mm.core.engine import Engine, Mode
from mm.core.events import (
    AccountReport,
    AnyEvent,
    BookSnapshot,
    FeeSchedule,
    LinkUp,
    MarketState,
    MarketStatus,
    OrderAck,
    OrderAmended,
    OrderCanceled,
    Tick,
)
from mm.core.settings import DeskSettings, EngineSettings
from mm.core.units import MILLISECOND, MONEY_DOLLAR, SECOND, Nanos

START: Nanos = 1_790_000_000 * SECOND
STEP: Nanos = MILLISECOND
WARM_UP_SECONDS = 10
MAKER = FeeSchedule(taker_ppm=70_000, maker_ppm=17_500)


class QuotingDesk:
    """All ``tickers`` have the same ladder. ``now`` is the clock; each Tick moves it on by `STEP`.

    Good for less than the 30 s between two account reads: it does not tell the engine what rests."""

    def __init__(self, tickers: Iterable[str], start: Ladder) -> None:
        names = tuple(tickers)
        strategy = find_strategy("glft")
        desks = (DeskSettings("DEFAULT", "glft", names),)
        settings = EngineSettings("bench", "run", desks, max_total_exposure=1_000_000 * MONEY_DOLLAR)
        self.engine = Engine(settings, {"DEFAULT": lambda: strategy(strategy.Params())})  # type: ignore[call-arg]
        self.now = START
        self._total: dict[str, int] = {}
        self._introduce(names, start)
        for _ in range(WARM_UP_SECONDS):
            self.now += SECOND
            self.tick()
        assert self.engine.mode is Mode.QUOTING
        assert len(self.engine.know.orders) == 2 * len(names), "both sides of every market are quoted"

    def tick(self) -> None:
        """Time to decide; what follows from it is answered."""
        self.answer(self.engine.on_event(self.next_tick()))

    def next_tick(self) -> Tick:
        self.now += STEP
        return Tick(self.now, 10_000, 10_000)

    def answer(self, actions: Iterable[AnyAction]) -> None:
        for action in actions:
            self.engine.on_event(self.answer_of(action))

    def _introduce(self, names: tuple[str, ...], start: Ladder) -> None:
        self.engine.on_event(LinkUp(self.now))
        for name in names:
            self.engine.on_event(
                MarketStatus(
                    self.now,
                    name,
                    state=MarketState.ACTIVE,
                    event_ticker=name,
                    close_ts=START + 3_600 * SECOND,
                    fees=MAKER,
                )
            )
            self.engine.on_event(BookSnapshot(self.now, name, start.bids, start.asks))

    def answer_of(self, action: AnyAction) -> AnyEvent:
        """What the exchange says to this."""
        now = self.now
        if isinstance(action, PlaceOrder):
            self._total[action.client_order_id] = action.count
            order_id = f"x-{action.client_order_id}"
            return OrderAck(now, action.request_id, action.client_order_id, order_id, 0, action.count)
        if isinstance(action, AmendOrder):
            self._total[action.client_order_id] = action.count
            ids = (action.request_id, action.client_order_id, action.order_id)
            return OrderAmended(now, *ids, action.price, None, action.count)
        if isinstance(action, CancelOrder):
            ids = (action.request_id, action.client_order_id, action.order_id)
            return OrderCanceled(now, *ids, self._total[action.client_order_id])
        if isinstance(action, QueryAccount):
            cash = 1_000_000 * MONEY_DOLLAR
            return AccountReport(now, action.request_id, now, cash, (), (), ())
        raise AssertionError(f"a bench must not come to this: {action}")
