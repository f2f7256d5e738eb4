"""What is measured and judged by two bounds: the warning signs and healthy ranges of the operator's manual,
as tables. The bounds are the configuration's; a measure that is not known is yellow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any, NamedTuple, TypeAlias

from mm.app.stakes import exposure_pct, largest_position_pct, oldest_order_minutes, open_positions
from mm.config.healthy import Healthy


class Grade(Enum):
    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


class Finding(NamedTuple):
    """``scope`` is a desk, the account, the process or the machine; ``advice`` is empty while all is well."""

    scope: str
    name: str
    grade: Grade
    value: str
    healthy: str
    advice: str = ""


Number: TypeAlias = float | None


class Gauge(NamedTuple):
    """A number with two bounds: ``good`` is where green ends, ``bad`` where red begins. Which way is worse
    follows from which of them is larger. Bounds are in the unit of the measure."""

    name: str
    measure: Callable[[Any], Number]
    good: Callable[[Healthy], float]
    bad: Callable[[Healthy], float]
    form: str
    advice: str


def _percent(fraction: object) -> float:
    return float(str(fraction)) * 100


DESK_GAUGES: tuple[Gauge, ...] = (
    Gauge(
        "order success rate",
        lambda desk: desk.summary.get("order_success_rate_pct"),
        lambda h: _percent(h.order_success),
        lambda h: _percent(h.order_success_alarm),
        "{:.1f} %",
        "why are orders refused: jq -c 'select(.event_type == \"order_rejected\")' {trading}",
    ),
    Gauge(
        "API errors in the last hour",
        lambda desk: desk.summary.get("api_errors_last_hour"),
        lambda h: h.api_errors_per_hour - 1,
        lambda h: h.api_errors_alarm_per_hour - 1,
        "{:.0f}",
        "which: jq -c 'select(.event_type == \"api_error\")' {trading}",
    ),
    Gauge(
        "quote latency, average",
        lambda desk: desk.summary.get("avg_quote_latency_ms"),
        lambda h: float(h.quote_latency_ms),
        lambda h: float(h.quote_latency_alarm_ms),
        "{:.0f} ms",
        "the network, the exchange, or the machine (below): compare the names in {latencies}",
    ),
    Gauge(
        "API response, average",
        lambda desk: desk.round_trip_ms,
        lambda h: float(h.api_response_ms),
        lambda h: float(h.api_response_alarm_ms),
        "{:.0f} ms",
        "the network or the exchange: round_trip in {latencies}",
    ),
    Gauge(
        "slippage",
        lambda desk: desk.summary.get("slippage_pct"),
        lambda h: _percent(h.slippage),
        lambda h: _percent(h.slippage_alarm),
        "{:.2f} %",
        "the market moves through our quotes: wider, smaller, or not at all; markouts in the metrics",
    ),
    Gauge(
        "win rate",
        lambda desk: desk.summary.get("win_rate_pct"),
        lambda h: _percent(h.win_rate),
        lambda h: _percent(h.win_rate_alarm),
        "{:.0f} %",
        "what is bought is sold for less: spread_capture_pnl and inventory_pnl in the metrics say why",
    ),
)

ACCOUNT_GAUGES: tuple[Gauge, ...] = (
    Gauge(
        "open positions",
        open_positions,
        lambda h: h.open_positions,
        lambda h: h.open_positions_alarm,
        "{:.0f}",
        "which: `markets` of the metrics files; fewer markets (`max_markets`), or kmm flatten",
    ),
    Gauge(
        "largest position, of capital",
        largest_position_pct,
        lambda h: _percent(h.position_of_capital),
        lambda h: _percent(h.position_of_capital_alarm),
        "{:.1f} %",
        "lower max_position_contracts of its desk, and kmm reload",
    ),
    Gauge(
        "exposure, of capital",
        exposure_pct,
        lambda h: _percent(h.exposure_of_capital),
        lambda h: _percent(h.exposure_of_capital_alarm),
        "{:.1f} %",
        "lower max_total_exposure_dollars, and kmm reload",
    ),
)

PROCESS_GAUGES: tuple[Gauge, ...] = (
    Gauge(
        "lag of the trading loop",
        lambda vitals: vitals.heartbeat.get("loop_lag_ms"),
        lambda h: float(h.loop_lag_ms),
        lambda h: float(h.loop_lag_alarm_ms),
        "{:.0f} ms",
        "what else runs on this machine? see memory and processor",
    ),
    Gauge(
        "offset of the clock",
        lambda vitals: max(
            (desk.clock_ms for desk in vitals.desks if desk.clock_ms is not None), default=None
        ),
        lambda h: float(h.clock_offset_ms),
        lambda h: float(h.clock_offset_alarm_ms),
        "{:.0f} ms",
        "is the time kept? timedatectl, chronyc tracking; or the way to the exchange is slow",
    ),
    Gauge(
        "write limit in use",
        lambda vitals: vitals.heartbeat.get("write_limit_used_pct"),
        lambda h: _percent(h.rate_limit_used),
        lambda h: _percent(h.rate_limit_used_alarm),
        "{:.1f} %",
        "fewer markets or a longer min_tick_interval_ms; or ask the exchange for a higher tier",
    ),
    Gauge(
        "read limit in use",
        lambda vitals: vitals.heartbeat.get("read_limit_used_pct"),
        lambda h: _percent(h.rate_limit_used),
        lambda h: _percent(h.rate_limit_used_alarm),
        "{:.1f} %",
        "what else reads with this account? its key may be used elsewhere, too",
    ),
    Gauge(
        "age of the oldest resting order",
        oldest_order_minutes,
        lambda h: float(h.order_age_minutes),
        lambda h: float(h.order_age_alarm_minutes),
        "{:.0f} min",
        "a market that stands still, or one that is not looked at: kmm status",
    ),
)

MACHINE_GAUGES: tuple[Gauge, ...] = (
    Gauge(
        "disk in use",
        lambda machine: machine.disk_used_pct,
        lambda h: _percent(h.disk_used),
        lambda h: _percent(h.disk_used_alarm),
        "{:.0f} %",
        "make room: while the journal cannot be written, nothing is quoted",
    ),
    Gauge(
        "memory in use",
        lambda machine: machine.memory_used_pct,
        lambda h: _percent(h.memory_used),
        lambda h: _percent(h.memory_used_alarm),
        "{:.0f} %",
        "which process: ps aux --sort=-rss | head",
    ),
    Gauge(
        "processor in use",
        lambda machine: machine.cpu_used_pct,
        lambda h: _percent(h.cpu_used),
        lambda h: _percent(h.cpu_used_alarm),
        "{:.0f} %",
        "which process: ps aux --sort=-pcpu | head",
    ),
)


def grade(value: Number, good: float, bad: float) -> Grade:
    """Between the bounds, and unknown, is yellow; on a bound is the better colour."""
    if value is None:
        return Grade.YELLOW
    sign = 1 if bad >= good else -1
    if sign * value <= sign * good:
        return Grade.GREEN
    return Grade.YELLOW if sign * value <= sign * bad else Grade.RED


def judged(scope: str, gauges: tuple[Gauge, ...], source: object, healthy: Healthy) -> Iterator[Finding]:
    """Each gauge of ``source``, with advice where it is known not to be well."""
    for gauge in gauges:
        value, good, bad = gauge.measure(source), gauge.good(healthy), gauge.bad(healthy)
        colour = grade(value, good, bad)
        text = "unknown" if value is None else gauge.form.format(value)
        word = "at most" if bad >= good else "at least"
        advice = gauge.advice if colour is not Grade.GREEN and value is not None else ""
        yield Finding(scope, gauge.name, colour, text, f"{word} {gauge.form.format(good)}", advice)
