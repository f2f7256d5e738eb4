"""A day of a desk in a few events: every file of the operator's manual is valid and tells the story."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from mm.alerts.file import AlertFile
from mm.core.actions import Alert, AlertLevel, AmendOrder, CancelOrder, PlaceOrder, Stop
from mm.core.events import (
    AccountReport,
    ApiError,
    Command,
    CommandKind,
    LinkDown,
    LinkUp,
    MarketStatus,
    OrderAck,
    OrderAmended,
    OrderCanceled,
    OrderReject,
    OrderReport,
    OrderStatus,
    PositionReport,
    RequestKind,
    Tick,
)
from mm.core.units import Side
from mm.observe.append import StorageError
from mm.observe.heartbeat import Process
from mm.observe.house import RunFiles, RunSettings, open_run_files
from mm.observe.names import UnsafeName
from mm.observe.redact import Redactor
from mm.observe.status import read_status
from tests.observe.engine import START, TICKER, TRIPPED, Bench, BookingEngine, at, decision, fill

JQ = shutil.which("jq")
FILES = (
    "alerts.jsonl",
    "DEFAULT_circuit_breaker_status.json",
    "Strategy_DEFAULT_metrics.json",
    "DEFAULT.log",
    "Strategy_DEFAULT_trading.jsonl",
    "Strategy_DEFAULT_loops.csv",
    "Strategy_DEFAULT_actions.csv",
    "Strategy_DEFAULT_latencies.csv",
    "heartbeat.json",
)
PEM_LINE = "TUlJRXZRSUJBREFOQmdrcWhr"
PEM = f"-----BEGIN PRIVATE KEY-----\n{PEM_LINE}\n-----END PRIVATE KEY-----"
SECRETS = ("canary-key-id-7f3e", 'smtp"pass\\word/+=', PEM)


def open_in(run_dir: Path, desks: dict[str, str] | None = None) -> RunFiles:
    return open_run_files(
        RunSettings(
            run_dir=run_dir,
            desks=desks or {"DEFAULT": "glft"},
            started=START,
            process=Process(os.getpid(), "0.1.0"),
            alert_file=AlertFile,
            redactor=Redactor(SECRETS),
        )
    )


def place(request_id: int, order: str = "mm-1") -> PlaceOrder:
    return PlaceOrder(request_id, order, TICKER, Side.BID, 4_600, 1_000, reason="new quote")


def live_a_day(bench: Bench) -> None:
    """One order is placed, amended, filled in part and cancelled; one is refused; the feed drops."""
    bench.step(LinkUp(at(0.1)))
    bench.step(Tick(at(1), 10, 10), place(1), decided=[decision()])
    bench.step(OrderAck(at(1.05), 1, "mm-1", "order-1", 0, 1_000))
    bench.step(
        Tick(at(2), 10, 10),
        AmendOrder(2, "mm-1", "order-1", TICKER, Side.BID, 4_700, 1_200, "moved"),
        decided=[decision(4_850.0)],
    )
    bench.step(OrderAmended(at(2.15), 2, "mm-1", "order-1", 4_700, 0, 1_200))
    bench.time(at(2.25))
    bench.step(fill(at(3), price=4_700, count=500))
    bench.step(fill(at(3.2), price=4_700, count=500))  # the same trade, told again
    bench.step(Tick(at(4), 10, 10), place(3, "mm-2"), decided=[decision(4_950.0, 500)])
    bench.step(OrderReject(at(4.02), 3, "mm-2", 400, "invalid_order", "post only cross"))
    bench.step(ApiError(at(5), 9, RequestKind.QUERY_ACCOUNT, 503, "unavailable", f"try later {SECRETS[0]}"))
    bench.step(Tick(at(6), 1, 1), CancelOrder(4, "mm-1", "order-1", TICKER, 'say "no",\nthen go'))
    bench.step(OrderCanceled(at(6.03), 4, "mm-1", "order-1", 700))
    bench.step(_said_again(at(6.04)))
    bench.step(LinkDown(at(7), "feed", "gone\x1b[2J\u202e"))
    bench.engine.breaker = TRIPPED
    trip = Alert(AlertLevel.CRITICAL, "circuit_breaker", "10 API errors in a row", "DEFAULT")
    bench.step(Command(at(8), CommandKind.HALT, "drill"), trip)
    bench.time(at(15))
    bench.step(Tick(at(16), 1, 1), Stop(0, "asked to"))
    bench.time(at(16.25))


def _said_again(ts: int) -> OrderReport:
    return OrderReport(ts, 0, "mm-1", "order-1", TICKER, Side.BID, OrderStatus.CANCELED, 4_700, 500, 0)


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    """A finished run."""
    files = open_in(tmp_path)
    bench = Bench(files.observers)
    files.stopwatch.request(1, 3_000, at(1) + 151_000, at(1.05))
    live_a_day(bench)
    files.logger.error("boom", error=f"cannot use {SECRETS[1]}", pem=SECRETS[2], api_key_id="anything")
    bench.close()
    files.close()
    return tmp_path


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("ascii").splitlines()]


def test_every_file_is_there_and_valid_before_anything_happens(tmp_path: Path) -> None:
    files = open_in(tmp_path / "logs")
    try:
        for name in FILES:
            text = (tmp_path / "logs" / name).read_text("ascii")
            if name.endswith(".json"):
                json.loads(text)
            if name.endswith(".csv"):
                assert len(list(csv.reader(io.StringIO(text)))) == 1
        status = read_status(tmp_path / "logs" / FILES[1])
        assert status.is_open and status.trading_allowed and status.trip_time is None
        assert files.statuses == {"DEFAULT": None}
        with tarfile.open(tmp_path / "bundle.tar.gz", "w:gz") as bundle:
            for name in FILES[:5]:
                bundle.add(tmp_path / "logs" / name)
    finally:
        for observer in files.observers:
            observer.close()
        files.close()


def test_trading_file_tells_the_story_once(run_dir: Path) -> None:
    words = [(line["event_type"], line.get("action")) for line in records(run_dir / FILES[4])]
    assert [word for word in words if word[0] != "pnl_snapshot"] == [
        ("order_sent", "place"),
        ("order_acknowledged", "place"),
        ("order_sent", "amend"),
        ("order_acknowledged", "amend"),
        ("fill", None),
        ("inventory_change", None),
        ("order_sent", "place"),
        ("order_rejected", "place"),
        ("api_error", None),
        ("order_canceled", None),
    ]
    told = [line for line in records(run_dir / FILES[4]) if line["event_type"] == "pnl_snapshot"]
    # Every 10 s the desk; a market only if something moved, and then its turn was the first.
    assert [line.get("ticker", "the desk") for line in told] == ["the desk", TICKER, "the desk", TICKER]
    assert [line.get("position") for line in told] == [None, 0.0, None, 5.0]


def test_trading_lines_have_the_form_of_the_contract(run_dir: Path) -> None:
    lines = {line["event_type"]: line for line in records(run_dir / FILES[4])}
    for line in lines.values():
        assert list(line)[:4] == ["timestamp", "timestamp_iso", "event_type", "strategy"]
        assert isinstance(line["timestamp"], float) and line["strategy"] == "DEFAULT"
        assert not any(isinstance(value, dict | list) for value in line.values())
    assert list(lines["inventory_change"])[4:] == ["ticker", "new_inventory", "change", "reason"]
    assert (lines["inventory_change"]["new_inventory"], lines["inventory_change"]["change"]) == (5.0, 5.0)
    assert len(lines["api_error"]) <= 8
    assert (lines["fill"]["price"], lines["fill"]["count"], lines["fill"]["fee"]) == (0.47, 5.0, 0.0175)
    assert isinstance(lines["order_acknowledged"]["request_id"], str)


def test_metrics_add_up(run_dir: Path) -> None:
    document = json.loads((run_dir / FILES[2]).read_text())
    assert next(iter(document)) == "summary"
    summary, market = document["summary"], document["markets"][TICKER]
    assert summary["orders_sent"] == 3 and summary["orders_acknowledged"] == 2
    assert summary["orders_rejected"] == 1 and summary["orders_canceled"] == 1
    assert summary["order_success_rate_pct"] == pytest.approx(200 / 3)
    assert summary["api_errors"] == summary["api_errors_last_hour"] == 1
    assert summary["total_fills"] == 1
    assert summary["fill_rate_pct"] == pytest.approx(100 * 500 / (1_000 + 200 + 1_000))
    assert summary["p50_quote_latency_ms"] == 50.0 and summary["p99_quote_latency_ms"] == 150.0
    assert summary["avg_spread_width"] == 0.03 and summary["total_pnl"] == 1.825
    assert market["inventory_exposure"] == pytest.approx(5 * 0.475)
    # Bought 5 at 0.47 while the mid was 0.485; it went to 0.495 a second later, and is marked at 0.475.
    assert summary["spread_capture_pnl"] == pytest.approx(5 * 0.015)
    assert summary["inventory_pnl"] == pytest.approx(5 * -0.01)
    assert market["markout_1s"] == pytest.approx(0.015)
    assert market["markout_10s"] == pytest.approx(0.025)
    assert market["markout_60s"] is None


def test_tables_are_csv_with_one_line_a_row(run_dir: Path) -> None:
    loops = list(csv.DictReader((run_dir / FILES[5]).read_text().splitlines()))
    assert len(loops) == 3
    assert loops[0]["t_seconds"] == "1.0" and loops[0]["mid_price"] == "0.475"
    assert (loops[0]["bid_price"], loops[0]["buy_size"], loops[0]["sell_size"]) == ("0.46", "15.0", "7.0")
    actions = list(csv.DictReader((run_dir / FILES[6]).read_text().splitlines()))
    assert [row["kind"] for row in actions] == ["place", "amend", "place", "cancel"]
    assert actions[3]["reason"] == 'say "no",\\nthen go'
    assert len((run_dir / FILES[6]).read_text().splitlines()) == 5
    latencies = [
        (row["name"], row["ms"]) for row in csv.DictReader((run_dir / FILES[7]).read_text().splitlines())
    ]
    assert latencies == [
        ("order_ack", "50.0"),
        ("order_ack", "150.0"),
        ("tick_to_wire", "0.151"),
        ("sign", "0.003"),
        ("round_trip", "49.849"),
        ("cancel_ack", "30.0"),
    ]


def test_alerts_startup_disconnect_breaker_shutdown(run_dir: Path) -> None:
    alerts = [(line["category"], line["level"]) for line in records(run_dir / FILES[0])]
    assert alerts == [
        ("bot_startup", "info"),
        ("api_disconnect", "warning"),
        ("circuit_breaker", "critical"),
        ("kill_switch", "critical"),
        ("bot_shutdown", "info"),
    ]


def test_log_speaks_the_words_of_the_manual(run_dir: Path) -> None:
    lines = records(run_dir / FILES[3])
    words = [line["event"] for line in lines]
    for word in (
        "websocket_connected",
        "order_submitted",
        "order_filled",
        "position_entered",
        "order_rejected",
        "order_cancelled",
        "api_error",
        "circuit_breaker_triggered",
        "mode_changed",
        "stopped",
    ):
        assert word in words
    assert words.count("order_filled") == words.count("order_cancelled") == 1
    assert all(list(line)[:4] == ["timestamp", "level", "logger", "event"] for line in lines)
    assert "API error" in next(line for line in lines if line["event"] == "api_error")["message"]


def test_no_secret_reaches_any_file(run_dir: Path) -> None:
    needles = [
        SECRETS[0],
        SECRETS[1],
        json.dumps(SECRETS[1])[1:-1],
        "TUlJRXZRSUJBREFOQmdrcWhr",
        "PRIVATE KEY",
    ]
    for path in run_dir.iterdir():
        text = path.read_text()
        assert [needle for needle in needles if needle in text] == [], path.name
    boom = next(line for line in records(run_dir / FILES[3]) if line["event"] == "boom")
    assert boom["error"] == "cannot use [redacted]"
    assert (boom["pem"], boom["api_key_id"]) == ("[redacted]", "[redacted]")


def test_a_tripped_breaker_is_on_disk_and_survives_the_next_start(run_dir: Path) -> None:
    status = read_status(run_dir / FILES[1])
    assert not status.is_open and status.trip_rule == "consecutive_errors"
    files = open_in(run_dir)
    for observer in files.observers:
        observer.close()
    files.close()
    assert files.statuses["DEFAULT"] == status
    assert read_status(run_dir / FILES[1]) == status


@pytest.mark.parametrize("damage", [b"", b"{", b'{"is_open": true}', b"\xff\xfe", None])
def test_a_breaker_file_that_cannot_be_read_means_tripped(run_dir: Path, damage: bytes | None) -> None:
    path = run_dir / FILES[1]
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage)
    files = open_in(run_dir)
    for observer in files.observers:
        observer.close()
    files.close()
    found = files.statuses["DEFAULT"]
    assert found is not None and not found.trading_allowed
    assert json.loads(path.read_text())["state"] == "tripped"


def test_what_the_account_tells_is_history_first_and_then_news(tmp_path: Path) -> None:
    files = open_in(tmp_path)
    bench = Bench(files.observers)
    rows = (PositionReport(TICKER, 300, 1_400_000, 0, 0),)
    old, missed = fill(at(-100), "old"), fill(at(2), "missed", count=200)
    bench.engine.positions[TICKER] = 300
    bench.step(AccountReport(at(1), 1, at(1), 5, rows, (), (old,)))
    bench.step(AccountReport(at(2), 2, at(2), 5, rows, (), (old,)))
    bench.engine.positions[TICKER] = 500
    bench.step(AccountReport(at(3), 3, at(3), 5, rows, (), (old, missed)))
    bench.engine.seen.add("missed")
    bench.step(missed)
    bench.engine.positions[TICKER] = 0
    bench.step(MarketStatus(at(4), TICKER, settlement_value=10_000))
    bench.step(MarketStatus(at(5), TICKER, settlement_value=10_000))
    bench.close()
    files.close()
    told = records(tmp_path / "Strategy_DEFAULT_trading.jsonl")
    assert [line.get("trade_id") or (line["change"], line["reason"]) for line in told] == [
        (3.0, "reconciled"),
        "missed",
        (2.0, "reconciled"),
        (-5.0, "settled"),
    ]


def test_two_desks_keep_their_books_apart(tmp_path: Path) -> None:
    files = open_in(tmp_path, {"DEFAULT": "glft", "WIDE": "fixed_spread"})
    bench = Bench(files.observers, BookingEngine({"DEFAULT": [TICKER], "WIDE": ["OTHER"]}))
    bench.step(Tick(at(1), 1, 1), place(1))
    bench.step(ApiError(at(2), 2, RequestKind.CANCEL_ALL, 0, "no_answer"))
    bench.time(at(2.25))
    bench.close()
    files.close()
    wide = [line["event_type"] for line in records(tmp_path / "Strategy_WIDE_trading.jsonl")]
    assert wide == ["api_error", "pnl_snapshot", "pnl_snapshot"]
    assert "order_submitted" not in (tmp_path / "WIDE.log").read_text()
    assert "order_submitted" in (tmp_path / "DEFAULT.log").read_text()


@pytest.mark.parametrize(
    "name", ["..", "a/b", "", "a" * 33, "-x", "_x", "ä", "a\0", "a.b", "A\n", "ａ", "../x", " a", "."]
)
def test_a_desk_name_cannot_leave_the_directory(tmp_path: Path, name: str) -> None:
    before = set(tmp_path.rglob("*"))
    with pytest.raises(UnsafeName):
        open_in(tmp_path / "logs", {name: "glft"})
    assert set(tmp_path.rglob("*")) - before <= {tmp_path / "logs"}


def test_a_link_in_the_place_of_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "outside").write_text("precious\n")
    (tmp_path / "logs" / "alerts.jsonl").symlink_to(tmp_path / "outside")
    with pytest.raises((StorageError, UnsafeName)):
        open_in(tmp_path / "logs")
    assert (tmp_path / "outside").read_text() == "precious\n"


INVENTORY = f'"ticker":"{TICKER}","new_inventory":5,"change":5,"reason":"fill"}}'
COMMANDS = {
    "cat DEFAULT_circuit_breaker_status.json | jq .is_open": "false",
    "cat DEFAULT_circuit_breaker_status.json | jq .trip_reason": '"10 API errors in a row"',
    "cat Strategy_DEFAULT_metrics.json | jq .summary.total_fills": "1",
    "cat Strategy_DEFAULT_metrics.json | jq .summary.order_success_rate_pct": "66.666667",
    "cat Strategy_DEFAULT_metrics.json | jq .summary.avg_quote_latency_ms": "73.333333",
    "cat Strategy_DEFAULT_trading.jsonl | jq 'select(.event_type == \"api_error\")' | wc -l": "10",
    "cat Strategy_DEFAULT_trading.jsonl | jq -c 'select(.event_type == \"api_error\")' | wc -l": "1",
    "cat alerts.jsonl | jq 'select(.level == \"critical\")' | grep -c category": "2",
    "cat Strategy_DEFAULT_trading.jsonl | "
    'jq "select(.event_type == \\"fill\\" and .timestamp > 1789999000)" | grep -c trade_id': "1",
    "cat Strategy_DEFAULT_trading.jsonl | jq 'select(.event_type == \"inventory_change\")' | tail -5"
    " | tr -d ' \\n' | sed 's/\\.0,/,/g'": INVENTORY,
    "cat Strategy_DEFAULT_trading.jsonl | jq 'select(.event_type == \"api_error\")' | tail -10 | wc -l": "10",
    "cat Strategy_DEFAULT_trading.jsonl | jq 'select(.event_type == \"api_error\")' | jq -r '.timestamp'"
    " | awk '{print strftime(\"%Y-%m-%d\", $1)}' | uniq -c | wc -l": "1",
    "tar -czf diagnostics.tar.gz alerts.jsonl DEFAULT_circuit_breaker_status.json "
    "Strategy_DEFAULT_metrics.json DEFAULT.log Strategy_DEFAULT_trading.jsonl && echo packed": "packed",
}


@pytest.mark.skipif(JQ is None, reason="the binary jq is not installed")
@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_of_the_manual(run_dir: Path, command: str) -> None:
    done = subprocess.run(["sh", "-c", command], cwd=run_dir, capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == (COMMANDS[command], "")
