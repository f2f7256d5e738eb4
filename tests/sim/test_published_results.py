"""Recorded settlement values and the exchange's own results, through what determines markets here."""

from __future__ import annotations

import csv
import gzip
import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from mm.sim.hidden import Belief, Index
from mm.sim.lifecycle import settles_yes
from mm.sim.recording import RecordedMarket, SnapshotStep
from mm.sim.tape import NEVER, Tape, TapePlayer
from mm.sim.traders import Referee
from mm.sim.venue import Venue
from mm.sim.words import Event, Market, Series
from tests.sim.stories import HOUR, SECOND

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
STRIKES = "kxbtc15m_settlements_2026-05.csv"
LADDERS = "kxbtc_kxeth_hourly_ladders_2026-07.jsonl.gz"


class Settled(NamedTuple):
    """A market of the record: its bounds, the official value, and the official result."""

    ticker: str
    floor: float | None
    cap: float | None
    value: float
    result: str


def recorded(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"the record {name} is not beside the repository (../shared/data)")
    return path


def strike_markets() -> Iterator[Settled]:
    with recorded(STRIKES).open(newline="") as lines:
        for row in csv.DictReader(lines):
            value = float(row["settlement_price"])
            yield Settled(row["market_ticker"], float(row["strike"]), None, value, row["result"])


def ladders() -> dict[str, list[Settled]]:
    """The bins of each event, by all of its captures."""
    events: dict[str, dict[str, Settled]] = {}
    with gzip.open(recorded(LADDERS)) as lines:
        for line in lines:
            capture = msgspec.json.decode(line)
            bins = events.setdefault(capture["event"], {})
            for name, floor, cap, *_ in capture["bins"]:
                ticker = f"{capture['event']}-{name}"
                result = "yes" if name == capture["win"] else "no"
                bins[ticker] = Settled(ticker, floor, cap, capture["settle"], result)
    return {event: list(bins.values()) for event, bins in events.items()}


def refereed(settled: list[Settled]) -> dict[str, str]:
    """Each market on a venue of its own listing, closed and determined by the crowd's referee."""
    venue = Venue(seed=1)
    venue.add_series(Series("KX", "Recorded"))
    venue.add_event(Event("KX-1", "KX", "Recorded"))
    for one in settled:
        market = Market(
            one.ticker, "KX-1", one.ticker, one.ticker, 0, HOUR, floor_strike=one.floor, cap_strike=one.cap
        )
        venue.add_market(market)
    venue.advance(HOUR)
    for one in settled:
        index = Index(one.value, 1.0, HOUR, random.Random(1))  # it is the close: the level moves no more
        assert Referee(venue.determine, Belief(venue.markets[one.ticker], index)).act(HOUR) is None
    assert all(venue.markets[one.ticker].expiration_value == one.value for one in settled)
    return {one.ticker: venue.markets[one.ticker].result for one in settled}


def official(settled: list[Settled]) -> dict[str, str]:
    return {one.ticker: one.result for one in settled}


def test_198_strike_markets_end_as_the_exchange_said() -> None:
    settled = list(strike_markets())
    assert len(official(settled)) == 198
    assert set(official(settled).values()) == {"yes", "no"}
    assert refereed(settled) == official(settled)


def test_the_tape_ends_them_so_too() -> None:
    settled = list(strike_markets())
    tape = Tape({one.ticker: _one_quote(one) for one in settled})
    venue = Venue(seed=1, now=10**18)
    values = {one.ticker: one.value for one in settled}
    player = TapePlayer(venue, tape, 1.0, "proportional", random.Random(1), settlement_values=values)
    while player.next_wake() != NEVER:
        venue.advance(player.next_wake())
        player.wake(venue.now)
    assert {ticker: market.result for ticker, market in venue.markets.items()} == official(settled)


def _one_quote(settled: Settled) -> RecordedMarket:
    book = SnapshotStep(SECOND, {4_900: 100}, {5_100: 100})
    return RecordedMarket(settled.ticker, 2 * SECOND, settled.floor, [book])


def test_the_winning_bins_of_518_hours_are_the_exchanges() -> None:
    events = ladders()
    settled = [one for bins in events.values() for one in bins]
    assert (len(events), len(settled)) == (518, 15_853)
    assert [sum(one.result == "yes" for one in bins) for bins in events.values()] == [1] * 518
    assert refereed(settled) == official(settled)


@pytest.mark.parametrize(
    ("floor", "cap", "value", "is_yes"),
    [
        (100.0, None, 100.0, True),
        (100.0, None, 99.99, False),
        (None, 100.0, 100.0, True),
        (None, 100.0, 100.01, False),
        (100.0, 199.99, 100.0, True),
        (100.0, 199.99, 199.99, True),
        (100.0, 199.99, 99.99, False),
        (100.0, 199.99, 200.0, False),
        (None, None, 0.0, True),
        (None, None, -0.01, False),
    ],
)
def test_both_bounds_belong_to_yes(
    floor: float | None, cap: float | None, value: float, is_yes: bool
) -> None:
    market = Market("M", "E", "id", "m", 0, HOUR, floor_strike=floor, cap_strike=cap)
    assert settles_yes(market, value) is is_yes
