"""A checker that never cries is no checker: break one rule of the bot on purpose, and the venue's witness, or
the comparison of the books, must see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mm.app.simulated import Scene
from mm.app.simulated_world import USER
from mm.config.model import Config
from mm.core import exposure
from mm.core.ledger import Ledger
from mm.core.order import Order, OrderState
from mm.core.reconcile import Reconciler
from mm.core.risk import Gate
from mm.drivers.network import STORM
from mm.sim.ledger import Account
from mm.sim.ledger import Ledger as Books

SEEDS = range(300, 312)
SECONDS = 60
Patch = pytest.MonkeyPatch


def a_pending_cancel_no_longer_counts(patch: Patch) -> None:
    whole: Callable[[Order], int] = Order.open.fget  # type: ignore[attr-defined]
    states = (OrderState.PENDING_CANCEL, OrderState.IN_DOUBT)
    patch.setattr(Order, "open", property(lambda order: 0 if order.state in states else whole(order)))


def an_order_that_ended_is_forgotten_at_once(patch: Patch) -> None:
    """Although some of its fills were not yet seen."""
    whole: Callable[[Order], int] = Order.open.fget  # type: ignore[attr-defined]
    patch.setattr(
        Order, "open", property(lambda order: 0 if order.state is OrderState.CLOSING else whole(order))
    )


def a_fill_told_twice_is_booked_twice(patch: Patch) -> None:
    patch.setattr(Ledger, "_remember", lambda ledger, fill: None)


def fees_are_forgotten(patch: Patch) -> None:
    whole = Ledger.book

    def book(ledger: Ledger, fill: object) -> bool:
        done = whole(ledger, fill)  # type: ignore[arg-type]
        ledger.position(fill.ticker).fees -= fill.fee if done else 0  # type: ignore[attr-defined]
        return done

    patch.setattr(Ledger, "book", book)


def lost_fills_are_never_asked_for(patch: Patch) -> None:
    patch.setattr(Reconciler, "due", lambda self, now, quickly: None)


def the_gate_is_open(patch: Patch) -> None:
    patch.setattr(Gate, "room", lambda self, ticker, side, limits: 10**9)
    patch.setattr("mm.core.desk.limit", lambda quotes, view, limits: (list(quotes), []))
    patch.setattr("mm.core.desk.Desk.quoting_limit", 10**9)
    patch.setattr(exposure.Exposure, "reach", lambda self, ticker, side: 0)


MUTANTS = [
    a_pending_cancel_no_longer_counts,
    an_order_that_ended_is_forgotten_at_once,
    a_fill_told_twice_is_booked_twice,
    fees_are_forgotten,
    lost_fills_are_never_asked_for,
    the_gate_is_open,
]


def small_limits(config: Config) -> Config:
    """Limits that one quote fills: every miscount shows at once."""
    desk = config.desks["DEFAULT"]
    limits = desk.limits.model_copy(
        update={"max_position_contracts": type(desk.limits.max_position_contracts)(13)}
    )
    desks = {"DEFAULT": desk.model_copy(update={"limits": limits})}
    return config.model_copy(update={"desks": desks})


def found_by_the_witness(config: Config) -> list[str]:
    wrong: list[str] = []
    for seed in SEEDS:
        scene = Scene(small_limits(config), seed, STORM)
        scene.run(SECONDS)
        wrong += scene.wrong()
        if wrong:
            break
    return wrong


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_broken_rule_is_seen(config: Config, monkeypatch: Patch, mutant: Callable[[Patch], None]) -> None:
    mutant(monkeypatch)
    assert found_by_the_witness(config)


def test_an_exchange_that_loses_money_is_seen_at_the_fill_that_lost_it(
    config: Config, monkeypatch: Patch
) -> None:
    whole = Books.book_fill

    def book_fill(books: Books, account: Account, *terms: Any) -> Any:
        account.cash -= account.user_id == USER
        return whole(books, account, *terms)

    monkeypatch.setattr(Books, "book_fill", book_fill)
    scene = Scene(config, SEEDS[0], STORM, audited=True)
    with pytest.raises(AssertionError, match="money is not conserved"):
        scene.run(SECONDS)
    assert scene.witness.fills == 1


def test_the_rules_as_they_are_pass(config: Config) -> None:
    assert found_by_the_witness(config) == []
