"""Our own quote runs away, in steps that are each allowed (control C04)."""

from __future__ import annotations

import pytest

from mm.core.units import CENT, SECOND
from tests.core.test_breaker_rows import tripped
from tests.core.test_breaker_scopes import A, of


@pytest.mark.parametrize("step", [-1, 1], ids=["away", "nearer"])
def test_a_ramp_of_steps_that_are_each_allowed_is_pulled_and_resumed_after_the_window(step: int) -> None:
    bench = of(quote_drift=3 * CENT, drift_window=10 * SECOND)
    bench.book("40:100 | 60:100")
    which = 0
    for cents in range(51, 51 + 4 * step, step):
        bench.wishes[A] = f"{cents}:10 |"
        line = bench.tick(1.01)[-1]
        if line.startswith("amend"):
            assert line == f"amend #{which} 10@{cents}"
            bench.amended(which)
            continue
        which += 1
        assert line == f"place #{which} bid 10@{cents}"
        bench.ack(which)
        if which > 1:
            assert bench.tick() == [f"cancel #{which - 1}"]
            bench.canceled(which - 1, 10)
    bench.wishes[A] = f"{51 + 4 * step}:10 |"
    assert bench.tick(1.01) == [f"cancel #{which}", "alert order_anomaly"]
    bench.canceled(which, 10)
    assert tripped(bench) == []
    assert bench.tick(9.9) == []
    assert bench.tick(1.2) == [f"place #{which + 1} bid 10@{51 + 4 * step}"]


def test_a_quote_that_moves_as_far_in_more_time_is_left_alone() -> None:
    bench = of(quote_drift=3 * CENT, drift_window=10 * SECOND)
    bench.book("40:100 | 60:100")
    bench.wishes[A] = "57:10 |"
    bench.tick(1.01)
    bench.ack(1)
    for cents in range(56, 48, -1):
        bench.wishes[A] = f"{cents}:10 |"
        assert bench.tick(3) == [f"amend #1 10@{cents}"]
        bench.amended(1)
