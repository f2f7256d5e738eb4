"""Which markets a desk quotes: every rule of its filter, at its edge and one step beyond."""

from __future__ import annotations

import msgspec
import pytest

from mm.app.scope import chosen
from mm.config.amounts import Cents, Contracts, Fraction, Minutes
from mm.config.desks import Desk, MarketFilter, Markets
from mm.core.events import FeeSchedule, MarketState
from mm.core.grid import CENT_GRID
from mm.core.units import CONTRACT, SECOND
from mm.kalshi.fees import FeeTerms
from mm.kalshi.listing import MarketListing

NOW = 1_800_000_000 * SECOND
MARKET = MarketListing(
    ticker="KXA-1",
    event_ticker="KXA",
    series_ticker="KX",
    state=MarketState.ACTIVE,
    bid=(4_000, 30 * CONTRACT),
    ask=(4_400, 70 * CONTRACT),
    volume=500 * CONTRACT,
    volume_24h=500 * CONTRACT,
    liquidity=100 * CONTRACT,
    open_ts=NOW - SECOND,
    close_ts=NOW + 30 * 60 * SECOND,
    grid=CENT_GRID,
    fees=FeeSchedule(70_000, 0),
    terms=FeeTerms("KXA-1", "KXA", "quadratic", Fraction(1)),
)


def desk(**rules: object) -> Desk:
    wanted = MarketFilter().model_copy(update=rules)
    return Desk.model_construct(strategy="glft", markets=Markets().model_copy(update={"filter": wanted}))


@pytest.mark.parametrize(
    ("rule", "passes", "fails"),
    [
        ("min_probability", Fraction("0.42"), Fraction("0.43")),
        ("max_probability", Fraction("0.42"), Fraction("0.41")),
        ("min_liquidity_contracts", Contracts(100), Contracts("100.01")),
        ("min_volume_contracts", Contracts(500), Contracts("500.01")),
        ("min_spread_cents", Cents(4), Cents("4.01")),
        ("max_spread_cents", Cents(4), Cents("3.99")),
        ("min_minutes_to_close", Minutes(30), Minutes("30.01")),
        ("max_minutes_to_close", Minutes(30), Minutes("29.99")),
    ],
)
def test_each_rule_of_the_filter(rule: str, passes: object, fails: object) -> None:
    assert chosen(desk(**{rule: passes}), [MARKET], {}, NOW) == ["KXA-1"]
    assert chosen(desk(**{rule: fails}), [MARKET], {}, NOW) == []


def test_a_rule_about_the_book_is_not_met_by_an_empty_side() -> None:
    empty = msgspec.structs.replace(MARKET, bid=None)
    assert chosen(desk(), [empty], {}, NOW) == ["KXA-1"]
    assert chosen(desk(max_spread_cents=Cents(100)), [empty], {}, NOW) == []


def test_a_market_still_to_open_has_no_book_to_judge() -> None:
    coming = msgspec.structs.replace(MARKET, state=MarketState.UNOPENED, bid=None, ask=None, liquidity=0)
    assert chosen(desk(min_liquidity_contracts=Contracts(10)), [coming], {}, NOW) == ["KXA-1"]


@pytest.mark.parametrize("state", [MarketState.CLOSED, MarketState.DETERMINED, MarketState.SETTLED])
def test_what_is_over_is_not_chosen(state: MarketState) -> None:
    assert chosen(desk(), [msgspec.structs.replace(MARKET, state=state)], {}, NOW) == []


def test_most_volume_first_and_never_more_than_allowed() -> None:
    listings = [
        msgspec.structs.replace(MARKET, ticker=f"KXA-{number}", volume=number * CONTRACT)
        for number in range(1, 6)
    ]
    limited = desk(max_markets=3)
    assert chosen(limited, listings, {}, NOW) == ["KXA-5", "KXA-4", "KXA-3"]
    assert chosen(limited, listings, {"KXA-5": "DEFAULT", "KXA-1": "DEFAULT"}, NOW) == ["KXA-4"]


def test_a_market_has_one_desk() -> None:
    assert chosen(desk(), [MARKET], {"KXA-1": "OTHER"}, NOW) == []
