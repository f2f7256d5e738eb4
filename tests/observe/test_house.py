"""A day of a desk in a few events: every file of the operator's manual is valid and tells the story."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from mm.core.events import AccountReport, ApiError, MarketStatus, PositionReport, RequestKind, Tick
from tests.observe.day import FILES, PEM_LINE, SECRETS, open_in, place, records
from tests.observe.engine import TICKER, Bench, BookingEngine, at, fill


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
        PEM_LINE,
        "PRIVATE KEY",
    ]
    for path in run_dir.iterdir():
        text = path.read_text()
        assert [needle for needle in needles if needle in text] == [], path.name
    boom = next(line for line in records(run_dir / FILES[3]) if line["event"] == "boom")
    assert boom["error"] == "cannot use [redacted]"
    assert (boom["pem"], boom["api_key_id"]) == ("[redacted]", "[redacted]")


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
