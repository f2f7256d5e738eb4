"""Every frame of the exchange takes four seconds (fault F24): real processes, and the exchange as witness."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import Any

from mm.core.units import SECOND
from tests.live.processes import Bot, Exchange, bot_process, exchange_process, is_exact, settings
from tests.live.steering import beat

LATE: dict[str, Any] = {"point": "frame", "kind": "delay", "delay_ns": 4 * SECOND, "times": 1_000_000}


def age_told(bot: Bot) -> float:
    """In seconds; 0 while nothing is late."""
    found = re.match(r"market data is ([\d.]+) s old", beat(bot)["pauses"].get("market data", ""))
    return float(found[1]) if found else 0.0


def paused_for_data_of(bot: Bot, exchange: Exchange) -> float:
    exchange.manage("POST", "/faults", LATE)
    return bot.sees("the pause", lambda: age_told(bot))


def levels(bot: Bot) -> list[str]:
    """Of what was told of pauses."""
    return [alert["level"] for alert in bot.alerts("pause")]


def test_nothing_is_quoted_on_old_data_and_quotes_come_back_with_fresh(tmp_path: Path) -> None:
    lively = ("--seed", "3", "--balance", "5000", "--regime", "fast_15_minute", "--admin-port", "0")
    with exchange_process(*lively) as (_, exchange):
        options = ("--config", settings(tmp_path), "--json")
        with bot_process(tmp_path / "logs", *options, environment=exchange.environment()) as bot:
            bot.sees("quotes on both sides", exchange.both_sides_rest)
            while paused_for_data_of(bot, exchange) < LATE["delay_ns"] / SECOND:
                # A pause tells the age with which it began: this machine has stood still just then.
                exchange.manage("DELETE", "/faults")
                bot.sees("fresh data", lambda: not beat(bot)["pauses"])
            bot.sees("nothing resting", exchange.nothing_rests)
            exchange.manage("DELETE", "/faults")
            bot.sees("the end of the pause", lambda: not beat(bot)["pauses"])
            bot.sees("quotes on both sides", exchange.both_sides_rest)
            # A machine that stands still makes data late, too: the pause may not be the only one.
            bot.sees("both told", lambda: levels(bot)[-1:] == ["info"])
            assert levels(bot)[:2] == ["warning", "info"]
            bot.signal(signal.SIGTERM)
            assert bot.ends() == 0, bot.stderr
            assert is_exact(bot.summary)
