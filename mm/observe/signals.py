"""A market maker's signal: its strategy begins to want quotes in a market, or wants none any more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from mm.core.picture import MarketDecision
from mm.core.strategy import Quote
from mm.core.units import SECOND, Nanos, Side
from mm.observe.plain import dollars, opinion

# A strategy that cannot make up its mind is not worth a line at every Tick.
QUIET_FOR: Final[Nanos] = 5 * SECOND
FIRST_ROOM: Final = 256
Word = tuple[str, MarketDecision]


class Signals:
    """Remembers for each market what was said last, and when."""

    def __init__(self) -> None:
        self._said: dict[str, tuple[bool, Nanos]] = {}
        self._room = FIRST_ROOM

    def of(self, ts: Nanos, decisions: Iterable[MarketDecision]) -> Iterator[Word]:
        """The decisions that are news: ``signal_generated`` or ``signal_withdrawn``."""
        for decision in decisions:
            wants = bool(decision.wanted)
            before, at = self._said.get(decision.ticker, (False, ts - QUIET_FOR))
            if wants is not before and ts - at >= QUIET_FOR:
                self._said[decision.ticker] = (wants, ts)
                if len(self._said) > self._room:
                    self._forget(ts)
                yield "signal_generated" if wants else "signal_withdrawn", decision

    def _forget(self, ts: Nanos) -> None:
        """A market that has been without a wish for a while is like one that never had any."""
        self._said = {
            ticker: (wants, at) for ticker, (wants, at) in self._said.items() if wants or ts - at < QUIET_FOR
        }
        self._room = max(FIRST_ROOM, 2 * len(self._said))


def fields_of(decision: MarketDecision) -> dict[str, Any]:
    return {
        "market_id": decision.ticker,
        "mid_price": opinion(decision.mid),
        "fair_price": opinion(decision.fair),
        "bid_price": _best(decision.wanted, Side.BID),
        "ask_price": _best(decision.wanted, Side.ASK),
        "note": decision.note,
    }


def _best(quotes: Iterable[Quote], side: Side) -> float | None:
    prices = [side.sign * quote.price for quote in quotes if quote.side is side]
    return dollars(side.sign * max(prices)) if prices else None
