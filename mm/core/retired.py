"""Markets that are over for good: whose they were, and what they add to the sums of their desks.

A series of 15-minute markets brings a hundred a day; what is kept of each must end with it.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from mm.core.picture import RetiredMarkets
from mm.core.position import Position

# Long enough to know a fill that is told late, or a market that is listed once more.
REMEMBERED_MARKETS = 20_000


class Retired:
    """``of_desk`` are the sums, by desk; ``added`` counts markets."""

    def __init__(self, desks: Iterable[str]) -> None:
        self.of_desk = {name: RetiredMarkets() for name in desks}
        self.added = 0
        self._desk_of: dict[str, str] = {}

    def __contains__(self, ticker: str) -> bool:
        return ticker in self._desk_of

    def desk_of(self, ticker: str) -> str:
        """Empty if it is not remembered."""
        return self._desk_of.get(ticker, "")

    def begin(self, ticker: str, desk: str, quotes: int) -> None:
        """One market more; ``quotes`` is how often it was quoted."""
        self.added += 1
        self._desk_of[ticker] = desk
        if len(self._desk_of) > REMEMBERED_MARKETS:
            del self._desk_of[next(iter(self._desk_of))]
        before = self.of_desk[desk]
        self.of_desk[desk] = replace(
            before,
            count=before.count + 1,
            quoted=before.quoted + bool(quotes),
            quotes=before.quotes + quotes,
        )

    def add(self, desk: str, position: Position) -> None:
        """What was earned there; once more for each fill that is learned of later."""
        before = self.of_desk[desk]
        self.of_desk[desk] = replace(
            before,
            realized=before.realized + position.realized,
            fees=before.fees + position.fees,
            fills=before.fills + position.fills,
        )
