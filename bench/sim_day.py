"""A day of the simulated exchange in virtual time: what its memory grows to, with a member who never stops.

Every second he takes one contract in some open market, and places another order that he cancels: 170,000
orders a day, more than a bot of many markets sends.
"""

from __future__ import annotations

import gc
import random

import psutil

from bench.measure import Row
from mm.sim.exchange import Exchange
from mm.sim.venue import Venue
from mm.sim.words import BookSide, OrderRequest, TimeInForce, VenueError
from mm.sim.world import demo_world

SECOND = 1_000_000_000
HOUR = 3_600
START = 1_790_596_800 * SECOND
HOURS = (1, 3, 6, 12, 18, 24)
CONTRACT = 100
RICH = 10**15
_SIDES: tuple[BookSide, BookSide] = ("bid", "ask")


class _Day:
    """The demo world with its crowd and the member."""

    def __init__(self) -> None:
        self.venue = Venue(seed=1, now=START)
        world = demo_world(self.venue, 1, cash=RICH)
        self._user_id, self._dice = world.user_id, random.Random(1)
        self._exchange = Exchange(self.venue, random=random.Random(1), read_lag_ns=SECOND // 3)
        self._exchange.crowds += [world.flow, world.programme]
        self._seconds = 0

    def live_until(self, seconds: int) -> None:
        """``seconds`` since the start."""
        for second in range(self._seconds, seconds):
            self._exchange.advance(START + second * SECOND)
            self._trade(f"{second}")
            self._exchange.flush()
        self._seconds = seconds

    def _trade(self, name: str) -> None:
        markets = self.venue.markets.values()
        ticker = self._dice.choice([one.ticker for one in markets if one.status == "active"])
        side = self._dice.choice(_SIDES)
        far, near = (100, 9_900) if side == "bid" else (9_900, 100)
        try:
            self._create(ticker, side, near, f"taken-{name}", "immediate_or_cancel")
            order_id = self._create(ticker, side, far, f"rested-{name}", "good_till_canceled")
            self.venue.cancel(self._user_id, order_id)
        except VenueError as error:
            assert error.status in (404, 409), error  # it crossed, or the market has closed

    def _create(self, ticker: str, side: BookSide, price: int, name: str, how: TimeInForce) -> str:
        request = OrderRequest(ticker, side, CONTRACT, price, how, "maker", client_order_id=name)
        return self.venue.create(self._user_id, request).order.order_id


def measure() -> list[Row]:
    """Resident memory of this process by the hour; the base is the first hour."""
    process, day = psutil.Process(), _Day()
    sizes: dict[int, float] = {}
    for hour in HOURS:
        day.live_until(hour * HOUR)
        gc.collect()
        sizes[hour] = process.memory_info().rss / 1e6
    base = sizes[HOURS[0]]
    return [_row(hour, size, base) for hour, size in sizes.items()]


def _row(hour: int, size: float, base: float) -> Row:
    ratio = size / base
    return Row("day", f"{hour} h, {7_200 * hour:,} orders", size, ratio, ratio, ratio, "1 h", unit="MB")
