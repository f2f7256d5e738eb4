"""An engine for observers' tests: it books fills and decides nothing, and shows itself in real pictures."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from mm.core.actions import AnyAction
from mm.core.events import AnyEvent, Fill, MarketState
from mm.core.picture import (
    BreakerPicture,
    DeskPicture,
    EnginePicture,
    MarketDecision,
    MarketPicture,
    OrderPicture,
)
from mm.core.strategy import Quote
from mm.core.units import CONTRACT, SECOND, Count, Nanos, Side
from mm.observe.observer import Observer

START: Nanos = 1_790_000_000 * SECOND
TICKER = "KXBTC15M-26NOV210315-15"
OK = BreakerPicture(True, "", "", 0, 0, {"pnl_dollars": 1.5}, {"pnl_dollars": -100.0}, ())
TRIPPED = BreakerPicture(
    False, "consecutive_errors", "10 API errors in a row", START, 10, {"pnl_dollars": -2.0}, {}, ("timeout",)
)


class BookingEngine:
    """Every ticker of ``desks`` is known; fills move the position, once per trade id."""

    def __init__(self, desks: dict[str, list[str]] | None = None) -> None:
        self.desks = desks or {"DEFAULT": [TICKER]}
        self._desk_of = {ticker: name for name, tickers in self.desks.items() for ticker in tickers}
        self.now = START
        self.mode = "QUOTING"
        self.breaker = OK
        self.pauses: tuple[tuple[str, str], ...] = ()
        self.orders: tuple[OrderPicture, ...] = ()
        self.positions: dict[str, Count] = {}
        self.seen: set[str] = set()
        self._decisions: tuple[MarketDecision, ...] = ()

    @property
    def decisions(self) -> Sequence[MarketDecision]:
        return self._decisions

    def desk_of(self, ticker: str) -> str:
        return self._desk_of.get(ticker, "")

    def position(self, ticker: str) -> Count:
        return self.positions.get(ticker, 0)

    def picture(self) -> EnginePicture:
        desks = tuple(
            DeskPicture(
                name, "glft", tuple(self._market(t) for t in tickers), 2_500_000, -500_000, 175_000, 0.25
            )
            for name, tickers in self.desks.items()
        )
        return EnginePicture(
            self.now,
            self.mode,
            True,
            desks,
            self.orders,
            self.breaker,
            98_765_432_100,
            START,
            pauses=self.pauses,
        )

    def _market(self, ticker: str) -> MarketPicture:
        desk, position = self.desk_of(ticker), self.position(ticker)
        return MarketPicture(
            ticker=ticker,
            desk=desk,
            state=MarketState.ACTIVE,
            in_sync=True,
            bid=(4_600, 500),
            ask=(4_900, 700),
            mark=4_750,
            position=position,
            average_cost=4_600,
            realized=2_500_000,
            unrealized=-500_000,
            fees=175_000,
            fills=len(self.seen),
            quotes=2,
            spread_width=300,
            max_position=100 * CONTRACT,
            close_ts=None,
        )


class Bench:
    """Drives observers as the driver does, on an engine that books and nothing more."""

    def __init__(self, observers: Sequence[Observer], engine: BookingEngine | None = None) -> None:
        self.observers = observers
        self.engine = engine or BookingEngine()

    def step(self, event: AnyEvent, *actions: AnyAction, decided: Sequence[MarketDecision] = ()) -> None:
        engine = self.engine
        engine.now = event.ts
        engine._decisions = tuple(decided)
        if isinstance(event, Fill) and event.trade_id not in engine.seen:
            engine.seen.add(event.trade_id)
            engine.positions[event.ticker] = engine.position(event.ticker) + event.side.sign * event.count
        for observer in self.observers:
            observer.on_step(event, actions, engine)

    def time(self, now: Nanos) -> None:
        self.engine.now = now
        for observer in self.observers:
            observer.on_time(now, self.engine)

    def close(self) -> None:
        for observer in self.observers:
            observer.close()


def at(seconds: float) -> Nanos:
    """A moment of the story, in seconds after its start."""
    return START + round(seconds * SECOND)


def fill(
    ts: Nanos, trade_id: str = "t1", side: Side = Side.BID, price: int = 4_600, count: int = 1_000
) -> Fill:
    return Fill(ts, trade_id, "order-1", "mm-1", TICKER, side, price, count, 17_500, False)


def decision(mid: float | None = 4_750.0, position: Count = 0, note: str = "") -> MarketDecision:
    quotes = (Quote(Side.BID, 4_600, 1_000), Quote(Side.BID, 4_500, 500), Quote(Side.ASK, 4_900, 700))
    plain = MarketDecision(TICKER, "DEFAULT", mid, position, 4_755.5, 4_748.25, quotes, quotes, note)
    return msgspec.structs.replace(plain)
