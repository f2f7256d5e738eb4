"""A run as an operator does it: files from the first moment, quotes, an end that is proven, a replay."""

from __future__ import annotations

import csv
import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.live.processes import (
    DATA,
    ROOT,
    Exchange,
    bot_process,
    eventually,
    exchange_process,
    is_exact,
    kmm,
    settings,
)

TAPE = DATA / "kxbtc15m_20260513T1259_3markets.jsonl.gz"
LINES = ("alerts.jsonl", "Strategy_DEFAULT_trading.jsonl", "DEFAULT.log")
OBJECTS = ("DEFAULT_circuit_breaker_status.json", "Strategy_DEFAULT_metrics.json", "heartbeat.json")
TABLES = ("Strategy_DEFAULT_loops.csv", "Strategy_DEFAULT_actions.csv", "Strategy_DEFAULT_latencies.csv")
IMPATIENT = 0.02
# Long enough to read the account, connect and quote also where each of these stands still for a while.
SECONDS = "12"


def no_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


def strictly(text: str) -> dict[str, Any]:
    found = json.loads(text, parse_constant=no_constant)
    assert isinstance(found, dict)
    return found


def whole_lines(path: Path) -> list[str]:
    """Without the one that is perhaps being written."""
    return path.read_text("ascii").rpartition("\n")[0].splitlines(keepends=True)


def parse_every_file(run_dir: Path) -> None:
    """Every file of the operator's manual exists and is what it says it is."""
    for name in LINES:
        for line in whole_lines(run_dir / name):
            strictly(line)
    for name in OBJECTS:
        assert strictly((run_dir / name).read_text("ascii"))
    for name in TABLES:
        head, *rows = csv.reader(whole_lines(run_dir / name), strict=True)
        assert all(len(row) == len(head) for row in rows)


def rested_together(orders: list[dict[str, Any]]) -> bool:
    """Whether a bid and an ask did; each from its creation to its last change."""
    lives: dict[str, list[tuple[str, str]]] = {"bid": [], "ask": []}
    for order in orders:
        lives[order["book_side"]].append((order["created_time"], order["last_update_time"]))
    return any(
        bid_from < ask_to and ask_from < bid_to
        for bid_from, bid_to in lives["bid"]
        for ask_from, ask_to in lives["ask"]
    )


def test_a_timed_run_quotes_both_sides_and_ends_proven_clean(
    exchange: Exchange, config: Path, tmp_path: Path
) -> None:
    run_dir, former = tmp_path / "logs", exchange.runs()
    arguments = ("--config", config, "--seconds", SECONDS, "--json")
    with bot_process(run_dir, *arguments, environment=exchange.environment()) as bot:
        bot.sees("the first alert", lambda: bot.has("alerts.jsonl") and bot.alerts("bot_startup"))
        parse_every_file(run_dir)  # all of them, before there is anything to say
        assert bot.ends() == 0, bot.stderr
        assert is_exact(bot.summary)
        assert exchange.nothing_rests()
        assert rested_together(exchange.orders_since(former)), "never both sides at one time"
        assert bot.alerts("bot_shutdown")
        assert not bot.alerts("bot_crash")
        assert exchange.key_id not in bot.everything()
    parse_every_file(run_dir)
    assert (run_dir / "kmm.lock").read_bytes() == b""
    replayed = kmm("replay", run_dir / "journal", "--json")
    assert replayed.returncode == 0, replayed.stdout
    said = strictly(replayed.stdout)
    assert said["difference"] is None
    assert said["actions"] > 10


def test_the_configuration_as_delivered_runs_with_an_exchange_of_its_own(tmp_path: Path) -> None:
    """`make run`, shortened: whatever config.yaml says, the two books agree at the end."""
    with bot_process(tmp_path / "logs", "--config", ROOT / "config.yaml", "--once", "--json") as bot:
        assert bot.ends() == 0, bot.stderr
        assert is_exact(bot.summary)
        assert bot.log("order_acknowledged")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_an_orderly_end_however_often_it_comes(
    exchange: Exchange, config: Path, tmp_path: Path, number: signal.Signals
) -> None:
    arguments = ("--config", config, "--json")
    with bot_process(tmp_path / "logs", *arguments, environment=exchange.environment()) as bot:
        bot.waits_for("order_acknowledged", 2)

        def has_ended_although_asked_again() -> bool:
            bot.signal(number)  # whoever is gone hears nothing
            return bot.process.poll() is not None

        eventually("the end", has_ended_although_asked_again, every=IMPATIENT)
        assert bot.ends() == 0, bot.stderr
        assert is_exact(bot.summary)
        assert exchange.nothing_rests()
        assert "Traceback" not in bot.stderr


def test_a_dry_run_decides_everything_and_sends_nothing(tmp_path: Path, config: Path) -> None:
    with exchange_process("--seed", "5") as (_, untouched):
        arguments = ("--config", config, "--dry-run", "--json")
        with bot_process(tmp_path / "logs", *arguments, environment=untouched.environment()) as bot:
            bot.waits_for("order_acknowledged", 4)
            bot.signal(signal.SIGTERM)
            assert bot.ends() == 0, bot.stderr
            assert bot.summary["agrees"] is True
            assert bot.summary["fills"] == 0
        assert untouched.orders() == []
        replayed = kmm("replay", tmp_path / "logs" / "journal")
        assert replayed.returncode == 0, replayed.stdout


def test_once_ends_by_itself_after_a_whole_cycle(exchange: Exchange, config: Path, tmp_path: Path) -> None:
    before = len(exchange.orders())
    arguments = ("--config", config, "--once", "--json")
    with bot_process(tmp_path / "logs", *arguments, environment=exchange.environment()) as bot:
        assert bot.ends() == 0, bot.stderr
        assert is_exact(bot.summary)
    assert len(exchange.orders()) > before
    assert exchange.nothing_rests()


def test_a_recorded_market_plays_everybody_else(tmp_path: Path) -> None:
    if not TAPE.exists():
        pytest.skip(f"the recording {TAPE.name} is not beside the repository (../shared/data)")
    config = settings(tmp_path)
    arguments = ("--config", config, "--tape", TAPE, "--speed", "20", "--seconds", SECONDS, "--json")
    with bot_process(tmp_path / "logs", *arguments) as bot:
        assert bot.ends() == 0, bot.stderr
        assert is_exact(bot.summary)
        assert bot.log("order_acknowledged"), "nothing was quoted"


def test_simulations_of_one_seed_have_one_fingerprint() -> None:
    def run(seed: str, hash_seed: str) -> dict[str, Any]:
        arguments = ("simulate", "--seconds", "10", "--weather", "storm", "--seed", seed, "--json")
        done = kmm(*arguments, environment={"PYTHONHASHSEED": hash_seed})
        assert done.returncode == 0, done.stdout + done.stderr
        return strictly(done.stdout)

    one, again, other = run("7", "1"), run("7", "2"), run("8", "1")
    for result in (one, again):
        del result["events_per_second"]  # this machine's, not the seed's
    assert one == again
    assert one["digest"] != other["digest"]
    assert one["orders"] > 0
    assert one["checks"] == []
