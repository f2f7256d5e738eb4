"""Reads recorded order-book frames into steps, in order of the exchange's own time."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from mm.sim.grids import is_on_grid, price_ranges
from mm.sim.words import COUNT_ONE, PRICE_ONE, BookSide

SECOND = 1_000_000_000
MILLISECOND = 1_000_000
_GRIDS_COARSE_TO_FINE = ("linear_cent", "tapered_deci_cent", "deci_cent", "center_centi_edge_centi_cent")


class RecordingError(Exception):
    """A recording that cannot be used; the message names the file and, where there is one, the line."""


@dataclass(frozen=True, slots=True)
class SnapshotStep:
    """The whole book: YES price -> count."""

    when: int
    bids: dict[int, int]
    asks: dict[int, int]


@dataclass(frozen=True, slots=True)
class DeltaStep:
    when: int
    side: BookSide
    price: int
    change: int


@dataclass(frozen=True, slots=True)
class TickerStep:
    """The exchange's own summary: (price, size) of both best levels, size 0 for an empty side."""

    when: int
    price: int
    volume: int
    bid: tuple[int, int]
    ask: tuple[int, int]


@dataclass(frozen=True, slots=True)
class TradeStep:
    when: int
    price: int
    count: int
    taker_side: BookSide


Step: TypeAlias = SnapshotStep | DeltaStep | TickerStep | TradeStep


@dataclass(slots=True)
class RecordedMarket:
    """One market's steps, in time order; times are the exchange's, ns since the Unix epoch."""

    ticker: str
    close_ns: int = 0
    strike: float | None = None
    steps: list[Step] = field(default_factory=list)

    @property
    def has_trades(self) -> bool:
        return any(isinstance(step, TradeStep) for step in self.steps)

    def price_level_structure(self) -> str:
        """The coarsest named grid that holds every price recorded."""
        prices = self._prices()
        for name in _GRIDS_COARSE_TO_FINE:
            ranges = price_ranges(name)
            if all(is_on_grid(ranges, price) for price in prices):
                return name
        raise RecordingError(f"{self.ticker}: prices outside of 0 to 1 dollar")

    def _prices(self) -> set[int]:
        prices: set[int] = set()
        for step in self.steps:
            if isinstance(step, DeltaStep):
                prices.add(step.price)
            elif isinstance(step, SnapshotStep):
                prices.update(step.bids, step.asks)
        return prices


@dataclass(slots=True)
class Tape:
    """A recording of one or more markets, in the order in which they appear."""

    markets: dict[str, RecordedMarket]

    @property
    def start(self) -> int:
        return min(market.steps[0].when for market in self.markets.values())

    @property
    def end(self) -> int:
        return max(market.steps[-1].when for market in self.markets.values())

    @classmethod
    def load(cls, path: Path | str) -> Tape:
        """Reads gzipped lines ``{"recv_ns": ..., "frame": {...}}`` with frames orderbook_snapshot,
        orderbook_delta, ticker, trade and x_watch_market; other types are skipped.

        Raises RecordingError for a missing, damaged or empty file, with the line where there is one."""
        markets: dict[str, RecordedMarket] = {}
        for number, frame in _frames(Path(path)):
            try:
                _add(markets, frame)
            except (KeyError, ValueError, TypeError) as error:
                raise RecordingError(f"{path}:{number}: {type(error).__name__}: {error}") from error
        used = {ticker: market for ticker, market in markets.items() if market.steps}
        if not used:
            raise RecordingError(f"{path}: no order-book frames")
        for market in used.values():
            _finish(market)
        return cls(used)


