"""The operator's warning signs: each colour where it begins, and unknown never healthy."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mm.app.checklist import is_alarming, live
from mm.app.gauges import Finding, Grade, grade
from mm.app.kill_switch import KillSwitch
from mm.app.last_run import written_down
from mm.app.lock import hold_lock
from mm.app.machine import Machine
from mm.app.vitals import DeskVitals, Vitals, last_lines, read_vitals
from mm.config.healthy import Healthy
from mm.observe.heartbeat import Process
from mm.observe.status import BreakerStatus
from tests.observe.day import finished_day

NOW = 1_700_000_000.0
SUMMARY = {
    "order_success_rate_pct": 99.0,
    "api_errors_last_hour": 0,
    "avg_quote_latency_ms": 20.0,
    "slippage_pct": -0.2,
    "win_rate_pct": 61.0,
}
BEAT = {
    "timestamp": NOW - 1,
    "interval_s": 1.0,
    "status": "active",
    "loop_lag_ms": 3.0,
    "bankroll": 950.0,
    "resting_orders": 4,
    "oldest_order_s": 3_600.0,
    "write_limit_used_pct": 79.9,
    "read_limit_used_pct": 3.0,
}
FLAT = {"position": 0.0, "inventory_exposure": 0}
MARKETS = {"A": {"position": -10.0, "inventory_exposure": 50.0}, "B": FLAT}
TOGETHER = {"with_position": 0, "inventory_exposure": 0}
STATUS = BreakerStatus(
    is_open=True,
    trading_allowed=True,
    state="ok",
    trip_reason=None,
    trip_rule=None,
    trip_time=None,
    consecutive_errors=0,
    measures={"pnl_threshold": -10.0, "max_inventory_imbalance": 0.1},
    thresholds={"pnl_threshold": -100.0, "max_inventory_imbalance": 0.8},
    recent_errors=[],
    updated_at=NOW,
)
TRIPPED = {
    "is_open": False,
    "trading_allowed": False,
    "state": "tripped",
    "trip_rule": "pnl_threshold",
    "trip_reason": "P&L is -$101.00",
}
MACHINE = Machine(20.0, 30.0, 10.0)


def held(exposure: float | None) -> dict[str, Any]:
    return {"position": 1.0, "inventory_exposure": exposure}


def findings(
    summary: dict[str, Any] | None = None,
    beat: dict[str, Any] | None = None,
    status: dict[str, Any] | None = None,
    alerts: tuple[dict[str, Any], ...] = (),
    machine: Machine = MACHINE,
    markets: dict[str, Any] | None = None,
    together: dict[str, Any] | None = None,
    round_trip: float | None = 30.0,
    clock: float | None = 12.0,
) -> dict[str, Finding]:
    desk = DeskVitals(
        "DEFAULT",
        SUMMARY | (summary or {}),
        msgspec.structs.replace(STATUS, **(status or {})),
        MARKETS | (markets or {}),
        TOGETHER | (together or {}),
        round_trip,
        clock,
    )
    vitals = Vitals(NOW, (desk,), BEAT | (beat or {}), alerts, ())
    return {finding.name: finding for finding in live(vitals, machine, Healthy())}


def test_a_healthy_run_is_green_throughout() -> None:
    found = findings()
    assert [finding for finding in found.values() if finding.grade is not Grade.GREEN] == []
    assert not any(finding.advice for finding in found.values())


@pytest.mark.parametrize(
    ("name", "change", "expected"),
    [
        ("order success rate", {"summary": {"order_success_rate_pct": 95.0}}, "green"),
        ("order success rate", {"summary": {"order_success_rate_pct": 94.9}}, "yellow"),
        ("order success rate", {"summary": {"order_success_rate_pct": 90.0}}, "yellow"),
        ("order success rate", {"summary": {"order_success_rate_pct": 89.9}}, "red"),
        ("order success rate", {"summary": {"order_success_rate_pct": None}}, "yellow"),
        ("API errors in the last hour", {"summary": {"api_errors_last_hour": 4}}, "green"),
        ("API errors in the last hour", {"summary": {"api_errors_last_hour": 5}}, "yellow"),
        ("API errors in the last hour", {"summary": {"api_errors_last_hour": 20}}, "red"),
        ("quote latency, average", {"summary": {"avg_quote_latency_ms": 200.0}}, "green"),
        ("quote latency, average", {"summary": {"avg_quote_latency_ms": 500.0}}, "yellow"),
        ("quote latency, average", {"summary": {"avg_quote_latency_ms": 501.0}}, "red"),
        ("circuit breaker", {"status": TRIPPED}, "red"),
        ("pnl_threshold", {"status": {"measures": {"pnl_threshold": -60.0}}}, "green"),
        ("pnl_threshold", {"status": {"measures": {"pnl_threshold": -61.0}}}, "yellow"),
        ("pnl_threshold", {"status": {"measures": {"pnl_threshold": -101.0}}}, "red"),
        ("pnl_threshold", {"status": {"measures": {"pnl_threshold": 500.0}}}, "green"),
        ("pnl_threshold", {"status": {"measures": {}}}, "yellow"),
        ("heartbeat", {"beat": {"timestamp": NOW - 11}}, "green"),
        ("heartbeat", {"beat": {"timestamp": NOW - 11.5}}, "red"),
        ("heartbeat", {"beat": {"timestamp": "soon"}}, "red"),
        ("heartbeat", {"beat": {"status": "paused"}}, "yellow"),
        ("heartbeat", {"beat": {"status": "tripped"}}, "red"),
        ("lag of the trading loop", {"beat": {"loop_lag_ms": 2000.0}}, "red"),
        ("API response, average", {"round_trip": 500.0}, "green"),
        ("API response, average", {"round_trip": 501.0}, "yellow"),
        ("API response, average", {"round_trip": 2001.0}, "red"),
        ("API response, average", {"round_trip": None}, "yellow"),
        ("slippage", {"summary": {"slippage_pct": 0.5}}, "green"),
        ("slippage", {"summary": {"slippage_pct": 0.51}}, "yellow"),
        ("slippage", {"summary": {"slippage_pct": None}}, "yellow"),
        ("win rate", {"summary": {"win_rate_pct": 50.0}}, "green"),
        ("win rate", {"summary": {"win_rate_pct": 49.9}}, "yellow"),
        ("win rate", {"summary": {"win_rate_pct": 39.9}}, "red"),
        ("win rate", {"summary": {"win_rate_pct": None}}, "yellow"),
        ("offset of the clock", {"clock": 250.0}, "green"),
        ("offset of the clock", {"clock": 251.0}, "yellow"),
        ("offset of the clock", {"clock": 1001.0}, "red"),
        ("offset of the clock", {"clock": None}, "yellow"),
        ("write limit in use", {"beat": {"write_limit_used_pct": 80.1}}, "yellow"),
        ("write limit in use", {"beat": {"write_limit_used_pct": 95.1}}, "red"),
        ("read limit in use", {"beat": {"read_limit_used_pct": None}}, "yellow"),
        ("age of the oldest resting order", {"beat": {"oldest_order_s": 3_601.0}}, "yellow"),
        ("age of the oldest resting order", {"beat": {"oldest_order_s": 14_401.0}}, "red"),
        ("age of the oldest resting order", {"beat": {"oldest_order_s": None}}, "yellow"),
        ("age of the oldest resting order", {"beat": {"oldest_order_s": None, "resting_orders": 0}}, "green"),
        ("open positions", {"together": {"with_position": 2}}, "green"),
        ("open positions", {"together": {"with_position": 3}}, "yellow"),
        ("open positions", {"together": {"with_position": 5}}, "red"),
        ("open positions", {"together": {"with_position": None}}, "yellow"),
        ("largest position, of capital", {"markets": {"B": held(111.1)}}, "green"),
        ("largest position, of capital", {"markets": {"B": held(112.0)}}, "yellow"),
        ("largest position, of capital", {"markets": {"B": held(None)}}, "yellow"),
        ("largest position, of capital", {"beat": {"bankroll": None}}, "yellow"),
        ("largest position, of capital", {"markets": {"B": held(300.0)}}, "red"),
        ("exposure, of capital", {"together": {"inventory_exposure": 357.0}}, "green"),
        ("exposure, of capital", {"together": {"inventory_exposure": 358.0}}, "yellow"),
        ("exposure, of capital", {"together": {"inventory_exposure": 901.0}}, "red"),
        ("exposure, of capital", {"beat": {"bankroll": -1e6}}, "yellow"),
        ("disk in use", {"machine": Machine(81.0, 0.0, 0.0)}, "yellow"),
        ("disk in use", {"machine": Machine(None, 0.0, 0.0)}, "yellow"),
        ("memory in use", {"machine": Machine(0.0, 96.0, 0.0)}, "red"),
        ("processor in use", {"machine": Machine(0.0, 0.0, 71.0)}, "yellow"),
    ],
)
def test_where_each_colour_begins(name: str, change: dict[str, Any], expected: str) -> None:
    assert findings(**change)[name].grade.value == expected


@pytest.mark.parametrize(
    ("rule", "typed"),
    [
        ("kill_switch", "kmm resume"),
        ("storage_lost_seconds", "df -h"),
        ("pnl_threshold", "kmm breaker reset --reason"),
        ("status_file", "kmm breaker reset --reason"),
    ],
)
def test_the_advice_of_a_trip_is_what_ends_it(rule: str, typed: str) -> None:
    assert typed in findings(status=TRIPPED | {"trip_rule": rule})["circuit breaker"].advice


def test_a_limit_is_warned_of_until_it_has_tripped() -> None:
    for used, is_told in ((-60.0, False), (-61.0, True), (-100.0, True)):
        measured = {"measures": {"pnl_threshold": used}}
        assert bool(findings(status=measured)["pnl_threshold"].advice) is is_told, used
        assert not findings(status=TRIPPED | measured)["pnl_threshold"].advice, "the breaker's row says it"


def test_advice_names_the_files_where_they_are(tmp_path: Path) -> None:
    home = tmp_path / "two words"
    home.mkdir()
    (home / "Strategy_DEFAULT_metrics.json").write_text('{"summary": {"api_errors_last_hour": 30}}')
    (home / "Strategy_DEFAULT_trading.jsonl").write_text('{"event_type": "api_error"}\n')
    told = [row.advice for row in live(read_vitals(home, ["DEFAULT"], NOW), MACHINE, Healthy())]
    command = next(text for text in told if "api_error" in text).removeprefix("which: ")
    assert shlex.split(command)[-1] == str(home / "Strategy_DEFAULT_trading.jsonl")


def test_a_run_that_has_ended_says_how_and_one_that_was_killed_is_known_at_once(tmp_path: Path) -> None:
    beat = json.dumps(BEAT | {"timestamp": NOW, "timestamp_iso": "now", "resting_orders": 6, "pid": 1})
    (tmp_path / "heartbeat.json").write_text(beat)

    def seen() -> Finding:
        return live(read_vitals(tmp_path, [], NOW), MACHINE, Healthy())[0]

    with hold_lock(tmp_path), written_down(tmp_path, Process(1, "9"), round(NOW * 10**9)) as ended:
        assert seen().grade is Grade.GREEN
        running = (tmp_path / "last_run.json").read_bytes()
        ended.exit_code, ended.reason = 3, "not proven"
    assert seen().grade is Grade.RED and "exit code 3" in seen().value and "not proven" in seen().advice
    (tmp_path / "last_run.json").write_bytes(running)
    assert seen().grade is Grade.RED and seen().value == "killed; active, 0 s old"


def test_the_kill_switch_counts_as_it_is_also_where_nothing_runs(tmp_path: Path) -> None:
    left = msgspec.structs.replace(STATUS, **TRIPPED | {"trip_rule": "kill_switch"})
    (tmp_path / "DEFAULT_circuit_breaker_status.json").write_bytes(msgspec.json.encode(left))
    with written_down(tmp_path, Process(1, "9"), round(NOW * 10**9)):
        pass

    def grades() -> tuple[str, str]:
        rows = live(read_vitals(tmp_path, ["DEFAULT"], NOW), MACHINE, Healthy())
        found = {row.name: row.grade.value for row in rows}
        return found["kill switch"], found["circuit breaker"]

    KillSwitch(tmp_path, {}).turn_on("drill")
    assert grades() == ("red", "red")
    KillSwitch(tmp_path, {}).turn_off()
    assert grades() == ("green", "green")


def test_only_recent_critical_alerts_are_worth_a_look() -> None:
    name = "critical alerts in the last hour"
    old = {"level": "critical", "category": "storage", "timestamp": NOW - 3601}
    info = {"level": "info", "category": "bot_startup", "timestamp": NOW}
    assert findings(alerts=(old, info))[name].grade is Grade.GREEN
    found = findings(alerts=(old, {**old, "timestamp": NOW - 10}))[name]
    assert found.grade is Grade.YELLOW and found.value == "1 (storage)"


def test_red_alone_is_alarming() -> None:
    assert not is_alarming(list(findings(summary={"order_success_rate_pct": 92.0}).values()))
    assert is_alarming(list(findings(status=TRIPPED).values()))


def test_a_bound_belongs_to_the_better_colour_whichever_way_is_worse() -> None:
    assert [grade(value, 1, 2).value for value in (1, 1.5, 2, 3)] == ["green", "yellow", "yellow", "red"]
    assert [grade(value, 2, 1).value for value in (2, 1.5, 1, 0)] == ["green", "yellow", "yellow", "red"]


def test_an_empty_directory_is_unknown_and_says_which_files_are_missing(tmp_path: Path) -> None:
    vitals = read_vitals(tmp_path, ["DEFAULT"], NOW)
    assert {name for name, _ in vitals.problems} == {
        "Strategy_DEFAULT_metrics.json",
        "DEFAULT_circuit_breaker_status.json",
        "heartbeat.json",
        "alerts.jsonl",
    }
    found = live(vitals, MACHINE, Healthy())
    green = {finding.name for finding in found if finding.grade is Grade.GREEN}
    assert green == {"disk in use", "memory in use", "processor in use", "kill switch"}, "no file: it is off"


def test_rubbish_in_every_file_is_told_not_raised(tmp_path: Path) -> None:
    (tmp_path / "Strategy_DEFAULT_metrics.json").write_text("[1, 2]")
    (tmp_path / "heartbeat.json").write_bytes(b"\xff\xfe{")
    (tmp_path / "alerts.jsonl").write_text('{"level": "critical"}\nnot json\n3\n')
    (tmp_path / "DEFAULT_circuit_breaker_status.json").mkdir()
    vitals = read_vitals(tmp_path, ["DEFAULT"], NOW)
    assert len(vitals.problems) == 4 and len(vitals.alerts) == 1
    assert not vitals.desks[0].status.trading_allowed


def test_the_last_lines_are_whole_ones(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    every = [json.dumps({"n": number, "pad": "x" * 300}).encode() for number in range(1000)]
    path.write_bytes(b"".join(line + b"\n" for line in every) + b'{"torn')
    for count in (1, 7, 500, 1000, 5000):
        assert last_lines(path, count) == every[-count:]
    path.write_bytes(b"")
    assert last_lines(path, 5) == []


def test_the_figures_come_from_the_files_of_a_run(tmp_path: Path) -> None:
    """Section 4 of the operator's contract: thresholds were missing."""
    run = finished_day(tmp_path)
    found = {row.name: row for row in live(read_vitals(run, ["DEFAULT"], NOW), MACHINE, Healthy())}
    assert found["open positions"].value == "1"
    assert found["API response, average"].value == "50 ms"
    bankroll, exposure = 98_765.4321, 5 * 0.475
    for name in ("largest position, of capital", "exposure, of capital"):
        assert found[name].value == f"{100 * exposure / (bankroll + exposure):.1f} %"
    assert found["offset of the clock"].value == "unknown", "an age of 0.5 ms, and no least one"
    # Bought 5 at 0.47, and the mid was 0.495 ten seconds later.
    assert found["slippage"].value == f"{-100 * 0.025 / 0.47:.2f} %"
