"""A small believable list of markets for the default run, with the crowd that trades them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime

from mm.sim.flow import Flow
from mm.sim.grids import price_ranges
from mm.sim.hidden import SECOND, Index
from mm.sim.regimes import REGIMES, Regime
from mm.sim.venue import Venue
from mm.sim.words import MONEY_ONE, Event, Market, Series

MINUTE = 60 * SECOND
HOUR = 60 * MINUTE

_INDEX = Series(
    "KXSIMINX", "Simulated stock index, hourly", "Financials", "hourly", "quadratic_with_maker_fees"
)
_COIN = Series("KXSIMBTC15M", "Simulated bitcoin, every 15 minutes", "Crypto", "fifteen_min", "quadratic")

# Measured: the S&P 500 moves 18.61 points in an hour (quoting notes, Q11): 18.61 / sqrt(3600 s).
_INDEX_SIGMA = 0.31
_INDEX_LEVEL = 5_000.0
_BIN_WIDTH = 20
# A fifteen-minute move of about a quarter of a percent.
_COIN_SIGMA = 6.0
_COIN_LEVEL = 80_000.0
_CENT = 0.01


@dataclass(frozen=True, slots=True)
class DemoWorld:
    """``tickers`` are all markets, open or still to open; ``flow`` is the crowd in them, ``programme`` lists
    new ones as these end. Both are turned like a crowd."""

    user_id: str
    tickers: list[str]
    flow: Flow
    programme: Programme


def demo_world(
    venue: Venue,
    seed: int,
    *,
    user_id: str = "demo",
    cash: int = 10_000 * MONEY_ONE,
    regime: Regime = REGIMES["index_hour"],
    whole_periods: bool = False,
) -> DemoWorld:
    """Two series, four events, eight markets: an hourly index as five mutually exclusive range bins (with
    maker fees) and as a threshold two hours out, and a coin every 15 minutes on a sub-cent grid.

    Adds the account ``user_id`` with ``cash``. Same seed and start, same world. ``whole_periods``: hours and
    quarters begin now, and not with those of the clock."""
    generator = random.Random(seed)
    venue.add_account(user_id, cash)
    builder = _Builder(venue, generator, regime)
    begin = venue.now if whole_periods else 0
    hour = _next(venue.now + 30 * MINUTE, HOUR, begin)  # at least half an hour away
    quarter = _next(venue.now + 5 * MINUTE, 15 * MINUTE, begin)
    venue.add_series(_INDEX)
    venue.add_series(_COIN)
    index = builder.index(_INDEX_LEVEL, _INDEX_SIGMA)
    builder.bins(index, hour)
    builder.threshold(_INDEX, index, hour + HOUR, "linear_cent", venue.now)
    coin = builder.index(_COIN_LEVEL, _COIN_SIGMA)
    builder.threshold(_COIN, coin, quarter, "tapered_deci_cent", venue.now)
    builder.threshold(_COIN, coin, quarter + 15 * MINUTE, "tapered_deci_cent", quarter)
    flow = Flow(venue, builder.tickers, generator, regime, indices=builder.indices)
    programme = Programme(builder, flow, index, hour, coin, quarter)
    return DemoWorld(user_id, builder.tickers, flow, programme)


def _next(moment: int, period: int, begin: int) -> int:
    """When the first period ends that ends at ``moment`` or later; one began at ``begin``."""
    return begin - (begin - moment) // period * period


class Programme:
    """What is listed next: a coin market every 15 minutes, bins and a threshold of the index every hour, so
    that something is open however long the exchange runs."""

    def __init__(
        self, builder: _Builder, flow: Flow, index: Index, hour: int, coin: Index, quarter: int
    ) -> None:
        self._builder, self._flow = builder, flow
        self._index, self._hour = index, hour
        self._coin, self._quarter = coin, quarter

    def next_wake(self) -> int:
        return min(self._hour, self._quarter)

    def wake(self, now: int) -> None:
        """List what is due; the venue's clock is there already."""
        known = len(self._builder.tickers)
        while self._quarter <= now:
            self._quarter += 15 * MINUTE
            self._coin.move(now)
            close = self._quarter + 15 * MINUTE
            self._builder.threshold(_COIN, self._coin, close, "tapered_deci_cent", self._quarter)
        while self._hour <= now:
            self._hour += HOUR
            self._index.move(now)
            self._builder.bins(self._index, self._hour)
            self._builder.threshold(_INDEX, self._index, self._hour + HOUR, "linear_cent", now)
        for ticker in self._builder.tickers[known:]:
            self._flow.add(ticker, self._builder.index_of(ticker))