def _frames(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    number = 0
    try:
        with gzip.open(path, "rb") as lines:
            for number, line in enumerate(lines, 1):
                yield number, msgspec.json.decode(line)["frame"]
    except (OSError, EOFError, zlib.error) as error:
        raise RecordingError(f"{path}: {error}") from error
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise RecordingError(f"{path}:{number}: {error}") from error


def _add(markets: dict[str, RecordedMarket], frame: dict[str, Any]) -> None:
    read = _READERS.get(frame["type"])
    if read is None:
        return
    message = frame["msg"]
    ticker = message["market_ticker"]
    read(markets.setdefault(ticker, RecordedMarket(ticker)), message)


def _read_watch(market: RecordedMarket, message: dict[str, Any]) -> None:
    close = message["close_time"]
    market.close_ns = int(_rfc3339(close)) * SECOND
    market.strike = message.get("strike")


def _read_snapshot(market: RecordedMarket, message: dict[str, Any]) -> None:
    bids = {_price(price): _count(count) for price, count in message.get("yes_dollars_fp", [])}
    asks = {PRICE_ONE - _price(price): _count(count) for price, count in message.get("no_dollars_fp", [])}
    when = market.steps[-1].when if market.steps else 0  # snapshots carry no time: it is that of the stream
    market.steps.append(SnapshotStep(when, bids, asks))


def _read_delta(market: RecordedMarket, message: dict[str, Any]) -> None:
    price, change = _price(message["price_dollars"]), _count(message["delta_fp"])
    when = _nanos(message["ts_ms"], message.get("ts", ""))
    if message["side"] == "yes":
        market.steps.append(DeltaStep(when, "bid", price, change))
    else:
        market.steps.append(DeltaStep(when, "ask", PRICE_ONE - price, change))


def _read_ticker(market: RecordedMarket, message: dict[str, Any]) -> None:
    market.steps.append(
        TickerStep(
            _nanos(message["ts_ms"], message.get("time", "")),
            _price(message["price_dollars"]),
            _count(message["volume_fp"]),
            (_price(message["yes_bid_dollars"]), _count(message["yes_bid_size_fp"])),
            (_price(message["yes_ask_dollars"]), _count(message["yes_ask_size_fp"])),
        )
    )


def _read_trade(market: RecordedMarket, message: dict[str, Any]) -> None:
    taker = message.get("taker_outcome_side") or message["taker_side"]
    side: BookSide = "bid" if taker == "yes" else "ask"
    price, count = _price(message["yes_price_dollars"]), _count(message["count_fp"])
    market.steps.append(TradeStep(_nanos(message["ts_ms"], ""), price, count, side))


_READERS = {
    "x_watch_market": _read_watch,
    "orderbook_snapshot": _read_snapshot,
    "orderbook_delta": _read_delta,
    "ticker": _read_ticker,
    "trade": _read_trade,
}


def _finish(market: RecordedMarket) -> None:
    """Date a leading snapshot by what follows it, and order by exchange time: frames of different
    channels arrive out of step with each other, but in step within a channel."""
    first = market.steps[0]
    if isinstance(first, SnapshotStep) and first.when == 0:
        later = [step.when for step in market.steps if step.when]
        when = min(later) if later else market.close_ns
        market.steps[0] = SnapshotStep(when, first.bids, first.asks)
    market.steps.sort(key=lambda step: step.when)
    market.close_ns = market.close_ns or market.steps[-1].when


def _price(text: str) -> int:
    return _fixed(text, PRICE_ONE, 4)


def _count(text: str) -> int:
    return _fixed(text, COUNT_ONE, 2)


def _fixed(text: str, one: int, decimals: int) -> int:
    """Exact: "-67.5" with two decimals is -6,750. Raises ValueError for more decimals than there may be."""
    whole, _, fraction = text.removeprefix("-").partition(".")
    if len(fraction) > decimals:
        raise ValueError(f"{text!r} has more than {decimals} decimals")
    size = int(whole) * one + int(fraction.ljust(decimals, "0"))
    return -size if text.startswith("-") else size


def _nanos(ts_ms: int, text: str) -> int:
    """Exchange time; where the text form is there, to the microsecond."""
    _, dot, fraction = text.removesuffix("Z").partition(".")
    if not dot:
        return ts_ms * MILLISECOND
    return ts_ms // 1000 * SECOND + int(fraction.ljust(9, "0")[:9])


def _rfc3339(text: str) -> float:
    """Seconds since the Unix epoch."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
