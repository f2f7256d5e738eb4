"""Plays recorded markets into the venue at a chosen speed, with times shifted to the venue's clock."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping

from mm.sim.grids import price_ranges
from mm.sim.lifecycle import settles_yes
from mm.sim.recording import SECOND, RecordedMarket, RecordingError, Step, Tape
from mm.sim.tape_market import QueueModel, TapeMarket
from mm.sim.venue import Venue
from mm.sim.words import PRICE_ONE, Event, Market, Series

NEVER = 2**63 - 1
TAPE_USER = "crowd-tape"
_NEXT_BEGINS_WITHIN = 300 * SECOND  # recorders subscribe to the next market around the close of this one
__all__ = ["NEVER", "RecordingError", "Tape", "TapePlayer"]


class TapePlayer:
    """Adds the recorded markets (with series and events) to the venue and is everybody else in them.

    The recording starts at the venue's present time and runs ``speed`` times as fast; openings and closes
    shift with it. A market opens with its first frame. At its close it is determined by the official value
    in ``settlement_values`` (by ticker), else by the one on the tape: these markets are struck at the
    settlement of the one before, so it is the strike of the next market of the series. Value >= strike
    means yes. Without either, the last traded price decides: yes from 50 cents. The owner moves the venue's
    clock (`Venue.advance`) before it calls `wake`. Raises ValueError for a speed that is not positive."""

    def __init__(
        self,
        venue: Venue,
        tape: Tape,
        speed: float,
        queue_model: QueueModel,
        generator: random.Random,
        *,
        fee_type: str = "quadratic",
        settlement_values: Mapping[str, float] | None = None,
    ) -> None:
        if not speed > 0:
            raise ValueError(f"speed must be positive, not {speed}")
        self._venue, self._tape, self._speed = venue, tape, speed
        self._start, self._tape_start = venue.now, tape.start
        self._fee_type = fee_type
        account = venue.crowd.join(TAPE_USER)
        self.players: dict[str, TapeMarket] = {}
        for recorded in tape.markets.values():
            self._add_market(recorded)
            player = TapeMarket(venue.crowd, account, recorded, queue_model, generator)
            self.players[recorded.ticker] = player
        self._values = _settlement_values(tape) | dict(settlement_values or {})
        self._steps = self._schedule()
        self._next = 0

    def next_wake(self) -> int:
        """When the record next has something to say; NEVER at its end."""
        return self._steps[self._next][0] if self._next < len(self._steps) else NEVER

    def wake(self, now: int) -> None:
        """Play every step whose time has come."""
        while self._next < len(self._steps) and self._steps[self._next][0] <= now:
            _, ticker, step = self._steps[self._next]
            self._next += 1
            if step is None:
                self._determine(self._tape.markets[ticker])
            else:
                self.players[ticker].play(step)

    def venue_time(self, recorded_ns: int) -> int:
        """Where a moment of the record falls on the venue's clock."""
        return self._start + round((recorded_ns - self._tape_start) / self._speed)

    def _schedule(self) -> list[tuple[int, str, Step | None]]:
        """All markets' steps merged in time order, and each market's close (``None``)."""
        steps: list[tuple[int, str, Step | None]] = []
        for ticker, recorded in self._tape.markets.items():
            steps.extend((self.venue_time(step.when), ticker, step) for step in recorded.steps)
            steps.append((self.venue_time(recorded.close_ns), ticker, None))
        steps.sort(key=lambda one: one[0])
        return steps

    def _add_market(self, recorded: RecordedMarket) -> None:
        ticker = recorded.ticker
        series, event = _series(ticker), ticker.rpartition("-")[0] or ticker
        if series not in self._venue.series:
            self._venue.add_series(Series(series, f"{series} (recorded)", fee_type=self._fee_type))
        if event not in self._venue.events:
            self._venue.add_event(Event(event, series, f"{event} (recorded)"))
        structure = recorded.price_level_structure()
        market = Market(
            ticker,
            event,
            f"recorded-{ticker}",
            ticker,
            self.venue_time(recorded.steps[0].when),
            self.venue_time(recorded.close_ns),
            price_level_structure=structure,
            price_ranges=price_ranges(structure),
            floor_strike=recorded.strike,
            strike_type="greater_or_equal",
        )
        self._venue.add_market(market)

    def _determine(self, recorded: RecordedMarket) -> None:
        market = self._venue.markets[recorded.ticker]
        if market.status != "closed":
            return
        value = self._values.get(recorded.ticker)
        if value is not None and recorded.strike is not None:
            market.expiration_value = value
            is_yes = settles_yes(market, value)
        else:
            is_yes = 2 * market.last_price >= PRICE_ONE
        self._venue.determine(recorded.ticker, "yes" if is_yes else "no")


def _settlement_values(tape: Tape) -> dict[str, float]:
    """A market's settlement value is the strike of the market of its series that begins as it ends."""
    values: dict[str, float] = {}
    for series in sorted({_series(ticker) for ticker in tape.markets}):
        chain = [market for ticker, market in tape.markets.items() if _series(ticker) == series]
        chain.sort(key=lambda market: market.close_ns)
        for market, following in itertools.pairwise(chain):
            gap = abs(following.steps[0].when - market.close_ns)
            if following.strike is not None and gap < _NEXT_BEGINS_WITHIN:
                values[market.ticker] = following.strike
    return values


def _series(ticker: str) -> str:
    return ticker.split("-")[0]
