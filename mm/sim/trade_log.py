"""The public trades of one market, kept as numbers side by side: 32 bytes each, where objects take some 240.

A busy crowd trades two million times a day, and all of that may be asked for until `attic` forgets it.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from typing import overload

from mm.sim.words import BookSide, Traded

_WIDTH = 4  # numbers a trade: its time, that of its id, price, and count (negative where the taker sold)
_SPARE = 64  # what is too much is dropped in batches of this share


class TradeLog(Sequence[Traded]):
    """Oldest first; the latest ``most``, or a little more. ``id_of`` writes the id of a number."""

    __slots__ = ("_id_of", "_most", "_numbers", "_ticker")

    def __init__(self, ticker: str, most: int, id_of: Callable[[int], str]) -> None:
        self._ticker = ticker
        self._most = most
        self._id_of = id_of
        self._numbers = array("q")

    def add(self, now: int, number: int, price: int, signed_count: int) -> Traded:
        """One more; ``signed_count`` is negative where the taker was the seller."""
        numbers = self._numbers
        if len(numbers) >= _WIDTH * (self._most + self._most // _SPARE + 1):
            del numbers[: len(numbers) - _WIDTH * (self._most - 1)]
        numbers.extend((now, number, price, signed_count))
        return self._made(now, number, price, signed_count)

    def clear(self) -> None:
        del self._numbers[:]

    def __len__(self) -> int:
        return len(self._numbers) // _WIDTH

    @overload
    def __getitem__(self, at: int) -> Traded: ...
    @overload
    def __getitem__(self, at: slice) -> list[Traded]: ...
    def __getitem__(self, at: int | slice) -> Traded | list[Traded]:
        if isinstance(at, slice):
            return [self[one] for one in range(*at.indices(len(self)))]
        place = range(len(self))[at] * _WIDTH
        return self._made(*self._numbers[place : place + _WIDTH])

    def _made(self, now: int, number: int, price: int, signed: int) -> Traded:
        side: BookSide = "bid" if signed > 0 else "ask"
        return Traded(now, self._ticker, self._id_of(number), price, abs(signed), side)
