"""Used-up client order ids: a set in little memory, held against a plain one."""

from __future__ import annotations

import sys
import uuid

from hypothesis import given
from hypothesis import strategies as st

from mm.sim.used_ids import UsedIds, _stands_in

TEXTS = st.text(max_size=3)


@given(st.lists(TEXTS, max_size=200), st.lists(TEXTS, max_size=50))
def test_it_knows_what_a_plain_set_knows(added: list[str], asked: list[str]) -> None:
    used, plain = UsedIds(), set[str]()
    for text in added:
        used.add(text)
        plain.add(text)
        assert text in used
        assert len(used) == len(plain)
    assert [text in used for text in asked] == [text in plain for text in asked]


def test_a_hundred_thousand_ids_take_less_than_a_third_of_what_a_plain_set_takes() -> None:
    ids = [str(uuid.UUID(int=number)) for number in range(100_000)]
    used = UsedIds()
    for one in ids:
        used.add(one)
    assert len(used) == len(ids) and all(one in used for one in ids[::997])
    plain = sys.getsizeof(set(ids)) + sum(sys.getsizeof(one) for one in ids)
    rows = sum(sys.getsizeof(row) for row in used._rows.values())
    assert sys.getsizeof(used._rows) + rows < plain / 3


def test_a_digest_across_two_neighbours_is_not_there() -> None:
    row = bytearray(b"0123456789abcdef" * 2)
    assert _stands_in(row, b"0123456789abcdef")
    assert not _stands_in(row, b"89abcdef01234567")
    assert _stands_in(row + b"89abcdef01234567", b"89abcdef01234567")
