"""What the trading logs of former runs already say, read once at a start, so that nothing is told twice."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from zlib import error as ZlibError

import msgspec

from mm.core.units import CONTRACT, SECOND, Count, Nanos

# Reads of the account look back further than they must, and clocks differ.
MARGIN: Nanos = 3_600 * SECOND


class FormerLog(msgspec.Struct, frozen=True):
    """``fills`` are order and trade ids; ``desks`` is who last spoke of a market; ``inventory`` each market's
    last ``new_inventory``, unless it was 0."""

    fills: frozenset[tuple[str, str]] = frozenset()
    desks: Mapping[str, str] = {}
    inventory: Mapping[str, Count] = {}


class _Line(msgspec.Struct):
    """What is needed of a line of any event type."""

    timestamp: float
    event_type: str
    ticker: str = ""
    order_id: str = ""
    trade_id: str = ""
    new_inventory: float = 0.0


_decode = msgspec.json.Decoder(_Line).decode


def read_former_log(paths: Mapping[str, Path], fills_from: Nanos) -> FormerLog:
    """Of these files, by desk, and the newest compressed copy of each. Fills told before ``fills_from`` are
    not asked for. A line that is not ours to read is passed over.

    :raises OSError: if a file is there and cannot be read.
    """
    earliest = (fills_from - MARGIN) / SECOND
    fills: set[tuple[str, str]] = set()
    desks: dict[str, str] = {}
    inventory: dict[str, Count] = {}
    for desk, path in paths.items():
        for line in _lines(path):
            if line.ticker:
                desks[line.ticker] = desk
            if line.event_type == "fill" and line.timestamp >= earliest:
                fills.add((line.order_id, line.trade_id))
            elif line.event_type == "inventory_change":
                inventory[line.ticker] = round(line.new_inventory * CONTRACT)
    held = {ticker: count for ticker, count in inventory.items() if count}
    return FormerLog(frozenset(fills), desks, held)


def _lines(path: Path) -> Iterator[_Line]:
    for text in _texts(path):
        with suppress(msgspec.MsgspecError, UnicodeDecodeError):
            yield _decode(text)


def _texts(path: Path) -> Iterator[bytes]:
    """Oldest first. A copy that is not whole gives what it has: its lines are not the only witness."""
    packed = path.with_name(path.name + ".1.gz")
    if packed.exists():
        with suppress(EOFError, gzip.BadGzipFile, ZlibError), gzip.open(packed, "rb") as lines:
            yield from lines
    if path.exists():
        with path.open("rb") as plain:
            yield from plain
