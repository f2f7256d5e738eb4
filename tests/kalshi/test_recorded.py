"""Recorded production frames, rebuilt through the codec: the book must be what the exchange said it was.

A ticker frame is compared with the book as it stood at some moment within 50 ms of exchange time around it.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mm.core.book import OrderBook
from mm.core.events import BookDelta, BookSnapshot, Ticker
from mm.core.units import MILLISECOND, Count, Nanos, Price
from mm.kalshi.codec import decode_frame

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
TOLERANCE: Nanos = 50 * MILLISECOND
Best = tuple[tuple[Price, Count] | None, tuple[Price, Count] | None]


def recorded(name: str) -> Iterator[tuple[Nanos, dict[str, Any]]]:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"the recorded data are not here: {name}")
    with gzip.open(path, "rt") as lines:
        for line in lines:
            row = json.loads(line)
            yield row["recv_ns"], row["frame"]


def best(book: OrderBook) -> Best:
    return book.best_bid(), book.best_ask()


def told(event: Ticker) -> Best:
    bid = (event.bid, event.bid_count) if event.bid_count else None
    return bid, (event.ask, event.ask_count) if event.ask_count else None


@pytest.mark.parametrize(
    ("name", "deltas", "tickers"),
    [
        ("kxbtc15m_26MAY130915_first120s.jsonl.gz", 7_870, 120),
        ("kxbtc15m_20260513T1259_3markets.jsonl.gz", 43_620, 860),
    ],
)
def test_the_rebuilt_book_equals_the_exchanges_own_tickers(name: str, deltas: int, tickers: int) -> None:
    books: dict[str, OrderBook] = {}
    history: dict[str, list[tuple[Nanos, Best]]] = {}
    said: list[Ticker] = []
    seen_deltas = 0
    for ts, frame in recorded(name):
        event = decode_frame(ts, json.dumps(frame), use_yes_price=False)
        if isinstance(event, Ticker):
            said.append(event)
        elif isinstance(event, BookSnapshot):
            book = books.setdefault(event.ticker, OrderBook())
            assert book.load(event.bids, event.asks)
        elif isinstance(event, BookDelta):
            seen_deltas += 1
            book = books[event.ticker]
            assert book.apply(event.side, event.price, event.change, event.is_own)
            moment = frame["msg"]["ts_ms"] * MILLISECOND
            history.setdefault(event.ticker, []).append((moment, best(book)))
    assert seen_deltas == deltas
    assert sum(agrees(event, history[event.ticker]) for event in said) == len(said) == tickers


def agrees(event: Ticker, history: list[tuple[Nanos, Best]]) -> bool:
    """Was the book at some moment near the ticker's own time what the ticker says?"""
    before = [state for moment, state in history if moment < event.exchange_ts - TOLERANCE][-1:]
    near = [state for moment, state in history if abs(moment - event.exchange_ts) <= TOLERANCE]
    return told(event) in before + near
