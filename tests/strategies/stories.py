"""What the stories of the strategies share: reading a decision like a ladder, and having watched a market."""

from __future__ import annotations

from mm.core.strategy import Decision, Strategy
from mm.core.units import CENT, CONTRACT, Side
from tests.ladders import view


def quoted(decision: Decision) -> str:
    """``"56:10 | 60:10"``: the quotes as the text of a ladder."""
    sides = {
        side: " ".join(
            f"{quote.price / CENT:g}:{quote.count / CONTRACT:g}"
            for quote in decision.quotes
            if quote.side is side
        )
        for side in Side
    }
    return f"{sides[Side.BID]} | {sides[Side.ASK]}".strip()


def having_watched(strategy: Strategy, text: str, until_seconds: float) -> None:
    """Let the strategy see a book that does not move, once a second, from 0 up to ``until_seconds``."""
    for second in range(int(until_seconds) + 1):
        strategy.quotes(view(text, at_seconds=second))
