"""The breaker's table: every reason to stop is a row, saying what is compared and what ends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

from mm.core.measures import DeskMeasures, Measures
from mm.core.settings import BreakerLimits
from mm.core.units import MONEY_DOLLAR, SECOND, Money, Nanos

M = TypeVar("M")
CATEGORY = "circuit_breaker"


class Scope(Enum):
    """Who stops: everybody, or the desk alone."""

    ACCOUNT = "account"
    DESK = "desk"


class Resets(Enum):
    """What ends a trip, from the easiest to the hardest. A person's reset, which needs a reason, ends all but
    the first kind; an automatic restart ends none."""

    WHEN_OVER = 0
    RESTART = 1
    NEW_DAY = 2
    PERSON = 3


def nothing(_: object) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Row(Generic[M]):
    """Trips when ``measure >= limit``, or only when ``measure > limit`` (``is_strict``); a limit of ``None``
    switches it off. ``what`` names the thing that is measured, for ``text``; ``loss`` and ``most``, or as P&L
    ``pnl`` and ``floor``, are measure and limit in dollars. ``is_warned_of``: a warning comes before.
    ``heals``: the trip is over as soon as the measure is back below its limit. The last two are categories
    of alerts."""

    name: str
    resets: Resets
    measure: Callable[[M], float]
    limit: Callable[[BreakerLimits], float | None]
    text: str
    what: Callable[[M], str] = nothing
    is_strict: bool = False
    is_warned_of: bool = True
    heals: bool = False
    trips_as: str = CATEGORY
    warns_as: str = CATEGORY

    def told(self, measured: M, measure: float, limit: float) -> str:
        """In words. A warning that is over may be told when the loss has become a gain."""
        return self.text.format(
            measure=measure,
            limit=limit,
            what=self.what(measured),
            loss=_signed(measure),
            most=_signed(limit),
            pnl=_signed(-measure),
            floor=_signed(-limit),
        )


def _signed(dollars: float) -> str:
    """-$1.50; nothing has no sign."""
    text = f"{abs(dollars):.2f}"
    return f"-${text}" if dollars < 0 and float(text) else f"${text}"


def _dollars(money: Money | None) -> float | None:
    return None if money is None else money / MONEY_DOLLAR


def _floor(money: Money | None) -> float | None:
    return None if money is None else -money / MONEY_DOLLAR


def _seconds(duration: Nanos | None) -> float | None:
    return None if duration is None else duration / SECOND


def _error_fraction(m: Measures) -> float:
    return m.calls.error_fraction if m.calls.samples >= m.limits.error_min_samples else 0.0


def _daily_loss_fraction(m: Measures) -> float:
    return (m.day_base - m.pnl) / m.day_equity if m.day_equity else 0.0


def _since(now: Nanos, moment: Nanos | None) -> float:
    return 0.0 if moment is None else (now - moment) / SECOND


def once(_: BreakerLimits) -> float:
    """There is no bearable amount of it."""
    return 1.0


ACCOUNT_ROWS: tuple[Row[Measures], ...] = (
    Row(
        "kill_switch",
        Resets.WHEN_OVER,
        lambda m: 1 if m.killed else 0,
        once,
        "kill switch: {what}",
        what=lambda m: m.killed,
        is_warned_of=False,
        heals=True,
        trips_as="kill_switch",
    ),
    Row(
        "max_consecutive_errors",
        Resets.RESTART,
        lambda m: m.calls.errors_in_a_row,
        lambda x: x.max_consecutive_errors,
        "{measure:.0f} API errors in a row (limit {limit:.0f})",
    ),
    Row(
        "pnl_threshold",
        Resets.PERSON,
        lambda m: (m.pnl_floor_base - m.pnl) / MONEY_DOLLAR,
        lambda x: _floor(x.pnl_threshold),
        "P&L is {pnl} (limit {floor})",
    ),
    Row(
        "max_error_fraction",
        Resets.RESTART,
        _error_fraction,
        lambda x: x.max_error_fraction,
        "{measure:.1%} of API calls failed (limit {limit:.1%})",
        is_strict=True,
    ),
    Row(
        "daily_loss_fraction",
        Resets.NEW_DAY,
        _daily_loss_fraction,
        lambda x: x.daily_loss_fraction,
        "lost {measure:.1%} of the day's opening equity (limit {limit:.1%})",
    ),
    Row(
        "daily_loss_dollars",
        Resets.NEW_DAY,
        lambda m: (m.day_base - m.pnl) / MONEY_DOLLAR,
        lambda x: _dollars(x.daily_loss),
        "lost {loss} today (limit {most})",
    ),
    Row(
        "weekly_loss_dollars",
        Resets.PERSON,
        lambda m: (m.week_base - m.pnl) / MONEY_DOLLAR,
        lambda x: _dollars(x.weekly_loss),
        "lost {loss} this week (limit {most})",
    ),
    Row(
        "losing_round_trips",
        Resets.PERSON,
        lambda m: m.losing_streak,
        lambda x: x.losing_round_trips,
        "{measure:.0f} losing round trips in a row (limit {limit:.0f})",
    ),
    Row(
        "feed_lost_seconds",
        Resets.RESTART,
        lambda m: _since(m.now, m.link_down_since),
        lambda x: _seconds(x.feed_lost),
        "market data lost for {measure:.0f} s (limit {limit:.0f} s)",
        is_warned_of=False,
    ),
    Row(
        "storage_lost_seconds",
        Resets.WHEN_OVER,
        lambda m: _since(m.now, m.storage_lost_since),
        lambda x: _seconds(x.storage_lost),
        "nothing could be written down for {measure:.0f} s (limit {limit:.0f} s): {what}",
        what=lambda m: m.storage_fault,
        is_warned_of=False,
        heals=True,
    ),
    Row(
        "unknown_orders",
        Resets.RESTART,
        lambda m: m.unknown_orders,
        lambda x: x.unknown_orders,
        "{measure:.0f} orders under our name that this run did not send (limit {limit:.0f})",
    ),
    Row(
        "account_cycles",
        Resets.PERSON,
        lambda m: m.cycles,
        lambda x: x.account_cycles,
        "{measure:.0f} quotes filled in full and put up again, all markets together (limit {limit:.0f})",
    ),
    Row(
        "position_mismatch",
        Resets.RESTART,
        lambda m: len(m.mismatches),
        once,
        "{what}",
        what=lambda m: "; ".join(m.mismatches.values()),
        is_warned_of=False,
        heals=True,
    ),
)

DESK_ROWS: tuple[Row[DeskMeasures], ...] = (
    Row(
        "max_inventory_imbalance",
        Resets.RESTART,
        lambda m: m.imbalance,
        lambda x: x.max_inventory_imbalance,
        "inventory is {measure:.0%} of the position limit (limit {limit:.0%})",
        is_strict=True,
        warns_as="inventory_imbalance",
    ),
    Row(
        "desk_pnl_threshold",
        Resets.PERSON,
        lambda m: (m.pnl_floor_base - m.pnl) / MONEY_DOLLAR,
        lambda x: _floor(x.desk_pnl_threshold),
        "P&L of the desk is {pnl} (limit {floor})",
    ),
    Row(
        "desk_losing_round_trips",
        Resets.PERSON,
        lambda m: m.losing_streak,
        lambda x: x.desk_losing_round_trips,
        "{measure:.0f} losing round trips of the desk in a row (limit {limit:.0f})",
    ),
    Row(
        "repeated_rejects",
        Resets.RESTART,
        lambda m: m.worst_rejects[0] if m.reject_runs else 0,
        lambda x: x.repeated_rejects,
        "{measure:.0f} times the same refusal (limit {limit:.0f}), {what}",
        what=lambda m: m.worst_rejects[1],
    ),
    Row(
        "market_cycles",
        Resets.PERSON,
        lambda m: m.cycles.most,
        lambda x: x.market_cycles,
        "{measure:.0f} quotes filled in full and put up again (limit {limit:.0f}), {what}",
        what=lambda m: m.cycles.busiest,
    ),
)

ROWS: tuple[Row[Any], ...] = (*ACCOUNT_ROWS, *DESK_ROWS)
_BY_NAME = {row.name: row for row in ROWS}


def scope_of(row: Row[Any]) -> Scope:
    return Scope.DESK if row in DESK_ROWS else Scope.ACCOUNT


def heals(rule: str) -> bool:
    row = _BY_NAME.get(rule)
    return row is not None and row.heals


def resets_of(rule: str) -> Resets:
    """What ends a trip by this rule. A person alone, if it is no row (a halt, a status file that cannot be
    read) or one of another version."""
    row = _BY_NAME.get(rule)
    return Resets.PERSON if row is None else row.resets
