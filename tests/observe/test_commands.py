"""The commands of the operator's manual, run on the files of a day: each prints what the day was."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.observe.engine import TICKER

JQ = shutil.which("jq")
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
