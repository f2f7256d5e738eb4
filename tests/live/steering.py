"""What a person does to a bot that runs, and what can be seen of it in its files and at the exchange."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.live.processes import Bot, Exchange, bot_process, kmm

# Quotes that nobody takes, in markets that last for hours.
FAR = {
    "strategy": "fixed_spread",
    "params": {"size_contracts": 5, "half_spread_cents": 12},
    "markets": {"series": ["KXSIMINX"]},
}


@contextmanager
def quoting(
    exchange: Exchange, tmp_path: Path, config: Path, *arguments: str, **environment: str
) -> Iterator[Bot]:
    """A bot with quotes on both sides: its own, and none that a killed one left."""
    known = {**exchange.environment(), **environment}
    options: tuple[str | Path, ...] = ("--config", config, "--json", *arguments)
    with bot_process(tmp_path / "logs", *options, environment=known) as bot:
        bot.sees("its own heartbeat", lambda: bot.has("heartbeat.json") and is_trading(bot))
        exchange.catch_up()
        bot.sees("quotes on both sides", exchange.both_sides_rest)
        yield bot


def tell(bot: Bot, *words: str) -> tuple[int, dict[str, Any]]:
    """A command about this bot: exit code and what it printed."""
    done = kmm(*words, "--run-dir", bot.run_dir, "--json")
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout or "{}")


def kill(bot: Bot, reason: str) -> tuple[int, dict[str, Any]]:
    """The switch, with patience for the proof that nothing rests."""
    return tell(bot, "kill", reason, "--within", "60")


def by_hand(bot: Bot, content: bytes) -> None:
    """The kill switch's file, there as a whole or not at all."""
    draft = bot.run_dir.with_suffix(".draft")
    draft.write_bytes(content)
    draft.rename(bot.run_dir / "KILL_SWITCH")


def beat(bot: Bot) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((bot.run_dir / "heartbeat.json").read_text())
    return found


def is_trading(bot: Bot) -> bool:
    return (beat(bot)["pid"], beat(bot)["status"]) == (bot.process.pid, "active")


def turns(bot: Bot, ticks: int = 40) -> None:
    """Let the trading loop come round so often."""
    before = beat(bot)["cycle"]
    bot.sees("a living loop", lambda: beat(bot)["cycle"] >= before + ticks)


def names(exchange: Exchange) -> set[str]:
    """Every order that the exchange ever took from this account, by now."""
    exchange.catch_up()
    return {order["client_order_id"] for order in exchange.orders()}


def status_file(bot: Bot) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((bot.run_dir / "DEFAULT_circuit_breaker_status.json").read_text())
    return found
