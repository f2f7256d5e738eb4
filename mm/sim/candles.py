"""Candlesticks of 1, 60 and 1440 minutes, kept from trades and best prices as they happen.

Only the candle of the running minute is touched by what happens; finished ones are folded upwards into hours
and days. A period in which nothing happened has no candle. Days are those of UTC. The exchange documents
neither (protocol section 8), so both are choices of ours.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace

from mm.sim.attic import Recent
from mm.sim.venue import Venue
from mm.sim.words import PRICE_ONE, LifecycleChanged, TickerChanged, Traded

MINUTE = 60_000_000_000
# Minutes of a period, and how many finished candles of it are kept: a day, a month and a year.
KEPT = {1: 1_440, 60: 744, 1_440: 366}


@dataclass(slots=True)
class Span:
    """How a price moved: YES prices in 1/10,000 dollar."""

    open: int
    low: int
    high: int
    close: int

    def widen(self, price: int) -> None:
        self.close = price
        if price < self.low:
            self.low = price
        elif price > self.high:
            self.high = price

    def then(self, later: Span) -> Span:
        """Both, one after the other."""
        low, high = min(self.low, later.low), max(self.high, later.high)
        return Span(self.open, low, high, later.close)


@dataclass(slots=True)
class Candle:
    """One period that ends (inclusively) at ``end`` ns. ``price`` is of trades, None without one; ``value``
    the money of the trades at YES prices; ``previous`` the last trade before the period, 0 for none."""

    end: int
    bid: Span
    ask: Span
    price: Span | None
    previous: int
    volume: int = 0
    value: int = 0
    open_interest: int = 0

    @property
    def mean(self) -> int | None:
        """Volume-weighted YES price, rounded half up; None without a trade."""
        return (2 * self.value + self.volume) // (2 * self.volume) if self.volume else None

    @property
    def last_price(self) -> int:
        """The last trade up to the end of the period, 0 for none."""
        return self.price.close if self.price else self.previous

    def then(self, later: Candle) -> Candle:
        """One candle for both, which ends where the later one ends."""
        prices = [one for one in (self.price, later.price) if one]
        return Candle(
            later.end,
            self.bid.then(later.bid),
            self.ask.then(later.ask),
            prices[0].then(prices[-1]) if prices else None,
            self.previous,
            self.volume + later.volume,
            self.value + later.value,
            later.open_interest,
        )


def period_end(ns: int, minutes: int) -> int:
    """The end of the period in which ``ns`` lies; a period owns its last moment."""
    return -(-ns // (minutes * MINUTE)) * minutes * MINUTE


def folded(candles: Iterable[Candle], minutes: int) -> list[Candle]:
    """Candles in order, put together into those of a longer period."""
    whole: list[Candle] = []
    for candle in candles:
        end = period_end(candle.end, minutes)
        if whole and whole[-1].end == end:
            whole[-1] = replace(whole[-1].then(candle), end=end)
        else:
            whole.append(replace(candle, end=end))
    return whole


class _Ladder:
    """The candles of one market: finished ones of each period, and the running one of each."""

    def __init__(self) -> None:
        self.bid, self.ask, self.last = 0, PRICE_ONE, 0
        self.finished: dict[int, deque[Candle]] = {one: deque(maxlen=most) for one, most in KEPT.items()}
        self.running: dict[int, Candle] = {}

    def minute(self, now: int) -> Candle:
        """The running minute at ``now``; opens one, and finishes the one before, where needed."""
        candle = self.running.get(1)
        if candle is not None:
            if now <= candle.end:  # time does not run back
                return candle
            self._finish(candle)
        bid, ask = self.bid, self.ask
        candle = Candle(
            period_end(now, 1), Span(bid, bid, bid, bid), Span(ask, ask, ask, ask), None, self.last
        )
        self.running[1] = candle
        return candle

    def _finish(self, candle: Candle) -> None:
        self.finished[1].append(candle)
        for minutes in (60, 1_440):
            running = [self.running[minutes]] if minutes in self.running else []
            *done, self.running[minutes] = folded([*running, candle], minutes)
            self.finished[minutes].extend(done)

    def read(self, minutes: int) -> list[Candle]:
        """Oldest first, the running one included."""
        running = [self.running[one] for one in sorted({minutes, 1}, reverse=True) if one in self.running]
        return [*self.finished[minutes], *folded(running, minutes)]


class Candles:
    """Listens to the venue."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._ladders: dict[str, _Ladder] = {}
        self._recent = Recent()
        venue.listeners.add(self._note_best, TickerChanged)
        venue.listeners.add(self._note_trade, Traded)
        venue.listeners.add(self._note_life, LifecycleChanged)

    def _note_life(self, changed: LifecycleChanged) -> None:
        if changed.event_type == "settled":
            for old in self._recent.push(changed.ticker):
                self._ladders.pop(old, None)

    def _ladder(self, ticker: str) -> _Ladder:
        ladder = self._ladders.get(ticker)
        if ladder is None:
            ladder = self._ladders[ticker] = _Ladder()
        return ladder

    def _note_best(self, changed: TickerChanged) -> None:
        ladder = self._ladder(changed.ticker)
        candle = ladder.minute(changed.now)
        tops = self._venue.best(changed.ticker)
        bid, ask = tops["bid"], tops["ask"]
        ladder.bid, ladder.ask = bid[0] if bid else 0, ask[0] if ask else PRICE_ONE
        candle.bid.widen(ladder.bid)
        candle.ask.widen(ladder.ask)
        candle.open_interest = self._venue.markets[changed.ticker].open_interest

    def _note_trade(self, trade: Traded) -> None:
        ladder = self._ladder(trade.ticker)
        candle = ladder.minute(trade.now)
        if candle.price is None:
            candle.price = Span(trade.price, trade.price, trade.price, trade.price)
        candle.price.widen(trade.price)
        candle.volume += trade.count
        candle.value += trade.count * trade.price
        candle.open_interest = self._venue.markets[trade.ticker].open_interest
        ladder.last = trade.price

    def read(self, ticker: str, minutes: int, low: int, high: int) -> list[Candle]:
        """Candles that end within ``low`` to ``high`` (ns, both inclusive), oldest first."""
        ladder = self._ladders.get(ticker)
        return [one for one in ladder.read(minutes) if low <= one.end <= high] if ladder else []

    def latest_before(self, ticker: str, minutes: int, low: int) -> Candle | None:
        """The newest candle that ends before ``low`` (ns), put forward to the first period end from there:
        prices flat at its close, no trade, nothing traded. None where there is no such candle."""
        earlier = self.read(ticker, minutes, 0, low - 1)
        if not earlier:
            return None
        bid, ask = earlier[-1].bid.close, earlier[-1].ask.close
        return Candle(
            period_end(low, minutes),
            Span(bid, bid, bid, bid),
            Span(ask, ask, ask, ask),
            None,
            earlier[-1].last_price,
            open_interest=earlier[-1].open_interest,
        )
