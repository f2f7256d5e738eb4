"""The text of a ladder means what it looks like, and a typing error does not pass silently."""

from __future__ import annotations

import pytest

from tests.ladders import book, view


def test_best_levels_come_first_whatever_the_order_written() -> None:
    assert book("56:100 57:40 | 60:100 59:30") == (
        ((5700, 4000), (5600, 10000)),
        ((5900, 3000), (6000, 10000)),
    )


def test_tenths_of_a_cent_and_hundredths_of_a_contract_are_exact() -> None:
    assert book("5.1:0.25 | 94.9:10.01") == (((510, 25),), ((9490, 1001),))


def test_a_side_may_be_empty() -> None:
    assert book("56:1 |") == (((5600, 100),), ())
    assert view("|").mid is None


@pytest.mark.parametrize("text", ["56:100 59:30", "56 | 59:30", "5.123:1 | 59:30", "56:0.001 |"])
def test_what_is_not_a_ladder_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"bar|cents:contracts|finer"):
        book(text)
