"""Coin markets on a shard of their own, with its own cash: the bot trades there once it has money there."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from tests.live.processes import bot_process, exchange_process, is_exact, settings

SHARD = 2
FUND = {
    "source": "event_contract",
    "destination": "event_contract",
    "amount": 20_000_000,
    "source_exchange_shard": 0,
    "destination_exchange_shard": SHARD,
    "client_transfer_id": "7b9c2a50-5c1e-4a8f-9f55-0d1b6a3f2c12",
}
COINS = {
    "strategy": "top_of_book",
    "params": {"size_contracts": 5, "cutoff_seconds": 5},
    "markets": {"series": ["KXSIMBTC15M"]},
}


def test_it_quotes_is_filled_and_ends_exactly_on_a_funded_shard(tmp_path: Path) -> None:
    lively = ("--seed", "3", "--balance", "5000", "--regime", "fast_15_minute")
    with exchange_process(*lively, "--switch", f"crypto_shard={SHARD}") as (_, exchange):
        exchange.post("/portfolio/intra_exchange_instance_transfer", FUND)
        config = settings(tmp_path, desks={"COINS": COINS})
        arguments = ("--config", config, "--json")
        with bot_process(tmp_path / "logs", *arguments, environment=exchange.environment()) as bot:
            bot.sees("quotes on both sides", exchange.both_sides_rest)
            bot.waits_for("order_filled", 3, desk="COINS")
            bot.signal(signal.SIGTERM)
            assert bot.ends() == 0, bot.stderr
            assert is_exact(bot.summary), json.dumps(bot.summary["comparison"])
        assert {order["exchange_index"] for order in exchange.orders()} == {SHARD}
        assert exchange.nothing_rests()
