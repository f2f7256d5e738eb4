"""What everything inside the venue shares: its clock, its books, its registers, and who listens."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable
from typing import TypeAlias

from mm.sim.fees import FeeTerms
from mm.sim.ledger import Account, Ledger
from mm.sim.listeners import Listeners
from mm.sim.matching import Book
from mm.sim.switches import Switches
from mm.sim.trade_log import TradeLog
from mm.sim.words import Event, Market, Order, Series, VenueError

TRADES_KEPT = 10_000
CRYPTO = "Crypto"

Timer: TypeAlias = Callable[[], None]


class Floor:
    """The trading floor: state without rules. Time is only ever moved by `run_timers`."""

    def __init__(self, seed: int, switches: Switches, now: int) -> None:
        self.now = now
        self.clock = 0  # of the exchange: counts its actions; what an action changes in a book carries it
        self.switches = switches
        self.random = random.Random(seed)
        self.ledger = Ledger(switches.total_traded)
        self.shards: dict[int, str] = {0: "the first shard"}  # by index, with a description
        if switches.crypto_shard:
            self.shards[switches.crypto_shard] = CRYPTO
        self.series: dict[str, Series] = {}
        self.events: dict[str, Event] = {}
        self.markets: dict[str, Market] = {}
        self.fee_terms: dict[str, FeeTerms] = {}
        self.books: dict[str, Book] = {}
        self.orders: dict[str, Order] = {}
        self.trades: dict[str, TradeLog] = {}
        self.listeners = Listeners()
        self.announce = self.listeners.tell
        lapse = switches.region_lapses_after_ns
        self.region_expires_ns = now + lapse if lapse else None  # None: no location was ever attested
        self.trading_active = True
        self.exchange_active = True
        self._timers: list[tuple[int, int, Timer]] = []
        self._timer_numbers = itertools.count()
        self._id_numbers = itertools.count(1)
        self._id_prefix = f"{self.random.getrandbits(32):08x}-{self.random.getrandbits(16):04x}-4000-8000"

    def begin(self) -> None:
        """One more action of the exchange: a request, an act of the crowd, a timer (AsyncAPI, ``clock``). To
        be called before anything changes; rather once too often, since clocks may skip."""
        self.clock += 1

    def new_id(self) -> str:
        """Shaped like a UUID; unique within the venue and the same for the same seed."""
        return self.id_of(self.new_number())

    def new_number(self) -> int:
        """What makes an id unique, for who keeps many of them."""
        return next(self._id_numbers)

    def id_of(self, number: int) -> str:
        return f"{self._id_prefix}-{number:012x}"

    def account(self, user_id: str) -> Account:
        account = self.ledger.accounts.get(user_id)
        if account is None:
            raise VenueError(404, "user_not_found")
        return account

    def market(self, ticker: str) -> Market:
        market = self.markets.get(ticker)
        if market is None:
            raise VenueError(404, "market_not_found")
        return market

    # -- time -----------------------------------------------------------------------------------------------
    def at(self, when: int, timer: Timer) -> None:
        """Run ``timer`` when the clock reaches ``when``; equal times run in the order they were set."""
        heapq.heappush(self._timers, (when, next(self._timer_numbers), timer))

    def next_timer(self) -> int | None:
        return self._timers[0][0] if self._timers else None

    def run_timers(self, now: int) -> None:
        """Move the clock to ``now``, each due timer at its own time. Raises ValueError if time ran back."""
        if now < self.now:
            raise ValueError(f"the venue's clock is at {self.now} and cannot go back to {now}")
        while self._timers and self._timers[0][0] <= now:
            when, _, timer = heapq.heappop(self._timers)
            self.now = max(self.now, when)
            self.begin()
            timer()
        self.now = now
