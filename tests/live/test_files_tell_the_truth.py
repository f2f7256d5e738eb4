"""What the files say at the end of a run, against what the exchange says of the same account."""

from __future__ import annotations

import csv
import json
import signal
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.live.processes import Bot, Exchange, bot_process, exchange_process, settings

METRICS = "Strategy_DEFAULT_metrics.json"
OPENING_CASH = Decimal(5000)
CENT = Decimal("0.01")
ENOUGH_FILLS = 5
NAMES = {"tick_to_wire", "decide", "sign", "order_ack", "cancel_ack", "feed_age"}
AGES = {"feed_age", "feed_age_max", "feed_age_min"}  # these hold two clocks' offset
SANE_MS = 60_000.0


def exact(value: float | int | str | None) -> Decimal:
    """A JSON number as it is printed."""
    return Decimal(str(value))


def document(bot: Bot, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((bot.run_dir / name).read_text())
    return found


@pytest.fixture(scope="module")
def exchange() -> Iterator[Exchange]:
    """Of a tier at which the reads of these stories are not refused."""
    arguments = ("--seed", "3", "--balance", "5000", "--regime", "fast_15_minute", "--tier", "premier")
    with exchange_process(*arguments) as (_, running):
        yield running


@pytest.fixture(scope="module")
def ended(exchange: Exchange, tmp_path_factory: pytest.TempPathFactory) -> Bot:
    """A run that was filled, quoted on, and was told to stop. It began with nothing but cash."""
    home = tmp_path_factory.mktemp("run")
    assert exchange.positions() == {} and exchange.orders() == []
    arguments = ("--config", settings(home))
    with bot_process(home / "logs", *arguments, environment=exchange.environment()) as bot:

        def has_lived() -> bool:
            """Filled, and answered about a cancel (the one thing that a maker may not come to by itself)."""
            return len(bot.log("order_filled")) >= ENOUGH_FILLS

        bot.sees("fills", lambda: bot.has("DEFAULT.log") and has_lived())
        bot.signal(signal.SIGTERM)
        assert bot.ends() == 0, bot.stderr
    return bot


@pytest.fixture(autouse=True)
def _nothing_settled(ended: Bot, exchange: Exchange) -> None:
    """At a full quarter of an hour a market may settle after the bot has gone."""
    if exchange.read("/portfolio/settlements")["settlements"]:
        pytest.skip("a market settled after the bot had ended")


def test_fills_fees_and_orders_are_the_exchange_s_own(ended: Bot, exchange: Exchange) -> None:
    fills = exchange.read("/portfolio/fills", limit="1000")["fills"]
    orders = exchange.orders()
    summary = document(ended, METRICS)["summary"]
    lines = ended.lines("Strategy_DEFAULT_trading.jsonl")

    told = [line for line in lines if line["event_type"] == "fill"]
    assert Counter((line["trade_id"], exact(line["count"])) for line in told) == Counter(
        (fill["trade_id"], Decimal(fill["count_fp"])) for fill in fills
    )
    assert summary["total_fills"] == len(fills) >= ENOUGH_FILLS
    fees = sum(Decimal(fill["fee_cost"]) for fill in fills)
    assert exact(summary["total_fees"]) == fees == sum(exact(line["fee"]) for line in told)

    accepted = [line for line in lines if line["event_type"] == "order_acknowledged"]
    placed = [line["order_id"] for line in accepted if line["action"] == "place"]
    assert sorted(placed) == sorted(order["order_id"] for order in orders)
    assert summary["orders_acknowledged"] == len(accepted)
    canceled = [line["order_id"] for line in lines if line["event_type"] == "order_canceled"]
    assert sorted(canceled) == sorted(o["order_id"] for o in orders if o["status"] == "canceled")
    assert summary["orders_canceled"] == len(canceled)


def test_positions_cash_and_profit_are_the_exchange_s_own(ended: Bot, exchange: Exchange) -> None:
    metrics = document(ended, METRICS)
    summary, markets = metrics["summary"], metrics["markets"]
    held = {ticker: exact(market["position"]) for ticker, market in markets.items() if market["position"]}
    assert held == {ticker: Decimal(count) for ticker, count in exchange.positions().items()}

    rows = exchange.read("/portfolio/positions", limit="1000")["market_positions"]
    for row in rows:
        ours = markets[row["ticker"]]
        assert exact(ours["fees"]) == Decimal(row["fees_paid_dollars"])
        assert abs(exact(ours["realized_pnl"]) - Decimal(row["realized_pnl_dollars"])) < CENT

    cash = Decimal(exchange.read("/portfolio/balance")["balance_dollars"])
    assert exact(document(ended, "heartbeat.json")["bankroll"]) == cash
    worth = sum(_worth(held[ticker], exact(markets[ticker]["mark"])) for ticker in held)
    assert exact(summary["total_pnl"]) == cash + worth - OPENING_CASH
    parts = [exact(summary[name]) for name in ("spread_capture_pnl", "inventory_pnl", "total_fees")]
    assert exact(summary["total_pnl"]) == parts[0] + parts[1] - parts[2]
    assert summary["carried_pnl"] == 0


def _worth(position: Decimal, mark: Decimal) -> Decimal:
    """YES at the mark, NO at what is left of the dollar."""
    return position * mark if position > 0 else -position * (1 - mark)


def test_the_last_snapshots_are_the_metrics(ended: Bot) -> None:
    """Inventory told change by change ends where the metrics end."""
    markets = document(ended, METRICS)["markets"]
    moved: dict[str, Decimal] = defaultdict(Decimal)
    last: dict[str, Decimal] = {}
    for line in ended.lines("Strategy_DEFAULT_trading.jsonl"):
        if line["event_type"] == "inventory_change":
            assert list(line)[-4:] == ["ticker", "new_inventory", "change", "reason"]
            moved[line["ticker"]] += exact(line["change"])
            last[line["ticker"]] = exact(line["new_inventory"])
    assert moved == last != {}
    assert all(exact(markets[ticker]["position"]) == count for ticker, count in last.items())


def test_all_six_latencies_are_measured_and_sane(ended: Bot) -> None:
    measured: dict[str, list[float]] = defaultdict(list)
    with (ended.run_dir / "Strategy_DEFAULT_latencies.csv").open() as file:
        for row in csv.DictReader(file):
            measured[row["name"]].append(float(row["ms"]))
    assert set(measured) == NAMES | {"round_trip", "decide_max"} | AGES
    assert all(abs(ms) < SANE_MS for values in measured.values() for ms in values)
    positive = measured.keys() - AGES
    assert all(ms > 0 for name in positive for ms in measured[name])
    # What is a part of a longer way takes no longer than that way.
    assert min(measured["order_ack"]) >= min(measured["round_trip"])
    assert min(measured["tick_to_wire"]) >= min(measured["sign"])
    assert len(measured["tick_to_wire"]) == len(measured["sign"]) == len(measured["round_trip"])
    summary = document(ended, METRICS)["summary"]
    assert summary["p50_quote_latency_ms"] <= summary["p95_quote_latency_ms"] < SANE_MS


def test_the_log_names_the_link_and_what_took_how_long(ended: Bot, exchange: Exchange) -> None:
    assert ended.log("websocket_connected")[0]["url"] == exchange.ws_url
    assert {line["component"] for line in ended.log("latency_measured")} == NAMES - {
        "order_ack",
        "cancel_ack",
    } | {"round_trip"}
    assert ended.log("signal_generated") and ended.log("position_entered")


def test_the_heartbeat_is_of_the_loop_that_traded(ended: Bot) -> None:
    beat = document(ended, "heartbeat.json")
    assert list(beat)[:3] == ["timestamp", "timestamp_iso", "status"]
    assert beat["status"] == "stopping" and beat["pid"] == ended.process.pid
    assert beat["cycle"] > 0 and beat["interval_s"] == 1.0 and beat["resting_orders"] == 0
    assert 0 <= beat["loop_lag_ms"] < SANE_MS
    assert 0 < beat["last_reconcile"] <= beat["timestamp"]
