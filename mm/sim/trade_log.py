"""The public trades of one market, kept as numbers side by side: 32 bytes each, where objects take some 240.

A busy crowd trades two million times a day, and all of that may be asked for until `attic` forgets it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from struct import Struct
from typing import overload

from mm.sim.words import BookSide, Traded

_ROW = Struct("<qqqq")  # its time, the number of its id, price, and count (negative where the taker sold)
_pack, _WIDTH = _ROW.pack, _ROW.size
_SPARE = 64  # what is too much is dropped in batches of this share


class TradeLog(Sequence[Traded]):
    """Oldest first; the latest ``most``, or a little more. ``id_of`` writes the id of a number."""

    __slots__ = ("_full", "_id_of", "_most", "_rows", "_ticker")

    def __init__(self, ticker: str, most: int, id_of: Callable[[int], str]) -> None:
        self._ticker = ticker
        self._most = most
        self._full = _WIDTH * (most + most // _SPARE + 1)
        self._id_of = id_of
        self._rows = bytearray()

    def add(self, number: int, trade: Traded) -> None:
        """One more; its id is that of ``number``."""
        rows, count = self._rows, trade.count
        if len(rows) >= self._full:
            del rows[: len(rows) - _WIDTH * (self._most - 1)]
        rows += _pack(trade.now, number, trade.price, count if trade.taker_side == "bid" else -count)

    def clear(self) -> None:
        self._rows.clear()

    def __len__(self) -> int:
        return len(self._rows) // _WIDTH

    @overload
    def __getitem__(self, at: int) -> Traded: ...
    @overload
    def __getitem__(self, at: slice) -> list[Traded]: ...
    def __getitem__(self, at: int | slice) -> Traded | list[Traded]:
        if isinstance(at, slice):
            return [self[one] for one in range(*at.indices(len(self)))]
        now, number, price, signed = _ROW.unpack_from(self._rows, range(len(self))[at] * _WIDTH)
        side: BookSide = "bid" if signed > 0 else "ask"
        return Traded(now, self._ticker, self._id_of(number), price, abs(signed), side)
