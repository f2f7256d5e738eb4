"""Netting, average cost and settlement: what fills do to cash and positions (protocol section 11)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm.sim.ledger import Account, Ledger, cash_effect, removed_cost
from mm.sim.words import BookSide, Position

M = "M"


def books(cash: int = 10**9) -> tuple[Ledger, Account, Account]:
    ledger = Ledger("every_fill")
    return ledger, ledger.add_account("ann", cash), ledger.add_account("bob", cash)


def trade(ledger: Ledger, buyer: Account, seller: Account, price: int, count: int, fee: int = 0) -> None:
    ledger.issue(M, count)
    ledger.book_fill(buyer, M, "bid", price, count, fee, 1)
    ledger.book_fill(seller, M, "ask", price, count, 0, 1)
    ledger.check()


def test_a_bid_opens_yes_and_the_other_side_opens_no() -> None:
    ledger, ann, bob = books()
    trade(ledger, ann, bob, 4_000, 200, fee=700)
    assert (ann.cash, bob.cash) == (10**9 - 800_000 - 700, 10**9 - 1_200_000)
    assert (ann.positions[M].count, ann.positions[M].cost) == (200, 800_000)
    assert (bob.positions[M].count, bob.positions[M].cost) == (-200, 1_200_000)
    assert ledger.collateral[M] == 200 and ledger.fees == 700


def test_a_bid_closes_no_first_and_takes_the_rest_as_yes() -> None:
    ledger, ann, bob = books()
    trade(ledger, bob, ann, 4_000, 300)  # ann holds 3 NO at 0.60
    before = ann.cash
    assert cash_effect(ann, M, "bid", 2_500, 500) == (300 * 7_500 - 200 * 2_500, 300)
    trade(ledger, ann, bob, 2_500, 500)
    position = ann.positions[M]
    assert ann.cash - before == 300 * 7_500 - 200 * 2_500
    assert (position.count, position.cost) == (200, 500_000)
    assert position.realized == 300 * (7_500 - 6_000)  # NO bought at 0.60, sold at 0.75


def test_average_cost_leaves_half_up_at_the_micro_dollar() -> None:
    ledger, ann, bob = books()
    trade(ledger, ann, bob, 3_333, 1)
    trade(ledger, ann, bob, 3_334, 2)  # 3 hundredths cost 10,001
    trade(ledger, bob, ann, 5_000, 1)
    assert ann.positions[M].cost == 10_001 - 3_334  # 3,333.67 rounds up
    assert ann.positions[M].realized == 5_000 - 3_334
    trade(ledger, bob, ann, 5_000, 2)
    assert (ann.positions[M].cost, ann.positions[M].count) == (0, 0)
    assert ann.positions[M].realized == 15_000 - 10_001
    assert removed_cost(1, 1, 2) == 1  # an exact half goes up


@pytest.mark.parametrize(("value", "pays_ann"), [(10_000, 10_000), (0, 0), (6_250, 6_250)])
def test_settlement_pays_both_legs(value: int, pays_ann: int) -> None:
    ledger, ann, bob = books()
    trade(ledger, ann, bob, 4_000, 200, fee=100)
    cash = ann.cash, bob.cash
    paid = list(ledger.settle(M, "E", "scalar", value, 5))
    ledger.check()
    assert [account.user_id for account, _ in paid] == ["ann", "bob"]
    assert ann.cash - cash[0] == 200 * pays_ann
    assert bob.cash - cash[1] == 200 * (10_000 - pays_ann)
    row = ann.settlements[0]
    assert (row.yes_count, row.yes_cost, row.no_count, row.revenue) == (200, 800_000, 0, 200 * pays_ann)
    assert (row.fees, row.settled_ns, row.value) == (100, 5, value)
    assert ann.positions[M].realized == 200 * pays_ann - 800_000
    assert ledger.collateral[M] == 0


def test_total_traded_may_count_only_what_opens() -> None:
    ledger = Ledger("opening_fills")
    ann, bob = ledger.add_account("ann", 10**9), ledger.add_account("bob", 10**9)
    trade(ledger, ann, bob, 4_000, 200)
    trade(ledger, bob, ann, 5_000, 200)
    assert ann.positions[M].total_traded == 800_000


def test_the_check_finds_money_from_nowhere() -> None:
    ledger, ann, _ = books()
    ann.cash += 1
    with pytest.raises(AssertionError, match="money is not conserved"):
        ledger.check()


def test_the_check_finds_a_one_sided_position() -> None:
    ledger, ann, bob = books()
    trade(ledger, ann, bob, 5_000, 100)
    ann.positions[M].count += 100
    with pytest.raises(AssertionError, match="do not sum to 0"):
        ledger.check()


FILLS = st.lists(
    st.tuples(st.sampled_from(["bid", "ask"]), st.integers(1, 9_999), st.integers(1, 500)), max_size=40
)


@given(FILLS, st.integers(0, 10_000))
def test_profit_is_what_cash_says_once_all_is_settled(
    fills: list[tuple[BookSide, int, int]], value: int
) -> None:
    """Realised profit, with its rounding on the way, must end at the change in cash exactly."""
    ledger, ann, bob = books()
    for side, price, count in fills:
        buyer, seller = (ann, bob) if side == "bid" else (bob, ann)
        trade(ledger, buyer, seller, price, count)
    list(ledger.settle(M, "E", "scalar", value, 9))
    ledger.check()
    assert ann.positions.get(M, Position(M)).realized == ann.cash - 10**9
