"""The fee formulas and the rounding accumulator against every published example (protocol section 12)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm.sim.fees import FeeTerms, fee_terms, net_fee
from mm.sim.words import Event, Filled, Fills, Series
from tests.sim.stories import MARKET, listen, only, open_venue, place, refused, rest

TAKER_ONLY = fee_terms(Series("S", "s"), Event("E", "S", "e"))
WITH_MAKERS = fee_terms(Series("S", "s", fee_type="quadratic_with_maker_fees"), Event("E", "S", "e"))
CENT = 10_000  # one cent of money


def whole_cents(money: int) -> int:
    return -(-money // CENT)


@pytest.mark.parametrize(
    ("price", "one", "hundred", "maker_hundred"),
    [(500, 1, 34, 9), (1000, 1, 63, 16), (2500, 2, 132, 33), (5000, 2, 175, 44)],
)
def test_the_published_fee_table_in_cents(price: int, one: int, hundred: int, maker_hundred: int) -> None:
    assert whole_cents(TAKER_ONLY.trade_fee(price, 100, is_taker=True)) == one
    assert whole_cents(TAKER_ONLY.trade_fee(price, 10_000, is_taker=True)) == hundred
    assert whole_cents(WITH_MAKERS.trade_fee(price, 10_000, is_taker=False)) == maker_hundred


def test_makers_pay_only_where_the_series_says_so() -> None:
    assert TAKER_ONLY.trade_fee(5000, 10_000, is_taker=False) == 0
    combos = fee_terms(Series("S", "s", fee_type="quadratic_with_combo_maker_fees"), Event("E", "S", "e"))
    assert combos.trade_fee(5000, 10_000, is_taker=False) == 2 * WITH_MAKERS.trade_fee(
        5000, 10_000, is_taker=False
    )


def test_an_events_override_goes_before_its_series() -> None:
    event = Event("E", "S", "e", fee_type_override="quadratic", fee_multiplier_override_ppm=0)
    assert fee_terms(Series("S", "s", fee_type="quadratic_with_maker_fees"), event) == FeeTerms(0, 0)


def test_an_unknown_fee_type_is_refused_by_name() -> None:
    series = Series("S", "s", fee_type="flat")
    error = refused(400, "invalid_fee_type", lambda: fee_terms(series, Event("E", "S", "e")))
    assert "'flat'" in str(error)


def test_the_rounding_page_of_october_2026() -> None:
    trade_fee = TAKER_ONLY.trade_fee(550, 100, is_taker=True)
    assert trade_fee == 3_639  # 0.00363825 rounded up to the micro-dollar
    net = net_fee(-55_000, trade_fee, 0, CENT)
    assert net == (3_639 + 1_361, 1_361)  # the balance moves by -0.06


# The page of early 2026 gives net fees whose trade fees are not 0.07 P(1-P): they are inputs here, each taken
# from the only interval that fits its three lines: (.0083, .0100), (.0033, .0050] and (.0001, .0033].
@pytest.mark.parametrize(
    ("revenue", "trade_fee", "published"),
    [
        (-55_000, 9_000, [15_000, 5_000, 15_000]),
        (-150_000, 4_000, [10_000, 0, 10_000]),
        (-9_903, 500, [10_097, 97, 97]),
    ],
)
def test_three_equal_fills_of_one_order(revenue: int, trade_fee: int, published: list[int]) -> None:
    accumulator, charged = 0, []
    for _ in published:
        net = net_fee(revenue, trade_fee, accumulator, CENT)
        charged.append(net.net_fee)
        accumulator = net.accumulator
    assert charged == published


@pytest.mark.parametrize(("price", "fee"), [(5200, 17_500), (9900, 700)])
def test_recorded_fees_of_one_contract(price: int, fee: int) -> None:
    trade_fee = TAKER_ONLY.trade_fee(price, 100, is_taker=True)
    assert net_fee(-price * 100, trade_fee, 0, 100).net_fee == fee


@given(
    st.lists(st.tuples(st.integers(-(10**7), 10**7), st.integers(0, 10**5)), min_size=1, max_size=30),
    st.sampled_from([100, 10_000]),
)
def test_balances_stay_on_the_unit_and_rounding_is_only_ever_borrowed(
    fills: list[tuple[int, int]], unit: int
) -> None:
    accumulator = paid = owed = 0
    for revenue, trade_fee in fills:
        net = net_fee(revenue, trade_fee, accumulator, unit)
        accumulator = net.accumulator
        assert net.net_fee >= 0 and accumulator >= 0
        assert (revenue - net.net_fee) % unit == 0
        paid, owed = paid + net.net_fee, owed + trade_fee
    assert paid - owed == accumulator


def test_the_accumulator_belongs_to_the_order() -> None:
    venue = open_venue()
    heard = listen(venue)
    rest(venue, "ann", "ask 1 @ 52")
    rest(venue, "ann", "ask 1 @ 52")
    placed = place(venue, "bob", "bid 2 @ 52")
    # 0.017472 becomes 0.0175 and leaves 0.000028; the second leaves 0.000056: still under 0.0001.
    assert [fill.net_fee for fill in only(heard, Filled) if fill.is_taker] == [17_500, 17_500]
    assert placed.order.fee_accumulator == 56
    assert placed.average_fee == 175
    assert venue.positions_of("bob")[MARKET].fees == 35_000
    venue.check()


def test_averages_of_nothing_are_unknown() -> None:
    assert Fills().average_price is None and Fills().average_fee is None
