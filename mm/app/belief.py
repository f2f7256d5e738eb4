"""Whether what a look at the exchange found is news to the engine: compared is what the engine believes,
because it learns from the stream too, whose messages may be lost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from mm.core.events import MarketStatus
from mm.core.market import Market
from mm.core.units import SECOND, Nanos

# The engine's own market; ``None``: it has none of this name.
Believed: TypeAlias = Callable[[str], Market | None]
# What a listing and a market have in common; the rest of a listing are prices.
TERMS: Final = ("state", "event_ticker", "close_ts", "grid", "fees", "settlement_value")
# By how much reads may be behind the stream (protocol section 5.8: about a second has been seen).
READS_TRAIL: Final[Nanos] = 3 * SECOND


def is_news(found: MarketStatus, market: Market, began: Nanos) -> bool:
    """Whether the engine has to hear of it. ``began``: when the look began; who was told something since, or
    shortly before, may know better than the look, so the next one decides."""
    return market.learned_at <= began - READS_TRAIL and differs(found, market)


def differs(found: MarketStatus, market: Market) -> bool:
    """In anything that ``found`` says."""
    if found.terms_unknown and not market.terms_unknown:
        return True
    pairs = ((getattr(found, name), getattr(market, name)) for name in TERMS)
    return any(said is not None and said != believed for said, believed in pairs)
