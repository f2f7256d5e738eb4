"""Alerts, breaker status and heartbeat."""

from __future__ import annotations

import json
from pathlib import Path
from threading import get_ident
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm.alerts.file import AlertFile
from mm.core.actions import Alert, AlertLevel, Stop
from mm.core.events import BookDelta, LinkDown, Tick
from mm.core.picture import OrderPicture
from mm.core.units import SECOND, Side
from mm.observe.alerting import AlertObserver
from mm.observe.append import StorageError
from mm.observe.files import LineFile
from mm.observe.heartbeat import Heartbeat, Process
from mm.observe.replace import Replacer
from mm.observe.status import UNREADABLE, BreakerStatusFiles, breaker_form, read_status
from tests.observe.engine import OK, START, TICKER, TRIPPED, Bench, at
from tests.observe.test_files import wait_until

WARNING = Alert(AlertLevel.WARNING, "inventory_imbalance", "0.6 of 0.8", "DEFAULT", (("market", TICKER),))


def alerts_in(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("ascii").splitlines()]


def test_every_alert_is_a_line_of_the_file_however_often_it_comes(tmp_path: Path) -> None:
    bench = Bench([AlertObserver([AlertFile(LineFile(tmp_path / "alerts.jsonl"))])])
    for second in range(3):
        bench.step(Tick(at(second), 1, 1), WARNING)
        bench.time(at(second + 0.25))
    bench.step(LinkDown(at(3)), msgspec.structs.replace(WARNING, message="another"))
    bench.close()
    told = [
        (a["category"], a["message"], a["timestamp"] - START / SECOND)
        for a in alerts_in(tmp_path / "alerts.jsonl")
    ]
    assert told == [
        *(("inventory_imbalance", "0.6 of 0.8", second) for second in (0.0, 1.0, 2.0)),
        ("inventory_imbalance", "another", 3.0),
        ("api_disconnect", "feed disconnected", 3.0),
    ]


def test_an_alert_that_the_engine_gives_itself_is_not_doubled(tmp_path: Path) -> None:
    bench = Bench([AlertObserver([AlertFile(LineFile(tmp_path / "alerts.jsonl"))])])
    bench.step(LinkDown(at(0)), Alert(AlertLevel.CRITICAL, "api_disconnect", "feed lost, quotes pulled"))
    bench.step(Tick(at(1), 1, 1), Alert(AlertLevel.CRITICAL, "bot_shutdown", "not proven"), Stop(3, "why"))
    bench.step(Tick(at(2), 1, 1), Stop(0, "asked to"))
    bench.close()
    told = [(alert["message"], alert["level"]) for alert in alerts_in(tmp_path / "alerts.jsonl")]
    assert told == [
        ("feed lost, quotes pulled", "critical"),
        ("not proven", "critical"),
        ("stopped: asked to", "info"),
    ]


def test_an_alert_is_a_line_of_the_contract(tmp_path: Path) -> None:
    sink = AlertFile(LineFile(tmp_path / "alerts.jsonl"))
    sink.send(msgspec.structs.replace(WARNING, details=(("x", float("nan")), ("y", "z\n"))), at(1.5))
    sink.close()
    (line,) = alerts_in(tmp_path / "alerts.jsonl")
    assert list(line) == ["timestamp", "timestamp_iso", "level", "category", "strategy", "message", "details"]
    assert (line["timestamp"], line["level"]) == (1790000001.5, "warning")
    assert line["details"] == {"x": None, "y": "z\n"}


def test_only_a_critical_alert_waits_for_the_disk_itself_and_only_when_it_is_settled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forced, ours = [], get_ident()

    def force(descriptor: int) -> None:
        """Any other thread's is not this story's: it is the whole process that is told so."""
        if get_ident() == ours:
            forced.append(descriptor)

    monkeypatch.setattr("mm.observe.append.os.fdatasync", force)
    sink = AlertFile(LineFile(tmp_path / "alerts.jsonl"))
    sink.send(WARNING, at(1))
    sink.settle()
    assert not forced
    sink.send(msgspec.structs.replace(WARNING, level=AlertLevel.CRITICAL), at(2))
    assert not forced and len(alerts_in(tmp_path / "alerts.jsonl")) == 2
    sink.settle()
    sink.settle()
    assert len(forced) == 1
    sink.close()


def test_what_the_disk_refuses_becomes_an_alert(tmp_path: Path) -> None:
    fault = StorageError(tmp_path / "DEFAULT.log", "write", OSError(28, "No space left on device"))
    faults = [fault]
    bench = Bench([AlertObserver([AlertFile(LineFile(tmp_path / "alerts.jsonl"))], lambda: faults)])
    for quarter in range(10):
        bench.time(at(quarter / 4))
    faults.clear()
    bench.time(at(70))
    bench.close()
    told = [(a["category"], a["level"], a["details"]) for a in alerts_in(tmp_path / "alerts.jsonl")]
    assert told == [
        ("storage", "critical", {"path": "DEFAULT.log", "errno": 28}),
        ("storage", "info", {"path": "DEFAULT.log", "ended": "critical"}),
    ]


