"""The price and the size of an order that closes: what the book offers, within collar and caps."""

from __future__ import annotations

import pytest

from mm.core.flatten import closing_quote
from mm.core.market import Market
from mm.core.strategy import Quote
from mm.core.units import CENT, CONTRACT, MONEY_DOLLAR, Side
from tests.ladders import book


def quote_for(
    text: str, position: float, collar: float = 15, most: float = 1_000, dollars: int = 500
) -> Quote | None:
    market, levels = Market("KXA", "DEFAULT"), book(text)
    market.book.load(levels.bids, levels.asks)
    count = round(position * CONTRACT)
    return closing_quote(market, count, round(collar * CENT), round(most * CONTRACT), dollars * MONEY_DOLLAR)


@pytest.mark.parametrize(
    ("text", "position", "price", "count"),
    [
        ("50:100 49:100 | 54:100", 10, 50, 10),
        ("50:4 49:3 48:9 | 54:100", 10, 48, 10),
        ("50:4 49:6 48:9 | 54:100", 10, 49, 10),
        ("50:4 37:1 36:9 | 54:100", 10, 37, 5),
        ("50:100 | 54:4 55:1 68:100", -10, 55, 5),
        ("50:0.5 | 54:100", 0.25, 50, 0.25),
    ],
)
def test_the_levels_are_taken_as_far_as_needed_and_no_further_than_the_collar(
    text: str, position: float, price: float, count: float
) -> None:
    side = Side.ASK if position > 0 else Side.BID
    assert quote_for(text, position) == Quote(side, round(price * CENT), round(count * CONTRACT))


@pytest.mark.parametrize("text", ["| 54:100", "50:100 |", "|", "30:10 | 70:10"])
def test_without_a_middle_or_anything_near_it_there_is_no_price(text: str) -> None:
    assert quote_for(text, 10) is None
    assert quote_for(text, -10) is None


def test_the_hard_caps_hold() -> None:
    assert quote_for("50:100 | 54:100", 90, most=7) == Quote(Side.ASK, 50 * CENT, 7 * CONTRACT)
    assert quote_for("50:100 | 54:100", -90, dollars=27) == Quote(Side.BID, 54 * CENT, 50 * CONTRACT)
    assert quote_for("50:100 | 54:100", 90, dollars=25) == Quote(Side.ASK, 50 * CENT, 50 * CONTRACT)
