"""The warning of a high exposure, on the real engine and its real orders."""

from __future__ import annotations

import msgspec

from mm.app.exposure_watch import ExposureWatch
from mm.core.actions import Alert
from mm.core.events import Reconfigure
from mm.core.units import MONEY_DOLLAR, SECOND, Nanos
from tests.core.bench import Bench


class Watched(Bench):
    """Quotes 10 at 0.51 and 10 at 0.53 (47 cents at risk each): the worst that may happen costs $5.10."""

    def __init__(self) -> None:
        super().__init__()
        self.quoting(wishes="51:10 | 53:10")
        self.tick()
        self.heard: list[tuple[str, Alert]] = []
        self.watch = ExposureWatch(self.engine, self._hear)
        self.looks = 0

    def _hear(self, alert: Alert, ts: Nanos) -> None:
        self.heard.append((alert.level.value, alert))

    def look(self, limit_cents: int) -> list[str]:
        """The levels of what was told, with so much as the limit."""
        limit = limit_cents * MONEY_DOLLAR // 100
        settings = msgspec.structs.replace(self.engine.settings, max_total_exposure=limit)
        self.engine.on_event(Reconfigure(self.now, settings))
        self.looks += 1
        before = len(self.heard)
        self.watch.on_time(self.looks * SECOND, self.engine)
        return [level for level, _ in self.heard[before:]]


def test_it_is_told_above_four_fifths_once_and_again_when_it_is_below_seven_tenths() -> None:
    bench = Watched()
    assert bench.engine.know.exposure.total == 510 * MONEY_DOLLAR // 100
    limits = (638, 637, 600, 638, 728, 729, 800, 637)
    assert [bench.look(limit) for limit in limits] == [
        [],  # 79.9 %
        ["warning"],  # 80.06 %
        [],
        [],
        [],  # 70.05 %
        ["info"],  # 69.96 %
        [],
        ["warning"],
    ]
    alert = bench.heard[0][1]
    assert alert.category == "exposure"
    assert dict(alert.details) == {"current": 5.1, "max": 6.37, "exposure_pct": 0.8006}
    assert bench.heard[1][1].message == "total exposure is far from its limit again after 4 s"


def test_it_looks_once_a_second() -> None:
    bench = Watched()
    bench.look(800)
    bench.watch.on_time(bench.looks * SECOND + 1, bench.engine)
    settings = msgspec.structs.replace(bench.engine.settings, max_total_exposure=MONEY_DOLLAR)
    bench.engine.on_event(Reconfigure(bench.now, settings))
    bench.watch.on_time(bench.looks * SECOND + 2, bench.engine)
    assert bench.heard == []
    bench.watch.on_time(bench.looks * SECOND + SECOND, bench.engine)
    assert len(bench.heard) == 1
