"""Risk: each row at its limit and one step beyond, the last gate, and never against ourselves."""

from __future__ import annotations

import pytest

from mm.core.exposure import Exposure
from mm.core.ledger import Ledger
from mm.core.order import Order, OrderState
from mm.core.orders import Orders
from mm.core.risk import Gate, limit, would_cross
from mm.core.settings import RiskLimits
from mm.core.units import CENT, CONTRACT, Count, Money, Price, Side
from tests.core.test_exposure import owning, resting
from tests.core.words import quotes
from tests.ladders import view

LOOSE = RiskLimits(
    max_position=1_000 * CONTRACT,
    max_order_count=1_000 * CONTRACT,
    max_order_value=10**12,
    price_collar=9_999,
)


def allowed(wish: str, changes: dict[str, int], ladder: str = "50:100 | 54:100") -> tuple[str, list[str]]:
    """What is left of a wish, and the rows that cut it."""
    limits = RiskLimits(
        max_position=LOOSE.max_position,
        max_order_count=changes.get("order_count", LOOSE.max_order_count),
        max_order_value=changes.get("order_value", LOOSE.max_order_value),
        price_collar=changes.get("collar", LOOSE.price_collar),
    )
    shown = view(ladder, position=changes.get("position", 0), max_position=changes.get("max_position", 1_000))
    left, refusals = limit(quotes(wish), shown, limits)
    text = " ".join(f"{q.side.value} {q.count / CONTRACT:g}@{q.price / CENT:g}" for q in left)
    return text, [refusal.rule for refusal in refusals]


@pytest.mark.parametrize(
    ("wish", "changes", "left", "rules"),
    [
        ("51:10 |", {"order_count": 10 * CONTRACT}, "bid 10@51", []),
        ("51:10.01 |", {"order_count": 10 * CONTRACT}, "bid 10@51", ["max_order_count"]),
        ("51:10 |", {"order_value": 5_100_000}, "bid 10@51", []),
        ("51:10.01 |", {"order_value": 5_100_000}, "bid 10@51", ["max_order_value"]),
        ("| 53:10", {"order_value": 4_700_000}, "ask 10@53", []),
        ("| 53:10.01", {"order_value": 4_700_000}, "ask 10@53", ["max_order_value"]),
        ("51:10 |", {"order_value": 1}, "", ["max_order_value"]),
        ("47:10 |", {"collar": 500}, "bid 10@47", []),
        ("46:10 |", {"collar": 500}, "", ["price_collar"]),
        ("| 57:10", {"collar": 500}, "ask 10@57", []),
        ("| 58:10", {"collar": 500}, "", ["price_collar"]),
        ("53:10 |", {}, "bid 10@53", []),
        ("54:10 |", {}, "", ["post_only"]),
        ("| 51:10", {}, "ask 10@51", []),
        ("| 50:10", {}, "", ["post_only"]),
        ("51:10 |", {"position": 70, "max_position": 80}, "bid 10@51", []),
        ("51:10.01 |", {"position": 70, "max_position": 80}, "bid 10@51", ["max_position"]),
        ("51:10 |", {"position": 80, "max_position": 80}, "", ["max_position"]),
        ("51:10 |", {"position": 99, "max_position": 80}, "", ["max_position"]),
        ("| 53:200", {"position": 80, "max_position": 80}, "ask 160@53", ["max_position"]),
        ("| 53:10", {"position": -75, "max_position": 80}, "ask 5@53", ["max_position"]),
        ("51:50 50:50 |", {"max_position": 80}, "bid 50@51 bid 30@50", ["max_position"]),
        ("51.5:10 |", {}, "", ["price_grid"]),
        ("51:10 | 52:10", {}, "bid 10@51 ask 10@52", []),
        ("52:10 | 52:10", {}, "", ["self_cross", "self_cross"]),
        ("53:10 | 51:10", {}, "", ["self_cross", "self_cross"]),
        ("51:0 |", {}, "", []),
    ],
)
def test_each_row_at_its_limit_and_one_step_beyond(
    wish: str, changes: dict[str, int], left: str, rules: list[str]
) -> None:
    assert allowed(wish, changes) == (left, rules)


@pytest.mark.parametrize("ladder", ["| 54:100", "50:100 |", "|"])
def test_without_a_mid_there_is_no_reference_and_no_quote(ladder: str) -> None:
    """Control C03, fault F31."""
    assert allowed("40:10 | 60:10", {}, ladder) == ("", ["price_collar", "price_collar"])


