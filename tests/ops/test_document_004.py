"""Every reading command of the operator's quick start, as written, at four moments of a busy run.

What is expected is computed from the files in another language than jq's; whether the files are true is
`test_document_004_ledger`.
"""

from __future__ import annotations

import json
import tarfile
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mm.config.load import load_config
from tests.ops import fenced_commands as words
from tests.ops.busy_run import METRICS, PACKED, READ, STATUS, Day, Seen
from tests.ops.fenced_commands import (
    FOLLOWING,
    READING,
    STAND_INS,
    SUPERVISOR,
    SYSTEMD,
    environment,
    fenced,
    objects,
    type_in,
)

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = ROOT / ".." / "shared" / "documents"
MOMENTS = ("running", "tripped", "killed", "restarted")
QUIET = ("tripped", "killed")  # nothing is sent any more
THRESHOLDS = ("max_consecutive_errors", "pnl_threshold", "max_inventory_imbalance")


# -- what each command must print --------------------------------------------------------------------------
def breaker(seen: Seen, printed: str) -> None:
    assert objects(printed) == [seen.document(STATUS)]


def summary(seen: Seen, printed: str) -> None:
    assert objects(printed) == [seen.document(METRICS)["summary"]]


def success_rate(seen: Seen, printed: str) -> None:
    """Sent and answered are counted in the trading log, too, by what this process wrote."""
    rate = float(printed) if printed != "null\n" else None
    assert rate == seen.document(METRICS)["summary"]["order_success_rate_pct"]
    if seen.name in QUIET:
        acknowledged, rejected = len(seen.events("order_acknowledged")), len(seen.events("order_rejected"))
        doubted = seen.document(METRICS)["summary"]["orders_in_doubt"]
        assert rate == pytest.approx(100 * acknowledged / (acknowledged + rejected + doubted))


def latency(seen: Seen, printed: str) -> None:
    assert json.loads(printed) == seen.document(METRICS)["summary"]["avg_quote_latency_ms"]
    assert seen.name == "restarted" or json.loads(printed) > 0


def is_open(seen: Seen, printed: str) -> None:
    assert printed == ("true\n" if seen.name == "running" else "false\n")


def trip_reason(seen: Seen, printed: str) -> None:
    reason = json.loads(printed)
    assert (reason is None) if seen.name == "running" else ("API errors in a row" in reason)


def count_of_error_lines(seen: Seen, printed: str) -> None:
    """Lines, not events: an error has eight keys and two braces."""
    assert int(printed) == 10 * len(seen.events("api_error")) >= 30


def last_errors(seen: Seen, printed: str) -> None:
    """Ten lines are one whole event."""
    assert objects(printed) == seen.events("api_error")[-1:]


def errors_by_second(seen: Seen, printed: str) -> None:
    times = [datetime.fromtimestamp(int(error["timestamp"]), UTC) for error in seen.events("api_error")]
    expected = Counter(f"{time:%Y-%m-%d %H:%M:%S}" for time in times)
    found = [line.split(maxsplit=1) for line in printed.splitlines()]
    assert {second: int(count) for count, second in found} == expected


def critical(seen: Seen, printed: str) -> None:
    found = objects(printed)
    assert found == [alert for alert in seen.lines("alerts.jsonl") if alert["level"] == "critical"]
    assert seen.name == "running" or "circuit_breaker" in {alert["category"] for alert in found}


def fills_of_last_hour(seen: Seen, printed: str) -> None:
    found = {(fill["trade_id"], fill["order_id"]) for fill in objects(printed)}
    assert found == {(fill["trade_id"], fill["order_id"]) for fill in seen.fills}


def crash(seen: Seen, printed: str) -> None:
    """The last line of the last one: a brace says that there is one."""
    crashes = [alert for alert in seen.lines("alerts.jsonl") if alert["category"] == "bot_crash"]
    assert printed == ("}\n" if crashes else "")
    assert bool(crashes) == (seen.name == "restarted"), "told by the start that follows"


