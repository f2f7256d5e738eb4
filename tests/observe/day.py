"""A day of a desk in a few events, for tests of the files that tell of it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from mm.alerts.file import AlertFile
from mm.core.actions import Alert, AlertLevel, AmendOrder, CancelOrder, PlaceOrder, Stop
from mm.core.events import (
    ApiError,
    Command,
    CommandKind,
    LinkDown,
    LinkUp,
    OrderAck,
    OrderAmended,
    OrderCanceled,
    OrderReject,
    OrderReport,
    OrderStatus,
    RequestKind,
    Tick,
)
from mm.core.units import Side
from mm.observe.heartbeat import Process
from mm.observe.house import RunFiles, RunSettings, open_run_files
from mm.observe.redact import Redactor
from tests.observe.engine import START, TICKER, TRIPPED, Bench, at, decision, fill

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


def finished_day(run_dir: Path) -> Path:
    """The directory of a run that lived it and ended."""
    files = open_in(run_dir)
    bench = Bench(files.observers)
    files.stopwatch.request(1, 3_000, at(1) + 151_000, at(1.05))
    live_a_day(bench)
    files.logger.error("boom", error=f"cannot use {SECRETS[1]}", pem=SECRETS[2], api_key_id="anything")
    bench.close()
    files.close()
    return run_dir


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("ascii").splitlines()]
