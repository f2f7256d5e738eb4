"""What the breaker says of money, in a person's words."""

from __future__ import annotations

import pytest

from mm.core.units import MONEY_DOLLAR as DOLLAR
from tests.core.test_breaker_rows import bought, marked
from tests.core.test_breaker_scopes import alerts, of


@pytest.mark.parametrize(
    ("rule", "limit", "lost", "gained"),
    [
        ("pnl_threshold", -DOLLAR, "P&L is -$0.60 (limit -$1.00)", "P&L is $0.10 (limit -$1.00)"),
        (
            "desk_pnl_threshold",
            -DOLLAR,
            "P&L of the desk is -$0.60 (limit -$1.00)",
            "P&L of the desk is $0.10 (limit -$1.00)",
        ),
        ("daily_loss", DOLLAR, "lost $0.60 today (limit $1.00)", "lost -$0.10 today (limit $1.00)"),
        ("weekly_loss", DOLLAR, "lost $0.60 this week (limit $1.00)", "lost -$0.10 this week (limit $1.00)"),
    ],
)
def test_a_loss_that_became_a_gain_has_its_sign(rule: str, limit: int, lost: str, gained: str) -> None:
    """The end of a warning said "P&L is -$-0.10"."""
    bench = of(**{rule: limit, "warn_fraction": 0.6})
    bought(bench, 10)
    marked(45)(bench)
    marked(52)(bench)
    assert [message for _, message in alerts(bench)] == [f"warning: {lost}", f"over: {gained}"]
