"""The crowd's members: makers with a lagged noisy estimate, noise takers, and takers who know.

Each `act` does one thing at one time and returns when it wants to act next, ``None`` for never.
"""

from __future__ import annotations

import math
import random
from typing import NamedTuple, Protocol, TypeAlias

from mm.sim.crowd import Crowd
from mm.sim.fees import FeeTerms
from mm.sim.grids import round_to_grid
from mm.sim.hidden import SECOND, Belief
from mm.sim.ledger import Account
from mm.sim.matching import Interest
from mm.sim.regimes import Regime
from mm.sim.words import COUNT_ONE, PRICE_ONE, BookSide, Market

CENT = 100


class Trader(Protocol):
    def act(self, now: int) -> int | None: ...


class Seat(NamedTuple):
    """Where a member sits: its way into the market, its account, what it may look at, its dice."""

    crowd: Crowd
    account: Account
    belief: Belief
    random: random.Random


_Slot: TypeAlias = tuple[BookSide, int]


def _slots(regime: Regime) -> tuple[dict[_Slot, float], dict[_Slot, int]]:
    """How far from fair each entry of a maker stands, in price units, and how much it is, as a count."""
    distances: dict[_Slot, float] = {}
    for level in range(regime.maker_levels):
        distance = (regime.maker_half_spread + level) * CENT
        distances["bid", level], distances["ask", level] = -distance, distance
    return distances, {slot: regime.maker_size * (1 + slot[1]) * COUNT_ONE for slot in distances}


class Maker:
    """Keeps a few levels on both sides around its estimate; what is eaten it replaces at the back."""

    def __init__(self, seat: Seat, regime: Regime) -> None:
        self._crowd, self._account, self._belief, self._random = seat
        self._regime = regime
        self._market = seat.belief.market
        self._error = self._random.gauss(0.0, regime.maker_noise)
        self._entries: dict[_Slot, Interest] = {}
        self._distances, self._sizes = _slots(regime)

    def act(self, now: int) -> int | None:
        if now >= self._market.close_ns:
            return None
        if self._crowd.is_open(self._market.ticker):
            self._requote(now)
        again = now + int(self._regime.requote_ns * self._random.uniform(0.5, 1.5))
        return again if again < self._market.close_ns else None

    def _requote(self, now: int) -> None:
        regime = self._regime
        keep = 1.0 - regime.maker_forgets
        fresh = math.sqrt(1.0 - keep * keep) * regime.maker_noise
        self._error = keep * self._error + self._random.gauss(0.0, fresh)
        fair = self._belief.lagged(now, regime.maker_lag_ns) * PRICE_ONE + self._error * CENT
        if self._random.random() < regime.flicker and self._entries:
            self._pull(self._random.choice(list(self._entries)))
        wanted = self._wanted(fair)
        # Everything that moves is pulled before anything is placed, so that a maker never meets itself.
        for slot, entry in list(self._entries.items()):
            if wanted.get(slot) != entry.price or 2 * entry.remaining < self._sizes[slot]:
                self._pull(slot)
        for slot, price in wanted.items():
            if slot not in self._entries:
                self._place(slot, price)

    def _wanted(self, fair: float) -> dict[_Slot, int]:
        """The price of each slot; none where it would be no price at all."""
        ranges, wanted = self._market.price_ranges, {}
        for slot, distance in self._distances.items():
            price = fair + distance
            if 0.0 < price < PRICE_ONE:
                wanted[slot] = round_to_grid(ranges, price, up=slot[0] == "ask")
        return wanted

    def _pull(self, slot: _Slot) -> None:
        self._crowd.withdraw(self._market.ticker, self._entries.pop(slot))

    def _place(self, slot: _Slot, price: int) -> None:
        """Makers only make: where the price would cross, they stay out."""
        side = slot[0]
        if self._crowd.book(self._market.ticker).crossing(side, price) is None:
            size = int(self._sizes[slot] * self._random.uniform(0.7, 1.3)) // COUNT_ONE * COUNT_ONE
            self._entries[slot] = self._crowd.rest(
                self._account, self._market.ticker, side, price, max(size, COUNT_ONE)
            )


