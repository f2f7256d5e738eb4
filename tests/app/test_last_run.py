"""How a run says that it ended, and what the next one makes of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mm.app.last_run import FARTHEST, HEARTBEAT, NAME, crash_of, fills_since, read_former, written_down
from mm.core.units import SECOND
from mm.observe.heartbeat import Process

US = Process(4711, "9.9")


def test_a_first_start_knows_of_nobody(tmp_path: Path) -> None:
    assert crash_of(read_former(tmp_path)) is None


def test_an_end_is_written_down_and_no_crash(tmp_path: Path) -> None:
    with written_down(tmp_path, US, 10**18) as ended:
        assert json.loads((tmp_path / NAME).read_text())["state"] == "running"
        ended.exit_code, ended.reason = 0, "SIGTERM"
    run = read_former(tmp_path).run
    assert run is not None
    assert (run.state, run.exit_code, run.reason, run.pid) == ("ended", 0, "SIGTERM", 4711)
    assert crash_of(read_former(tmp_path)) is None


def test_a_fault_is_an_end_too(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), written_down(tmp_path, US, 10**18):
        raise ZeroDivisionError
    run = read_former(tmp_path).run
    assert run is not None and (run.state, run.exit_code) == ("ended", 1)


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """What a run leaves that could write nothing more."""
    with written_down(tmp_path, US, 10**18):
        left = (tmp_path / NAME).read_bytes()
    (tmp_path / NAME).write_bytes(left)
    return tmp_path


def test_one_that_was_killed_is_told_with_its_last_heartbeat(killed: Path) -> None:
    beat = {"timestamp": 1e9, "timestamp_iso": "then", "status": "active", "resting_orders": 6, "pid": 4711}
    (killed / HEARTBEAT).write_text(json.dumps({**beat, "more": 1}))
    alert = crash_of(read_former(killed))
    assert alert is not None
    assert (alert.level.value, alert.category) == ("critical", "bot_crash")
    assert "process 4711" in alert.message and "last heartbeat then, 6 orders" in alert.message
    assert dict(alert.details)["resting_orders"] == 6


def test_a_heartbeat_of_another_run_says_nothing_of_this_one(killed: Path) -> None:
    beat = {"timestamp": 1e9, "timestamp_iso": "then", "status": "active", "resting_orders": 6, "pid": 1}
    (killed / HEARTBEAT).write_text(json.dumps(beat))
    alert = crash_of(read_former(killed))
    assert alert is not None and "6 orders" not in alert.message


@pytest.mark.parametrize("text", ["", "{", '{"pid": "x"}', "[]", '{"state": "asleep"}'])
def test_what_cannot_be_read_is_said_to_be_unknown(killed: Path, text: str) -> None:
    (killed / NAME).write_text(text)
    alert = crash_of(read_former(killed))
    assert alert is not None and "is not known" in alert.message


BEGAN = 10**18
LATER = BEGAN + 60 * SECOND
THERE = "https://exchange.example"


def left_by(run_dir: Path, exchange: str = THERE, since: int | None = None) -> None:
    with written_down(run_dir, US, BEGAN, exchange, since):
        pass


def looked_at(run_dir: Path, last_reconcile: float | None) -> None:
    beat = {"timestamp": 1e9, "timestamp_iso": "then", "status": "active", "resting_orders": 6, "pid": 4711}
    (run_dir / HEARTBEAT).write_text(json.dumps({**beat, "last_reconcile": last_reconcile}))


def test_before_the_first_run_nothing_can_have_been_missed(tmp_path: Path) -> None:
    assert fills_since(read_former(tmp_path), THERE, LATER) is None


def test_fills_are_untold_since_the_last_look_at_the_account(tmp_path: Path) -> None:
    left_by(tmp_path)
    looked_at(tmp_path, BEGAN / SECOND + 30)
    assert fills_since(read_former(tmp_path), THERE, LATER) == BEGAN + 30 * SECOND


def test_a_run_that_never_looked_hands_on_what_it_was_told(tmp_path: Path) -> None:
    left_by(tmp_path, since=BEGAN - 600 * SECOND)
    looked_at(tmp_path, None)
    assert fills_since(read_former(tmp_path), THERE, LATER) == BEGAN - 600 * SECOND


def test_the_first_run_could_miss_fills_from_its_beginning(tmp_path: Path) -> None:
    left_by(tmp_path)
    assert fills_since(read_former(tmp_path), THERE, LATER) == BEGAN


def test_another_exchange_has_other_fills(tmp_path: Path) -> None:
    left_by(tmp_path)
    assert fills_since(read_former(tmp_path), "https://another.example", LATER) is None
    assert fills_since(read_former(tmp_path), "", LATER) is None


def test_nobody_looks_back_for_more_than_a_week(tmp_path: Path) -> None:
    left_by(tmp_path)
    later = BEGAN + 3 * FARTHEST
    assert fills_since(read_former(tmp_path), THERE, later) == later - FARTHEST


def test_who_does_not_know_looks_back_as_far_as_anybody(killed: Path) -> None:
    (killed / NAME).write_text("{")
    assert fills_since(read_former(killed), THERE, LATER) == LATER - FARTHEST
