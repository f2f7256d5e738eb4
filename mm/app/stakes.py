"""What a run has at stake, from its files: positions against the capital, all desks together, and how long
orders rest. One figure that is missing makes the whole unknown.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mm.app.vitals import Vitals


def open_positions(vitals: Vitals) -> float | None:
    """How many markets hold one; also of those that a metrics file tells only together."""
    rows = list(_markets(vitals))
    others = [desk.other_markets.get("with_position") for desk in vitals.desks]
    found, together = _numbers([row.get("position") for row in rows]), _numbers(others)
    if found is None or together is None or not vitals.desks:
        return None
    return sum(map(bool, found)) + sum(together)


def exposure_pct(vitals: Vitals) -> float | None:
    """What all positions lose if every market settles against them, of the capital."""
    at_risk, capital = _at_risk(vitals), _capital(vitals)
    return None if at_risk is None or not capital else 100 * sum(at_risk) / capital


def largest_position_pct(vitals: Vitals) -> float | None:
    """The same of the position that loses most; the metrics tell those with a position one by one."""
    single, capital = _exposures(vitals), _capital(vitals)
    return None if single is None or not capital else 100 * max(single, default=0.0) / capital


def oldest_order_minutes(vitals: Vitals) -> float | None:
    """Since anything was last heard of the order that waits longest; 0 if none rests."""
    if vitals.heartbeat.get("resting_orders") == 0:
        return 0.0
    seconds = _numbers([vitals.heartbeat.get("oldest_order_s")])
    return None if seconds is None else seconds[0] / 60


def _capital(vitals: Vitals) -> float | None:
    """Cash, and what the positions are worth at their marks, which is what they can lose; None unless above
    0."""
    cash, at_risk = _numbers([vitals.heartbeat.get("bankroll")]), _at_risk(vitals)
    if at_risk is None or cash is None:
        return None
    capital = cash[0] + sum(at_risk)
    return capital if capital > 0 else None


def _at_risk(vitals: Vitals) -> list[float] | None:
    single = _exposures(vitals)
    others = _numbers([desk.other_markets.get("inventory_exposure") for desk in vitals.desks])
    return None if single is None or others is None else [*single, *others]


def _exposures(vitals: Vitals) -> list[float] | None:
    values = [row.get("inventory_exposure") for row in _markets(vitals)]
    return _numbers(values) if vitals.desks else None


def _markets(vitals: Vitals) -> Iterator[dict[str, Any]]:
    for desk in vitals.desks:
        for row in desk.markets.values():
            yield row if isinstance(row, dict) else {}


def _numbers(values: list[Any]) -> list[float] | None:
    """None if one of them is none."""
    found = [float(value) for value in values if type(value) in (int, float)]
    return found if len(found) == len(values) else None