class _Builder:
    def __init__(self, venue: Venue, generator: random.Random, regime: Regime) -> None:
        self._venue, self._random, self._regime = venue, generator, regime
        self.tickers: list[str] = []
        self.indices: dict[str, Index] = {}

    def index(self, level: float, sigma: float) -> Index:
        """One hidden level for all events of a series."""
        return Index(
            level,
            sigma,
            self._venue.now,
            self._random,
            jumps_per_hour=self._regime.jumps_per_hour,
            jump_seconds=self._regime.jump_seconds,
        )

    def index_of(self, ticker: str) -> Index:
        return self.indices[self._venue.markets[ticker].event_ticker]

    def bins(self, index: Index, close: int) -> None:
        """Five bins that cover every value once: below, three between, above."""
        event = self._event(_INDEX, index, f"{_stamp(close)}R", exclusive=True)
        middle = index.level + self._random.gauss(0.0, _BIN_WIDTH / 4)
        low = round(middle) - 1.5 * _BIN_WIDTH
        edges = [low + number * _BIN_WIDTH for number in range(4)]
        self._market(event, f"T{edges[0]:.0f}L", close, "less", None, edges[0] - _CENT)
        for floor in edges[:-1]:
            cap = floor + _BIN_WIDTH - _CENT
            self._market(event, f"B{floor + _BIN_WIDTH / 2:.0f}", close, "between", floor, cap)
        self._market(event, f"T{edges[-1]:.0f}", close, "greater_or_equal", edges[-1], None)

    def threshold(self, series: Series, index: Index, close: int, structure: str, opens: int) -> None:
        """One market: will the level be at or over a strike near the present one?"""
        event = self._event(series, index, _stamp(close), exclusive=False)
        strike = round(index.level + self._random.gauss(0.0, 10.0 * index.sigma), 2)
        self._market(
            event, f"{strike:.0f}", close, "greater_or_equal", strike, None, structure=structure, opens=opens
        )

    def _event(self, series: Series, index: Index, name: str, *, exclusive: bool) -> Event:
        event = Event(f"{series.ticker}-{name}", series.ticker, f"{series.title}, {name} UTC", exclusive)
        self._venue.add_event(event)
        self.indices[event.event_ticker] = index
        return event

    def _market(
        self,
        event: Event,
        suffix: str,
        close: int,
        strike_type: str,
        floor: float | None,
        cap: float | None,
        *,
        structure: str = "linear_cent",
        opens: int | None = None,
    ) -> None:
        ticker = f"{event.event_ticker}-{suffix}"
        market = Market(
            ticker,
            event.event_ticker,
            _uuid(self._random),
            f"{event.title}: {suffix}",
            self._venue.now if opens is None else opens,
            close,
            price_level_structure=structure,
            price_ranges=price_ranges(structure),
            floor_strike=floor,
            cap_strike=cap,
            strike_type=strike_type,
        )
        self._venue.add_market(market)
        self.tickers.append(ticker)


def _stamp(when: int) -> str:
    """26NOV211600 for 16:00 UTC on 21 November 2026: how the exchange writes times into tickers."""
    return datetime.fromtimestamp(when / SECOND, UTC).strftime("%y%b%d%H%M").upper()


def _uuid(generator: random.Random) -> str:
    digits = f"{generator.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"
