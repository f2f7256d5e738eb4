"""Is all well? The warning signs and healthy ranges of the operator's manual as a table, each judged green,
yellow or red from what the run's files say. What is not known is yellow: unknown is never healthy.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from mm.app.gauges import (
    ACCOUNT_GAUGES,
    DESK_GAUGES,
    MACHINE_GAUGES,
    PROCESS_GAUGES,
    Finding,
    Grade,
    grade,
    judged,
)
from mm.app.machine import Machine
from mm.app.vitals import DeskVitals, Vitals
from mm.config.healthy import Healthy
from mm.core.units import SECOND
from mm.observe.conditions import duration
from mm.observe.status import BreakerStatus

HOUR = 3600.0
# The part of a breaker's limit at which it turns yellow.
NEAR = 0.6
# By the name in an advice, how the file of a desk ends.
TABLES = {"trading": "jsonl", "latencies": "csv"}
# What ends a trip that no reset ends.
ADVICE_OF_RULE = {
    "kill_switch": "a person stopped it: kmm resume (or a start without BOT_DISABLE_TRADING)",
    "storage_lost_seconds": "make room on the disk (df -h): it ends by itself",
}


def live(vitals: Vitals, machine: Machine, healthy: Healthy) -> list[Finding]:
    """Everything worth a look while it trades, the process first."""
    found = [_heartbeat(vitals, healthy), *judged("process", PROCESS_GAUGES, vitals, healthy)]
    found += [_kill_switch(vitals), _critical_alerts(vitals), _files(vitals)]
    found += judged("account", ACCOUNT_GAUGES, vitals, healthy)
    for desk in vitals.desks:
        found += [_breaker(desk, vitals), *_limits(desk.name, desk.status)]
        found += (_placed(finding, vitals.home) for finding in judged(desk.name, DESK_GAUGES, desk, healthy))
    return found + list(judged("machine", MACHINE_GAUGES, machine, healthy))


def support(vitals: Vitals) -> list[Finding]:
    """The files that whoever helps will ask for, and how to hand them over."""
    return [_files(vitals), *(_breaker(desk, vitals) for desk in vitals.desks)]


def configuration(problem: str, path: Path) -> Finding:
    """``problem``: the first thing that is wrong with it, empty if it is right."""
    advice = (
        "the running bot goes on with what it read; a start would end with 78: "
        f"kmm verify-config --config {_typed(path)}"
    )
    if not problem:
        return Finding("process", "configuration", Grade.GREEN, "right", "right")
    return Finding("process", "configuration", Grade.RED, problem, "right", advice)


def is_alarming(findings: list[Finding]) -> bool:
    return any(finding.grade is Grade.RED for finding in findings)


def _placed(finding: Finding, home: Path) -> Finding:
    """With the paths in its advice, so that it works when it is typed."""
    files = {name: _typed(home / f"Strategy_{finding.scope}_{name}.{end}") for name, end in TABLES.items()}
    return finding._replace(advice=finding.advice.format(**files))


def _heartbeat(vitals: Vitals, healthy: Healthy) -> Finding:
    grade, value, advice = _pulse(vitals, float(healthy.heartbeat_buffer_seconds))
    return Finding("process", "heartbeat", grade, value, "fresh and active", advice)


def _pulse(vitals: Vitals, buffer: float) -> tuple[Grade, str, str]:
    """What of it is seen, and what to do."""
    beat, run = vitals.heartbeat, vitals.run
    timestamp, interval = beat.get("timestamp"), beat.get("interval_s")
    if run is not None:
        ended = f"ended {_age(vitals.now - (run.ended or run.started))} ago (exit code {run.exit_code})"
        return Grade.RED, ended, f"it does not run; its last word was: {run.reason}"
    if not isinstance(timestamp, int | float) or not isinstance(interval, int | float):
        return Grade.RED, "unknown", "has it ever run here? see --run-dir"
    age, status = vitals.now - timestamp, str(beat.get("status"))
    seen = f"{status}, {_age(age)} old"
    if vitals.is_killed:
        return Grade.RED, f"killed; {seen}", "start it again: what it left resting is cancelled then"
    if age > interval + buffer:
        return Grade.RED, seen, "it hangs: look at the end of <NAME>.log, then end it and start it again"
    judged = {"active": Grade.GREEN, "starting": Grade.YELLOW, "paused": Grade.YELLOW}.get(status, Grade.RED)
    return judged, seen, "" if judged is Grade.GREEN else "it lives, but does not quote: kmm status"


def _typed(path: Path) -> str:
    return shlex.quote(str(path))


def _age(seconds: float) -> str:
    return duration(round(seconds) * SECOND)


def _kill_switch(vitals: Vitals) -> Finding:
    reason, advice = vitals.kill_switch, "nothing is traded, by the next start neither: kmm resume"
    if not reason:
        return Finding("process", "kill switch", Grade.GREEN, "off", "off")
    return Finding("process", "kill switch", Grade.RED, f"on: {reason}", "off", advice)


def _critical_alerts(vitals: Vitals) -> Finding:
    name = "critical alerts in the last hour"
    if "alerts.jsonl" in dict(vitals.problems):
        return Finding("process", name, Grade.YELLOW, "unknown", "0")
    recent = [
        str(alert.get("category"))
        for alert in vitals.alerts
        if alert.get("level") == "critical" and float(alert.get("timestamp") or 0) > vitals.now - HOUR
    ]
    text = f"{len(recent)} ({', '.join(sorted(set(recent)))})" if recent else "0"
    advice = (
        f"jq -c 'select(.level == \"critical\")' {_typed(vitals.home / 'alerts.jsonl')}" if recent else ""
    )
    judged = Grade.YELLOW if recent else Grade.GREEN
    return Finding("process", name, judged, text, "0", advice)


def _files(vitals: Vitals) -> Finding:
    bad = "; ".join(f"{name}: {problem}" for name, problem in vitals.problems)
    advice = "a file that cannot be read says nothing: is this the run directory?" if bad else ""
    judged = Grade.RED if bad else Grade.GREEN
    return Finding("process", "files", judged, bad or "readable", "readable", advice)


def _breaker(desk: DeskVitals, vitals: Vitals) -> Finding:
    """A kill switch that was turned off while nothing runs is over, whatever the last run has written."""
    status, nobody_runs = desk.status, vitals.is_killed or vitals.run is not None
    is_over = status.trip_rule == "kill_switch" and nobody_runs and not vitals.kill_switch
    if status.trading_allowed or is_over:
        return Finding(desk.name, "circuit breaker", Grade.GREEN, "trading allowed", "trading allowed")
    text = f"tripped by {status.trip_rule}: {status.trip_reason}"
    advice = ADVICE_OF_RULE.get(
        status.trip_rule or "", 'find the cause, then: kmm breaker reset --reason "..."'
    )
    return Finding(desk.name, "circuit breaker", Grade.RED, text, "trading allowed", advice)


def _limits(desk: str, status: BreakerStatus) -> Iterator[Finding]:
    """Every rule of the breaker: how much of its limit is used."""
    for rule, limit in status.thresholds.items():
        value = status.measures.get(rule)
        if not limit:
            continue
        part = None if value is None else value / limit
        judged = grade(part, NEAR, 1)
        text = "unknown" if part is None else f"{max(part, 0.0):.0%} of the limit {limit:g}"
        is_near = part is not None and part > NEAR and rule != status.trip_rule
        advice = "trading stops at this limit: kmm breaker show" if is_near else ""
        yield Finding(desk, rule, judged, text, f"at most {NEAR:.0%}", advice)
