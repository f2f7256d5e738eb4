"""How the property tests of the core run: the same examples every time, and no limit on wall time."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

PROPERTY = settings(
    deadline=None, derandomize=True, max_examples=200, suppress_health_check=[HealthCheck.too_slow]
)
FEW = settings(PROPERTY, max_examples=60)
