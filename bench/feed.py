"""What one order book message of the feed costs, from its text to the engine's book, floor by floor."""

from __future__ import annotations

import json
from collections.abc import Sequence

from bench.desk import QuotingDesk
from bench.market import TICKER, Ladder, deltas, ladder
from bench.measure import Case, Row, Spent, compare
from mm.core.events import BookDelta, Levels
from mm.core.units import Side, count_text, price_text
from mm.kalshi import wire
from mm.kalshi.session import Session

CHANGES = 5_000
LEVELS = 20
BOOK_SID = 1


def _frame(kind: str, sid: int, seq: int, msg: dict[str, object]) -> str:
    return json.dumps({"type": kind, "sid": sid, "seq": seq, "msg": msg}) + "\n"


def _text(change: BookDelta, seq: int) -> str:
    """With every field that the exchange writes (protocol section 10.3)."""
    msg: dict[str, object] = {
        "market_ticker": TICKER,
        "market_id": "0b2c7a52-7a0d-4d51-9d3b-52a3a7a3a111",
        "clock": seq,
        "price_dollars": price_text(change.price),
        "delta_fp": ("-" if change.change < 0 else "") + count_text(abs(change.change)),
        "side": "yes" if change.side is Side.BID else "no",
        "ts": "2026-11-21T03:15:05.123456Z",
        "ts_ms": 1_795_230_905_123,
    }
    return _frame("orderbook_delta", BOOK_SID, seq, msg)


def _levels(levels: Levels) -> list[list[str]]:
    return [[price_text(price), count_text(count)] for price, count in reversed(levels)]


def _session(start: Ladder) -> Session:
    """Connected, subscribed, with the market's first snapshot."""
    session = Session([TICKER], lambda: 0.5)
    for text in session.connected(0):
        command = json.loads(text)
        channel = command["params"]["channels"][0]
        sid = BOOK_SID if channel == "orderbook_delta" else BOOK_SID + command["id"]
        answer = {"id": command["id"], "type": "subscribed", "msg": {"channel": channel, "sid": sid}}
        session.receive(0, json.dumps(answer))
    book: dict[str, object] = {
        "market_ticker": TICKER,
        "yes_dollars_fp": _levels(start.bids),
        "no_dollars_fp": _levels(start.asks),
    }
    events = session.receive(0, _frame("orderbook_snapshot", BOOK_SID, 1, book))
    assert session.is_up and len(events) == 1, "the book is known"
    return session


def _parse_only(texts: Sequence[str]) -> Case:
    def case(spent: Spent) -> None:
        with spent.on(len(texts)):
            for text in texts:
                json.loads(text)

    return case


def _decode(texts: Sequence[str]) -> Case:
    def case(spent: Spent) -> None:
        with spent.on(len(texts)):
            for text in texts:
                wire.parse_frame(text)

    return case


def _to_events(start: Ladder, texts: Sequence[str]) -> Case:
    def case(spent: Spent) -> None:
        session = _session(start)
        with spent.on(len(texts)):
            for text in texts:
                session.receive(0, text)
        assert not session.stats.bad and not session.stats.gaps, "every frame was read"

    return case


def _to_engine(start: Ladder, texts: Sequence[str]) -> Case:
    def case(spent: Spent) -> None:
        session, desk = _session(start), QuotingDesk([TICKER], start)
        engine, now = desk.engine, desk.now
        with spent.on(len(texts)):
            for text in texts:
                for event in session.receive(now, text):
                    engine.on_event(event)
        assert engine.know.markets[TICKER].book.in_sync, "every change was possible"

    return case


def measure() -> list[Row]:
    """The base is the standard library's parser alone."""
    start = ladder(LEVELS)
    texts = [_text(change, seq) for seq, change in enumerate(deltas(start, CHANGES), start=2)]
    cases = {
        "json.loads alone": _parse_only(texts),
        "decode": _decode(texts),
        "decode, session": _to_events(start, texts),
        "decode, session, engine": _to_engine(start, texts),
    }
    return compare("feed", cases, "json.loads alone")
