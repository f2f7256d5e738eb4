"""Many markets that are always busy: what a client, and the exchange itself, must bear.

Nobody in here believes anything. Members of the crowd put up, shrink, pull and take entries at a given rate,
spread evenly over all markets; each of these acts changes one level of one book.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from mm.sim.matching import Interest
from mm.sim.venue import Venue
from mm.sim.words import COUNT_ONE, MONEY_ONE, PRICE_ONE, BookSide, Event, Market, Series

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
# Acts are done in pulses: a thousand a second would wake the exchange a thousand times.
PULSE = 2_000_000
_SERIES = Series("KXSIMLOAD", "Simulated load", "Crypto", "daily", "quadratic")
_MARKETS_AN_EVENT = 50
_LEVELS = 8
_CENT = 100
_LOWEST, _HIGHEST = 20 * _CENT, 80 * _CENT  # the middle of a book stays in between
_MOST_CONTRACTS = 200
# Chances of one act: the middle moves a cent; somebody takes from the best; an entry shrinks, else it goes.
_MOVES, _TAKES, _SHRINKS = 0.02, 0.03, 0.5
_SIDES: tuple[BookSide, BookSide] = ("bid", "ask")


class LoadMarket:
    """One book: eight entries a side around a middle that wanders."""

    __slots__ = ("entries", "middle", "ticker")

    def __init__(self, ticker: str, middle: int) -> None:
        self.ticker = ticker
        self.middle = middle
        self.entries: dict[tuple[BookSide, int], Interest] = {}


class Load:
    """``rate`` acts a second in all; 0: the books stand still. Turned like a crowd.

    The owner moves the venue's clock before it calls `wake`. A market ends at its close, by its middle."""

    def __init__(self, venue: Venue, tickers: Sequence[str], rate: int, generator: random.Random) -> None:
        self._crowd, self._venue, self._random, self._rate = venue.crowd, venue, generator, rate
        self._makers = venue.crowd.join("load-makers")
        self._takers = venue.crowd.join("load-takers")
        self._began = self._wake_at = venue.now
        self._done = 0
        self._close = max(venue.markets[ticker].close_ns for ticker in tickers)
        middles = range(_LOWEST, _HIGHEST + 1, _CENT)
        self.markets = [LoadMarket(ticker, generator.choice(middles)) for ticker in tickers]
        for market in self.markets:
            for level in range(_LEVELS):
                for side in _SIDES:
                    self._place(market, (side, level))

    def next_wake(self) -> int:
        return self._wake_at if self._rate and self._wake_at < self._close else self._close

    def wake(self, now: int) -> None:
        """Do what is due until ``now`` (ns); at the close, determine every market."""
        if now >= self._close:
            self._end()
            return
        due = (now - self._began) * self._rate // SECOND
        for _ in range(due - self._done):
            self._act(self._random.choice(self.markets))
        self._done = due
        self._wake_at = now + PULSE

    def _act(self, market: LoadMarket) -> None:
        if not self._crowd.is_open(market.ticker):
            return
        dice = self._random.random()
        if dice < _MOVES:
            step = self._random.choice((-_CENT, _CENT))
            market.middle = min(max(market.middle + step, _LOWEST), _HIGHEST)
        elif dice < _MOVES + _TAKES:
            side = self._random.choice(_SIDES)
            worst = PRICE_ONE - 1 if side == "bid" else 1
            self._crowd.take(self._takers, market.ticker, side, worst, COUNT_ONE)
            return
        self._change(market, (self._random.choice(_SIDES), self._random.randrange(_LEVELS)))

    def _change(self, market: LoadMarket, slot: tuple[BookSide, int]) -> None:
        """One entry comes, shrinks or goes."""
        entry = market.entries.get(slot)
        if entry is None or not entry.remaining:
            self._place(market, slot)
        elif entry.remaining > COUNT_ONE and self._random.random() < _SHRINKS:
            contracts = entry.remaining // COUNT_ONE
            self._crowd.lessen(market.ticker, entry, max(1, contracts // 2) * COUNT_ONE)
        else:
            self._crowd.withdraw(market.ticker, market.entries.pop(slot))

    def _place(self, market: LoadMarket, slot: tuple[BookSide, int]) -> None:
        """Where the middle has moved past what still rests, this trades."""
        side, level = slot
        away = (level + 1) * _CENT
        price = market.middle - away if side == "bid" else market.middle + away
        count = self._random.randint(1, _MOST_CONTRACTS) * COUNT_ONE
        market.entries[slot] = self._crowd.rest(self._makers, market.ticker, side, price, count)

    def _end(self) -> None:
        self._close = self._wake_at = 2**63 - 1
        for market in self.markets:
            if self._venue.markets[market.ticker].status == "closed":
                self._venue.determine(market.ticker, "yes" if market.middle >= PRICE_ONE // 2 else "no")


def load_world(
    venue: Venue, seed: int, markets: int, rate: int, *, user_id: str, cash: int = 10_000 * MONEY_ONE
) -> Load:
    """``markets`` markets of one series, 50 an event, open for a day; adds the account ``user_id`` with
    ``cash``. Same seed and start, same world."""
    generator = random.Random(seed)
    venue.add_account(user_id, cash)
    venue.add_series(_SERIES)
    tickers = [_list_market(venue, generator, number) for number in range(markets)]
    return Load(venue, tickers, rate, generator)


def _list_market(venue: Venue, generator: random.Random, number: int) -> str:
    event_ticker = f"{_SERIES.ticker}-E{number // _MARKETS_AN_EVENT + 1:03d}"
    if event_ticker not in venue.events:
        venue.add_event(Event(event_ticker, _SERIES.ticker, f"{_SERIES.title} {event_ticker[-4:]}"))
    strike = number % _MARKETS_AN_EVENT + 1
    ticker = f"{event_ticker}-T{strike}"
    market_id = f"{generator.getrandbits(32):08x}-0000-4000-8000-{number:012x}"
    title, close = f"{event_ticker[-4:]}: at least {strike}", venue.now + DAY
    market = Market(ticker, event_ticker, market_id, title, venue.now, close, floor_strike=float(strike))
    venue.add_market(market)
    return ticker
