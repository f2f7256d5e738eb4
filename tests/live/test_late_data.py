"""Every frame of the exchange takes four seconds (fault F24): real processes, and the exchange as witness."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.live.processes import bot_process, exchange_process, is_exact, settings
from tests.live.steering import beat

LATE = {"point": "frame", "kind": "delay", "delay_ns": 4_000_000_000, "times": 1_000_000}


def test_nothing_is_quoted_on_old_data_and_quotes_come_back_with_fresh(tmp_path: Path) -> None:
    lively = ("--seed", "3", "--balance", "5000", "--regime", "fast_15_minute", "--admin-port", "0")
    with exchange_process(*lively) as (_, exchange):
        options = ("--config", settings(tmp_path), "--json")
        with bot_process(tmp_path / "logs", *options, environment=exchange.environment()) as bot:
            bot.sees("quotes on both sides", exchange.both_sides_rest)
            exchange.manage("POST", "/faults", LATE)
            bot.sees("the pause", lambda: "market data" in beat(bot)["pauses"])
            assert "4." in beat(bot)["pauses"]["market data"]
            bot.sees("nothing resting", exchange.nothing_rests)
            exchange.manage("DELETE", "/faults")
            bot.sees("the end of the pause", lambda: not beat(bot)["pauses"])
            bot.sees("quotes on both sides", exchange.both_sides_rest)
            bot.sees("both told", lambda: len(bot.alerts("pause")) == 2)
            bot.signal(signal.SIGTERM)
            assert bot.ends() == 0, bot.stderr
            assert is_exact(bot.summary)