class _Taker:
    """Arrives as a Poisson process and trades at most once an arrival."""

    def __init__(self, seat: Seat, *, rate: float, size: float) -> None:
        self._crowd, self._account, self._belief, self._random = seat
        self._rate, self._size = rate, size
        self._market: Market = seat.belief.market

    def act(self, now: int) -> int | None:
        if now >= self._market.close_ns:
            return None
        if self._crowd.is_open(self._market.ticker):
            self._arrive(now)
        again = now + self.pause()
        return again if again < self._market.close_ns else None

    def pause(self) -> int:
        """Time to the next arrival, ns."""
        return max(1, int(self._random.expovariate(self._rate) * SECOND))

    def _arrive(self, now: int) -> None:
        raise NotImplementedError

    def _take(self, side: BookSide, limit: float) -> None:
        """``limit`` in price units; off the grid is fine, it only decides how far to go. Who would pay a
        dollar or more, or sell for nothing or less, goes as far as there are prices."""
        price = min(math.floor(limit), PRICE_ONE - 1) if side == "bid" else max(math.ceil(limit), 1)
        if 0 < price < PRICE_ONE:
            count = (1 + int(self._random.expovariate(1.0 / self._size))) * COUNT_ONE
            self._crowd.take(self._account, self._market.ticker, side, price, count)


def draw_tolerance(dice: random.Random, tolerance_k: float) -> float:
    """How far from fair a noise taker goes, in the unit in which k is one over distance: it accepts a
    distance delta with probability e^(-k delta) (Avellaneda and Stoikov 2008, section 2.4)."""
    return dice.expovariate(tolerance_k)


class NoiseTaker(_Taker):
    """Wants to trade for reasons of its own, and pays up to an exponential tolerance from fair."""

    def __init__(self, seat: Seat, *, rate: float, size: float, tolerance_k: float, lag_ns: int) -> None:
        super().__init__(seat, rate=rate, size=size)
        self._tolerance_k, self._lag_ns = tolerance_k, lag_ns

    def _arrive(self, now: int) -> None:
        fair = self._belief.lagged(now, self._lag_ns) * PRICE_ONE
        tolerance = draw_tolerance(self._random, self._tolerance_k) * CENT
        if self._random.random() < 0.5:
            self._take("bid", fair + tolerance)
        else:
            self._take("ask", fair - tolerance)


class InformedTaker(_Taker):
    """Sees the hidden probability and trades whatever is wrong by more than the taker fee
    (Glosten and Milgrom 1985)."""

    def __init__(self, seat: Seat, *, rate: float, size: float, terms: FeeTerms) -> None:
        super().__init__(seat, rate=rate, size=size)
        self._terms = terms

    def _arrive(self, now: int) -> None:
        value = self._belief.now(now) * PRICE_ONE
        book = self._crowd.book(self._market.ticker)
        ask, bid = book.asks.best, book.bids.best
        fee = (
            self._terms.trade_fee(min(max(int(value), 1), PRICE_ONE - 1), COUNT_ONE, is_taker=True)
            / COUNT_ONE
        )
        if ask is not None and ask < value - fee:
            self._take("bid", value - fee)
        elif bid is not None and bid > value + fee:
            self._take("ask", value + fee)


class Referee:
    """Determines a market at its close, by the level of its index at that moment."""

    def __init__(self, determine: Determine, belief: Belief) -> None:
        self._determine, self._belief = determine, belief

    def act(self, now: int) -> int | None:
        market = self._belief.market
        if now < market.close_ns:  # the close has been moved
            return market.close_ns
        if market.status == "closed":
            self._belief.index.move(now)
            value = round(self._belief.index.level, 2)  # published with two decimals, as bins are bounded
            market.expiration_value = value
            self._determine(market.ticker, "yes" if self._belief.is_yes(value) else "no")
        return None


class Determine(Protocol):
    def __call__(self, ticker: str, result: str, /) -> None: ...
