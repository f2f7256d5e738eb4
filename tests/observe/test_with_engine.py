"""The observers on the real engine: the files say what it did, and the journal what it was told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mm.alerts.file import AlertFile
from mm.core.actions import AnyAction
from mm.core.engine import Engine
from mm.core.events import AnyEvent, CommandKind
from mm.core.units import CONTRACT, MONEY_DOLLAR
from mm.observe.files import seconds
from mm.observe.heartbeat import Process
from mm.observe.house import RunSettings, open_run_files
from mm.observe.journal import Journal, read_journal
from mm.observe.status import read_status
from tests.core.bench import START, Bench
from tests.core.words import Scripted, said

ROOT = Path(__file__).resolve().parents[2]


class WatchedBench(Bench):
    """Every step is journalled and shown, as the driver does it."""

    def __init__(self, run_dir: Path) -> None:
        super().__init__()
        desks = {"DEFAULT": "scripted"}
        self.files = open_run_files(RunSettings(run_dir, desks, START, Process(1, "test"), AlertFile))
        self.journal = Journal(run_dir / "journal", {"seed": 0})
        self.disabled = ""

    def step(self, event: AnyEvent) -> list[str]:
        self.journal.event(event)
        actions = list(self.engine.on_event(event))
        self.journal.actions(actions)
        self.journal.flush()
        self.actions += actions
        for observer in self.files.observers:
            observer.on_step(event, actions, self.engine)
        return said(actions)

    def watch(self) -> None:
        for observer in self.files.observers:
            observer.on_time(self.now, self.engine)

    def close(self) -> None:
        self.watch()
        for observer in self.files.observers:
            observer.close()
        self.files.close()
        self.journal.close()


@pytest.fixture
def bench(tmp_path: Path) -> WatchedBench:
    """Two quotes rest, one was filled at a cost of 2 cents, moved, refused; then the kill switch."""
    bench = WatchedBench(tmp_path)
    bench.quoting(wishes="51:10 | 53:10")
    bench.tick()
    bench.wait(0.04)
    bench.ack(1)
    bench.ack(2)
    bench.watch()
    bench.fill(bench.order(1), 4, fee=20_000, trade_id="t1")
    bench.fill(bench.order(1), 4, fee=20_000, trade_id="t1")
    bench.book("51:100 | 55:100")
    bench.wishes["KXA"] = "51:6 | 54:10"
    bench.tick()
    bench.refuse(2, "post_only_cross")
    bench.wait(2)
    bench.watch()
    bench.tick(after=1.5)
    bench.command(CommandKind.HALT)
    bench.wait(1)
    bench.watch()
    bench.disabled = json.loads((tmp_path / "heartbeat.json").read_text())["status"]
    bench.wait(2)
    bench.close()
    return bench


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("ascii").splitlines()]


def test_the_trading_file_counts_what_the_engine_did(bench: WatchedBench, tmp_path: Path) -> None:
    told = lines(tmp_path / "Strategy_DEFAULT_trading.jsonl")
    words = [line["event_type"] for line in told]
    sent = [action for action in said(bench.actions) if action.startswith(("place", "amend"))]
    assert words.count("order_sent") == len(sent) >= 3
    assert words.count("order_acknowledged") == 2 and words.count("order_rejected") == 1
    assert words.count("fill") == words.count("inventory_change") == 1
    moved = next(line for line in told if line["event_type"] == "inventory_change")
    assert (moved["new_inventory"], moved["change"]) == (4.0, 4.0)
    assert [line["timestamp"] for line in told] == sorted(line["timestamp"] for line in told)


def test_metrics_agree_with_the_engine(bench: WatchedBench, tmp_path: Path) -> None:
    document = json.loads((tmp_path / "Strategy_DEFAULT_metrics.json").read_text())
    (desk,) = bench.engine.picture().desks
    summary, market = document["summary"], document["markets"]["KXA"]
    assert summary["total_pnl"] * MONEY_DOLLAR == desk.realized + desk.unrealized - desk.fees
    assert summary["total_fees"] == 0.02 and summary["total_fills"] == 1
    assert market["position"] * CONTRACT == bench.engine.position("KXA") == 400
    assert summary["avg_quote_latency_ms"] is not None
    assert summary["spread_capture_pnl"] == pytest.approx(4 * (0.52 - 0.51))
    assert summary["inventory_pnl"] == pytest.approx(4 * (0.53 - 0.52))


def test_quotes_are_decisions_that_wanted_some_and_not_what_was_sent(
    bench: WatchedBench, tmp_path: Path
) -> None:
    """The manual called them "quotes sent"."""
    rows = (tmp_path / "Strategy_DEFAULT_loops.csv").read_text().splitlines()[1:]
    wanted = [row for row in rows if row.split(",")[7:9] != ["0", "0"]]
    document = json.loads((tmp_path / "Strategy_DEFAULT_metrics.json").read_text())
    quotes, sent = document["markets"]["KXA"]["quotes"], document["summary"]["orders_sent"]
    assert quotes == len(wanted) != sent
    told = (ROOT / "docs/files.md").read_text()
    assert "| `quotes` | | decisions that wanted a quote here" in told


def test_status_and_heartbeat_follow_the_mode(bench: WatchedBench, tmp_path: Path) -> None:
    assert bench.disabled == "disabled"
    beat = json.loads((tmp_path / "heartbeat.json").read_text())
    assert beat["status"] == "stopping" and beat["timestamp"] == seconds(bench.now)
    status = read_status(tmp_path / "DEFAULT_circuit_breaker_status.json")
    assert not status.trading_allowed and status.trip_rule == "halted"
    modes = [line["mode"] for line in lines(tmp_path / "DEFAULT.log") if line["event"] == "mode_changed"]
    assert modes == ["quoting", "halted"]
    categories = [line["category"] for line in lines(tmp_path / "alerts.jsonl")]
    # This bench trades free of charge, so the two cents that its fill cost are an anomaly worth a line.
    assert categories == ["bot_startup", "order_anomaly", "kill_switch"]


def test_the_journal_leads_a_fresh_engine_to_the_same_books(bench: WatchedBench, tmp_path: Path) -> None:
    """The strategy is scripted and says nothing here, so only what comes from outside is compared."""
    _, entries = read_journal(tmp_path / "journal")
    engine = Engine(bench.settings, {"DEFAULT": lambda: Scripted({}, [])})
    recorded: list[AnyAction] = []
    for entry in entries:
        if isinstance(entry, tuple):
            recorded.extend(entry)
        else:
            engine.on_event(entry)
    assert recorded == bench.actions
    assert engine.position("KXA") == bench.engine.position("KXA") == 400
    assert engine.picture().desks[0].realized == bench.engine.picture().desks[0].realized
    assert engine.mode is bench.engine.mode
