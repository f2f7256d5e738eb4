"""Which client order ids a member has used up: for ever, so in little memory, and never with a pause to grow.

Of each id a digest of 16 bytes is kept (BLAKE2b), side by side in one of 4,096 rows: some 20 bytes an id in
the long run, where a set of the texts takes 120 to 200. Two of a billion ids have one digest with a chance of
less than 1 in 10^20.
"""

from __future__ import annotations

from hashlib import blake2b

_BYTES = 16
_ROWS = 4_096


class UsedIds:
    """A set of texts that only grows, and can only be asked about one of them."""

    __slots__ = ("_rows", "_used")

    def __init__(self) -> None:
        self._rows: dict[int, bytearray] = {}
        self._used = 0

    def __len__(self) -> int:
        return self._used

    def __contains__(self, text: str) -> bool:
        digest = _digest(text)
        row = self._rows.get(_row_of(digest))
        return row is not None and _stands_in(row, digest)

    def add(self, text: str) -> None:
        """Does nothing to one that is there."""
        digest = _digest(text)
        row = self._rows.setdefault(_row_of(digest), bytearray())
        if not _stands_in(row, digest):
            row += digest
            self._used += 1


def _digest(text: str) -> bytes:
    return blake2b(text.encode(errors="surrogatepass"), digest_size=_BYTES).digest()


def _row_of(digest: bytes) -> int:
    return int.from_bytes(digest[:2]) % _ROWS


def _stands_in(row: bytearray, digest: bytes) -> bool:
    """Whether it is one of the row's own, and not the end of one with the beginning of the next."""
    at = row.find(digest)
    while at % _BYTES and at > 0:
        at = row.find(digest, at + 1)
    return at >= 0