def test_a_crossed_book_never_makes_us_take() -> None:
    """Fault F31: with a bid over the ask, only what rests behind both is left."""
    assert allowed("48:1 51:1 | 53:1 57:1", {}, "54:100 | 50:100")[0] == "bid 1@48 ask 1@57"


# -- the last gate -------------------------------------------------------------------------------------------
NO_LIMIT: Money = 10**12


def gate(*orders: Order, position: Count = 0) -> tuple[Gate, Exposure]:
    ledger, table = owning(position, 5_000), Orders()
    for order in orders:
        table.add(order)
    exposure = Exposure(table, ledger)
    exposure.touch("KXA")
    return Gate(exposure, ledger), exposure


def test_room_counts_the_position_and_everything_open_on_that_side() -> None:
    found, _ = gate(resting(1, Side.BID, 5_000, 300), resting(2, Side.ASK, 5_500, 100), position=200)
    assert found.room("KXA", Side.BID, 1_000) == 500
    assert found.room("KXA", Side.ASK, 1_000) == 1_100
    full, _ = gate(resting(1, Side.BID, 5_000, 800), position=300)
    assert full.room("KXA", Side.BID, 1_000) == 0, "over the limit there is no negative room"


@pytest.mark.parametrize(("excess", "affordable"), [(0, True), (1, False)])
def test_total_event_and_cash_at_their_limits_and_one_beyond(excess: int, affordable: bool) -> None:
    order = resting(1, Side.BID, 5_000, 1_000)
    found, exposure = gate(order)
    assert found.is_affordable("KXA", RiskLimits(), 5_000_000 - excess) == affordable
    limits = RiskLimits(max_event_exposure=5_000_000 - excess)
    assert found.is_affordable("KXA", limits, NO_LIMIT) == affordable
    assert exposure.total == 5_000_000


@pytest.mark.parametrize(("contracts", "affordable"), [(200, True), (200.01, False)])
def test_resting_orders_lock_no_cash_so_their_sum_is_budgeted_here(
    contracts: float, affordable: bool
) -> None:
    """A hundred dollars, and what is at risk in a position is paid for already."""
    order = resting(1, Side.BID, 5_000, round(contracts * CONTRACT))
    limits = RiskLimits(max_event_exposure=10**12)
    assert gate(order, position=700)[0].is_affordable("KXA", limits, NO_LIMIT) == affordable


def test_nothing_is_affordable_while_the_cash_is_unknown() -> None:
    ledger, table = Ledger(), Orders()
    found = Gate(Exposure(table, ledger), ledger)
    assert not found.is_affordable("KXA", RiskLimits(), NO_LIMIT)


# -- never against ourselves ---------------------------------------------------------------------
def amending(side: Side, price: Price, next_price: Price) -> Order:
    order = resting(1, side, price, 1_000)
    order.state, order.next_price, order.next_count = OrderState.PENDING_AMEND, next_price, 1_000
    return order


@pytest.mark.parametrize(
    ("side", "price", "other", "crosses"),
    [
        (Side.BID, 5_200, resting(1, Side.ASK, 5_300, 100), False),
        (Side.BID, 5_300, resting(1, Side.ASK, 5_300, 100), True),
        (Side.ASK, 5_300, resting(1, Side.BID, 5_200, 100), False),
        (Side.ASK, 5_200, resting(1, Side.BID, 5_200, 100), True),
        (Side.BID, 5_300, resting(1, Side.BID, 5_200, 100), False),
        (Side.BID, 5_300, amending(Side.ASK, 5_300, 5_500), True),
        (Side.BID, 5_300, amending(Side.ASK, 5_500, 5_300), True),
        (Side.BID, 5_200, amending(Side.ASK, 5_500, 5_300), False),
        (Side.ASK, 5_200, amending(Side.BID, 5_200, 5_000), True),
        (Side.ASK, 5_200, amending(Side.BID, 5_000, 5_200), True),
        (Side.ASK, 5_300, amending(Side.BID, 5_000, 5_200), False),
    ],
)
def test_a_price_may_not_meet_any_order_of_ours_where_it_is_or_may_be(
    side: Side, price: Price, other: Order, crosses: bool
) -> None:
    assert would_cross(side, price, [other]) == crosses


def test_what_can_no_longer_fill_cannot_be_met() -> None:
    ended = resting(1, Side.ASK, 5_300, 1_000)
    ended.filled = 1_000
    assert not would_cross(Side.BID, 5_300, [ended])