def last_log(seen: Seen, printed: str) -> None:
    assert printed.count("\n") == 100
    assert printed in (Path(seen.after) / "DEFAULT.log").read_text("ascii")


def positions(seen: Seen, printed: str) -> None:
    """Five lines are what matters of the last change."""
    last = seen.events("inventory_change")[-1]
    assert json.loads("{" + printed) == {name: last[name] for name in list(last)[-4:]}
    assert list(last)[-4:] == ["ticker", "new_inventory", "change", "reason"]


def bundle(seen: Seen, printed: str) -> None:
    assert printed == ""
    with tarfile.open(Path(seen.after) / PACKED) as tar:
        assert {entry.name for entry in tar if entry.isreg()} == set(READ)
        packed = {name: tar.extractfile(name).read().decode("ascii") for name in READ}  # type: ignore[union-attr]
    for name, text in packed.items():
        assert objects(text)
        assert (Path(seen.after) / name).read_text("ascii") == text


EXPECTED: dict[str, Callable[[Seen, str], None]] = {
    words.BREAKER: breaker,
    words.SUMMARY: summary,
    words.COUNT_ERRORS: count_of_error_lines,
    words.SUCCESS_RATE: success_rate,
    words.CRITICAL: critical,
    words.LAST_ERRORS: last_errors,
    words.FILLS_OF_LAST_HOUR: fills_of_last_hour,
    words.ERRORS_BY_SECOND: errors_by_second,
    words.LATENCY: latency,
    words.IS_OPEN: is_open,
    words.TRIP_REASON: trip_reason,
    words.CRASH: crash,
    words.LAST_LOG: last_log,
    words.POSITIONS: positions,
    words.BUNDLE: bundle,
}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("command", READING)
def test_a_reading_command_prints_what_the_files_say(day: Day, moment: str, command: str) -> None:
    seen = day.moments[moment].as_met_by(command)
    EXPECTED[command](seen, seen.printed[command])


@pytest.mark.parametrize("command", [command for command in READING if "jq" in command])
def test_a_machine_without_jq_gets_the_same_from_its_stand_in(day: Day, command: str) -> None:
    """Else the tests above would say nothing where the stand-in stood in."""
    seen = day.moments["killed"]
    env = environment([STAND_INS / "jq"])
    EXPECTED[command](seen, type_in(command, Path(seen.after), env))


def test_commands_that_go_on_show_what_was_not_there_before(day: Day) -> None:
    """Reached at all only because each showed an order, or the trip, that came after it began."""
    assert set(day.followed) == set(FOLLOWING)
    assert {event["event_type"] for event in objects(day.followed[words.TAIL_TRADING])} & {
        "order_sent",
        "order_acknowledged",
        "fill",
    }


def test_every_fenced_command_of_the_document_is_typed_somewhere() -> None:
    found = sorted(DOCUMENTS.glob("004_*.txt"))
    if not found:
        pytest.skip("the operator's documents are not beside this checkout (../shared/documents)")
    ours = {*FOLLOWING, *READING, *SYSTEMD, *SUPERVISOR}
    assert set(fenced(found[0].read_text())) == ours
    assert set(EXPECTED) == set(READING)


def test_the_settings_of_the_document_are_settings_here(tmp_path: Path) -> None:
    """Each threshold alone, as the quick start writes it, and with the value that it shows."""
    rows = ("max_consecutive_errors: 10", "pnl_threshold: -100.0", "max_inventory_imbalance: 0.8")
    text = "circuit_breaker:\n" + "".join(f"  {row}\n" for row in rows)
    (tmp_path / "config.yaml").write_text(f"version: 1\ndesks:\n  DEFAULT:\n    strategy: glft\n{text}")
    written = load_config(tmp_path / "config.yaml", {}).circuit_breaker
    default = load_config(ROOT / "config.yaml", {}).circuit_breaker
    for name in THRESHOLDS:
        assert getattr(written, name) == getattr(default, name)
    for row in rows:
        assert row in (ROOT / "config.yaml").read_text()
