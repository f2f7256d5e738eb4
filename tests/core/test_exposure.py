"""Exposure: never less than the worst that any of the open orders, in any selection and order, could cost."""

from __future__ import annotations

from itertools import permutations, product

from hypothesis import given
from hypothesis import strategies as st

from mm.core.events import Fill, PositionReport
from mm.core.exposure import Exposure
from mm.core.ledger import Ledger
from mm.core.order import Order, OrderState
from mm.core.orders import Orders
from mm.core.units import CENT, CONTRACT, DOLLAR, MONEY_DOLLAR, Count, Money, Price, Side
from tests.core.properties import FEW, PROPERTY

sides = st.sampled_from(list(Side))
prices = st.integers(min_value=1, max_value=99).map(lambda cents: cents * CENT)
counts = st.integers(min_value=1, max_value=300)
some_orders = st.lists(st.tuples(sides, prices, counts), max_size=5)
positions = st.tuples(st.integers(-400, 400), prices)


def owning(position: Count, price: Price, ticker: str = "KXA") -> Ledger:
    """A ledger with this position, entered at this YES price."""
    ledger = Ledger()
    cost = position * price if position >= 0 else -position * (DOLLAR - price)
    ledger.open(100 * MONEY_DOLLAR, (PositionReport(ticker, position, cost, 0, 0),), ())
    return ledger


def resting(number: int, side: Side, price: Price, count: Count, ticker: str = "KXA") -> Order:
    name = f"c{number}"
    return Order(name, "desk", ticker, side, price, count, 0, 0, OrderState.RESTING, order_id=f"X{number}")


def exposure_of(ledger: Ledger, *orders: Order) -> Exposure:
    table = Orders()
    for order in orders:
        table.add(order)
    exposure = Exposure(table, ledger)
    for ticker in {*ledger.positions, *(order.ticker for order in orders)}:
        exposure.touch(ticker)
    return exposure


def loss_if(ledger: Ledger, position: Count, price: Price, fills: list[tuple[Side, Price, Count]]) -> Money:
    """Of the present cost, if these fill and the market then ends the worse way."""
    flow = sum(-side.sign * at * count for side, at, count in fills)
    held = position + sum(side.sign * count for side, _, count in fills)
    return position * price - flow - min(0, held * DOLLAR)


@FEW
@given(positions, some_orders)
def test_no_selection_of_fills_costs_more(
    opening: tuple[Count, Price], orders: list[tuple[Side, Price, Count]]
) -> None:
    position, price = opening
    ledger = owning(position, price)
    table = [resting(number, *order) for number, order in enumerate(orders)]
    exposure = exposure_of(ledger, *table)
    for chosen in product([0, 1, 2], repeat=len(orders)):
        fills = [
            (side, at, count * part // 2) for part, (side, at, count) in zip(chosen, orders, strict=True)
        ]
        assert exposure.total >= loss_if(ledger, position, price, fills)


@FEW
@given(positions, st.lists(st.tuples(sides, prices, counts), min_size=1, max_size=4))
def test_the_count_that_a_side_may_reach_is_never_passed_in_any_order_of_fills(
    opening: tuple[Count, Price], orders: list[tuple[Side, Price, Count]]
) -> None:
    ledger = owning(*opening)
    exposure = exposure_of(ledger, *(resting(number, *order) for number, order in enumerate(orders)))
    for sequence in permutations(orders):
        held = opening[0]
        for side, _, count in sequence:
            held += side.sign * count
            assert -exposure.reach("KXA", Side.ASK) <= held <= exposure.reach("KXA", Side.BID)


@FEW
@given(positions, st.lists(st.tuples(prices, counts), max_size=4), sides)
def test_no_order_of_fills_opens_at_a_higher_cost(
    opening: tuple[Count, Price], orders: list[tuple[Price, Count]], side: Side
) -> None:
    """What closes the position costs nothing, and the cheapest may fill first."""
    ledger = owning(*opening)
    exposure = exposure_of(ledger, *(resting(n, side, *order) for n, order in enumerate(orders)))
    for sequence in permutations(orders):
        closes, cost = max(-side.sign * opening[0], 0), 0
        for price, count in sequence:
            opens = max(count - closes, 0)
            closes = max(closes - count, 0)
            cost += opens * (price if side is Side.BID else DOLLAR - price)
        assert exposure.total >= ledger.value_at_risk + cost


@PROPERTY
@given(prices, prices, counts, counts, sides)
def test_an_amend_under_way_counts_at_the_worse_of_both(
    old: Price, new: Price, count: Count, new_count: Count, side: Side
) -> None:
    order = resting(1, side, old, count)
    order.state, order.next_price, order.next_count = OrderState.PENDING_AMEND, new, new_count
    exposure = exposure_of(owning(0, 5_000), order)
    for price, size in product((old, new), (count, new_count)):
        assert exposure.total >= loss_if(owning(0, 1), 0, 0, [(side, price, size)])


def test_a_bid_that_only_closes_a_short_costs_nothing_more() -> None:
    short = owning(-500, 4_000)
    assert exposure_of(short).total == 500 * 6_000
    assert exposure_of(short, resting(1, Side.BID, 9_000, 500)).total == 500 * 6_000
    assert exposure_of(short, resting(1, Side.BID, 9_000, 600)).total == 500 * 6_000 + 100 * 9_000


def test_only_the_worse_side_counts_for_both_cannot_be_held_at_once() -> None:
    bid, ask = resting(1, Side.BID, 4_000, 1_000), resting(2, Side.ASK, 7_000, 1_000)
    assert exposure_of(owning(0, 1), bid, ask).total == 1_000 * 4_000


def test_events_add_up_their_markets_and_a_market_may_be_told_its_event_late() -> None:
    exposure = exposure_of(
        owning(0, 1),
        resting(1, Side.BID, 4_000, 100, "KXA"),
        resting(2, Side.BID, 5_000, 100, "KXB"),
        resting(3, Side.BID, 6_000, 100, "KYC"),
    )
    assert exposure.of_event("KXA") == 400_000
    for ticker, event in (("KXA", "KX"), ("KXB", "KX"), ("KXB", "KX"), ("KYC", "KY")):
        exposure.belongs(ticker, event)
    assert (exposure.of_event("KXA"), exposure.of_event("KYC")) == (900_000, 600_000)
    exposure.belongs("KXB", "KY")
    assert (exposure.of_event("KXA"), exposure.of_event("KYC")) == (400_000, 1_100_000)
    assert exposure.total == 1_500_000


def test_an_ended_order_counts_until_its_last_fill_is_seen() -> None:
    order = resting(1, Side.BID, 4_000, 1_000)
    order.final_filled, order.state = 300, OrderState.CLOSING
    exposure = exposure_of(owning(0, 1), order)
    assert exposure.open_count("KXA", Side.BID) == 300
    assert exposure.total == 300 * 4_000


def test_a_fill_moves_exposure_from_the_order_to_the_position() -> None:
    ledger, order = owning(0, 1), resting(1, Side.BID, 4_000, 1_000)
    exposure = exposure_of(ledger, order)
    before = exposure.total
    ledger.book(Fill(1, "t", "X1", "c1", "KXA", Side.BID, 4_000, 4 * CONTRACT, 0, False))
    order.filled = 4 * CONTRACT
    exposure.touch("KXA")
    assert exposure.total == before
    assert ledger.value_at_risk == 4 * CONTRACT * 4_000