def test_breaker_status_follows_every_change_and_measures_slowly(tmp_path: Path) -> None:
    replacer, path = Replacer(), tmp_path / "DEFAULT_circuit_breaker_status.json"
    bench = Bench([BreakerStatusFiles({"DEFAULT": path}, replacer)])
    bench.time(at(0))
    wait_until(path.exists)
    assert read_status(path).trading_allowed
    bench.engine.breaker = msgspec.structs.replace(OK, measures={"pnl_dollars": 2.5})
    bench.time(at(0.25))
    bench.engine.breaker = TRIPPED
    bench.time(at(0.5))
    wait_until(lambda: not read_status(path).trading_allowed)
    status = json.loads(path.read_text())
    assert (status["is_open"], status["trading_allowed"], status["state"]) == (False, False, "tripped")
    assert (status["trip_rule"], status["trip_time"]) == ("consecutive_errors", START / SECOND)
    assert status["measures"] == {"pnl_dollars": -2.0} and status["recent_errors"] == ["timeout"]
    bench.engine.breaker = msgspec.structs.replace(TRIPPED, measures={"pnl_dollars": float("nan")})
    bench.time(at(0.75))
    bench.time(at(2.0))
    wait_until(lambda: json.loads(path.read_text())["measures"] == {"pnl_dollars": None})
    assert json.loads(path.read_text())["updated_at"] == START / SECOND + 2
    replacer.close()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"{}",
        b'{"is_open":true,"trading_allowed":false,"state":"ok"}',
        b"\x00" * 50,
        b'{"is_open":1}',
    ],
)
def test_an_unreadable_status_means_tripped(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "status.json"
    path.write_bytes(content)
    assert read_status(path).is_open is False
    assert read_status(tmp_path / "missing").state == "tripped"


def test_a_status_that_contradicts_itself_means_tripped(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    document = breaker_form(OK, START)
    path.write_text(json.dumps(document))
    assert read_status(path).trading_allowed
    for key, value in {"is_open": False, "trading_allowed": False, "state": "tripped"}.items():
        path.write_text(json.dumps({**document, key: value}))
        assert not read_status(path).is_open and read_status(path).trip_rule == UNREADABLE


@given(st.binary(max_size=200))
def test_no_bytes_open_the_breaker_or_raise(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("status") / "status.json"
    path.write_bytes(content)
    assert not read_status(path).trading_allowed


def test_heartbeat_beats_once_a_second_and_says_what_the_engine_is_about(tmp_path: Path) -> None:
    path = tmp_path / "heartbeat.json"
    heartbeat = Heartbeat(path, Process(4711, "0.1.0"), START)
    heartbeat.shell["write_limit_used_pct"] = 12.5
    bench = Bench([heartbeat])
    said = [json.loads(path.read_text())["status"]]
    order = OrderPicture("c", "o", "DEFAULT", TICKER, Side.BID, 4_600, 100, 0, "RESTING", START, at(2))
    bench.engine.orders = (order, msgspec.structs.replace(order, state="CLOSING", changed_at=START))
    for second, mode, breaker in [
        (1, "STARTING", OK),
        (2, "QUOTING", OK),
        (3, "PAUSED", OK),
        (4, "HALTED", OK),
        (5, "HALTED", TRIPPED),
        (6, "HALTED", msgspec.structs.replace(TRIPPED, trip_rule="halted")),
        (7, "CLOSING", TRIPPED),
    ]:
        bench.engine.mode, bench.engine.breaker = mode, breaker
        bench.step(Tick(at(second), 1, 1))
        bench.time(at(second))
        said.append(json.loads(path.read_text())["status"])
        bench.time(at(second + 0.5))
        assert json.loads(path.read_text())["timestamp"] == START / SECOND + second
    assert said == ["starting", "starting", "active", "paused", "disabled", "tripped", "disabled", "stopping"]
    beat = json.loads(path.read_text())
    assert (beat["cycle"], beat["resting_orders"], beat["pid"], beat["version"]) == (7, 1, 4711, "0.1.0")
    assert beat["bankroll"] == 98_765.4321 and beat["interval_s"] == 1.0
    assert beat["loop_lag_ms"] == 250.0
    assert (beat["oldest_order_s"], beat["write_limit_used_pct"]) == (5.0, 12.5)
    bench.close()
    assert json.loads(path.read_text())["status"] == "stopping"


def test_a_heartbeat_does_not_wait_to_say_that_it_was_stopped(tmp_path: Path) -> None:
    path = tmp_path / "heartbeat.json"
    bench = Bench([Heartbeat(path, Process(4711, "0.1.0"), START)])
    order = OrderPicture("c", "o", "DEFAULT", TICKER, Side.BID, 4_600, 100, 0, "RESTING", START)
    bench.engine.orders = (order,)
    bench.time(at(1))
    bench.engine.breaker, bench.engine.mode = msgspec.structs.replace(TRIPPED, trip_rule="halted"), "HALTED"
    bench.time(at(1.25))
    beat = json.loads(path.read_text())
    assert (beat["status"], beat["resting_orders"]) == ("disabled", 1)
    bench.engine.orders = ()
    bench.time(at(1.5))
    beat = json.loads(path.read_text())
    assert (beat["resting_orders"], beat["oldest_order_s"]) == (0, None)
    bench.time(at(1.75))
    assert json.loads(path.read_text())["timestamp"] == START / SECOND + 1.5


def test_a_step_that_concerns_nobody_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    bench = Bench([AlertObserver([AlertFile(LineFile(path))])])
    bench.step(BookDelta(at(0), TICKER, Side.BID, 4_700, 100))
    bench.time(at(1))
    bench.close()
    assert path.read_bytes() == b""
