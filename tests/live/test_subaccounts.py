"""Somebody trades in another subaccount of the same account: that is not our money, and not our fills."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from tests.live.processes import (
    READS_EVERY,
    bot_process,
    eventually,
    exchange_process,
    is_exact,
    kmm,
    settings,
)

TRANSFER = {
    "client_transfer_id": "7b9c2a50-5c1e-4a8f-9f55-0d1b6a3f2c11",
    "from_subaccount": 0,
    "to_subaccount": 1,
    "amount_cents": 10_000,
}
TAKE = {
    "client_order_id": "somebody-else-1",
    "side": "bid",
    "count": "3.00",
    "price": "0.9900",
    "time_in_force": "immediate_or_cancel",
    "self_trade_prevention_type": "taker_at_cross",
    "subaccount": 1,
}


def test_fills_of_another_subaccount_are_not_ours(tmp_path: Path) -> None:
    with exchange_process("--seed", "3", "--balance", "5000") as (_, exchange):
        exchange.post("/portfolio/subaccounts", {})
        exchange.post("/portfolio/subaccounts/transfer", TRANSFER)
        markets = exchange.read("/markets", status="open")["markets"]
        ours, theirs = (row["ticker"] for row in markets[:2])
        desk = {"strategy": "top_of_book", "params": {"size_contracts": 5}, "markets": {"tickers": [ours]}}
        config = settings(tmp_path, desks={"DEFAULT": desk})
        arguments = ("--config", config, "--json")
        with bot_process(tmp_path / "logs", *arguments, environment=exchange.environment()) as bot:
            bot.sees("quotes on both sides", exchange.both_sides_rest)
            taken = exchange.post("/portfolio/events/orders", {**TAKE, "ticker": theirs})
            assert taken["fill_count"] == "3.00"
            eventually(
                "the fill in the reads",
                lambda: exchange.read("/portfolio/fills", subaccount="1")["fills"],
                0.5,
            )
            bot.signal(signal.SIGTERM)
            assert bot.ends() == 0, bot.stderr
            assert is_exact(bot.summary), json.dumps(bot.summary["comparison"])
            assert not bot.alerts("order_anomaly"), bot.alerts("order_anomaly")
            assert theirs not in (bot.run_dir / "Strategy_DEFAULT_trading.jsonl").read_text()


def test_a_key_that_is_locked_to_a_subaccount_trades_in_it(tmp_path: Path) -> None:
    locked = ("--seed", "3", "--balance", "5000", "--subaccount", "2")
    with exchange_process(*locked) as (_, exchange):
        arguments = ("--config", settings(tmp_path), "--once", "--json")
        with bot_process(tmp_path / "logs", *arguments, environment=exchange.environment()) as bot:
            assert bot.ends() == 0, bot.stderr
            assert is_exact(bot.summary)
        assert {row["subaccount_number"] for row in exchange.orders()} == {2}


def test_cancelling_by_hand_leaves_other_subaccounts_alone_unless_everything_is_to_go(tmp_path: Path) -> None:
    """Of two bots with the same name, each in its own subaccount, one is to be taken out of the market."""
    with exchange_process("--seed", "3", "--balance", "5000") as (_, exchange):
        exchange.post("/portfolio/subaccounts", {})
        exchange.post("/portfolio/subaccounts/transfer", TRANSFER)
        ticker = exchange.read("/markets", status="open")["markets"][0]["ticker"]
        rest = {**TAKE, "ticker": ticker, "price": "0.0100", "time_in_force": "good_till_canceled"}
        for subaccount in (0, 1):
            name = {"client_order_id": f"kmm-x-{subaccount}", "subaccount": subaccount}
            exchange.post("/portfolio/events/orders", {**rest, **name})
        eventually("both rest", lambda: exchange.resting_names() == {"kmm-x-0", "kmm-x-1"}, READS_EVERY)
        by_hand = ("cancel-all", "--config", settings(tmp_path), "--run-dir", tmp_path / "logs", "--json")
        done = kmm(*by_hand, environment=exchange.environment())
        assert done.returncode == 0, done.stdout + done.stderr
        assert json.loads(done.stdout)["canceled"] == ["kmm-x-0"]
        assert exchange.resting_names() == {"kmm-x-1"}
        done = kmm(*by_hand, "--everything", environment=exchange.environment())
        assert done.returncode == 0, done.stdout + done.stderr
        assert exchange.nothing_rests()
