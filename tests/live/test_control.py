"""A person steers a bot that runs: real processes, the real commands, and the exchange as the witness."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.live.processes import (
    PATIENCE,
    READS_EVERY,
    ROOT,
    Bot,
    Exchange,
    bot_process,
    clean_environment,
    eventually,
    is_exact,
    kmm,
    settings,
)
from tests.live.proxy import wire_to

# Five quotes on each side, far enough out that they rest.
LADDER = '''
"""A strategy whose quotes rest."""

from typing import ClassVar

from mm.core.strategy import Decision, Params, Quote
from mm.core.units import CENT, CONTRACT, DOLLAR, Side


class Strategy:
    Params: ClassVar[type[Params]] = Params

    def __init__(self, params):
        pass

    def quotes(self, view):
        bid, ask = view.best_bid, view.best_ask
        if bid is None or ask is None or bid <= 20 * CENT or ask >= DOLLAR - 20 * CENT:
            return Decision(note="too near the edge")
        bid, ask = bid // (5 * CENT) * 5 * CENT - 3 * CENT, -(-ask // (5 * CENT)) * 5 * CENT + 3 * CENT
        steps = range(0, 5 * CENT, CENT)
        bids = tuple(Quote(Side.BID, bid - step, CONTRACT) for step in steps)
        return Decision(bids + tuple(Quote(Side.ASK, ask + step, CONTRACT) for step in steps))
'''
MANY = 20
# Quotes that nobody takes.
FAR = {
    "strategy": "fixed_spread",
    "params": {"size_contracts": 5, "half_spread_cents": 12},
    "markets": {"series": ["KXSIMINX"]},
}


@contextmanager
def quoting(
    exchange: Exchange, tmp_path: Path, config: Path, *arguments: str, **environment: str
) -> Iterator[Bot]:
    """A bot with quotes on both sides."""
    known = {**exchange.environment(), **environment}
    options: tuple[str | Path, ...] = ("--config", config, "--json", *arguments)
    with bot_process(tmp_path / "logs", *options, environment=known) as bot:
        bot.sees("quotes on both sides", exchange.both_sides_rest)
        yield bot


def tell(bot: Bot, *words: str) -> tuple[int, dict[str, Any]]:
    """A command about this bot: exit code and what it printed."""
    done = kmm(*words, "--run-dir", bot.run_dir, "--json")
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout or "{}")


def beat(bot: Bot) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((bot.run_dir / "heartbeat.json").read_text())
    return found


def turns(bot: Bot, ticks: int = 40) -> None:
    """Let the trading loop come round so often."""
    before = beat(bot)["cycle"]
    bot.sees("a living loop", lambda: beat(bot)["cycle"] >= before + ticks)


def names(exchange: Exchange) -> set[str]:
    """Every order that the exchange ever took from this account."""
    return {order["client_order_id"] for order in exchange.orders()}


def sends(bot: Bot) -> int:
    """Creates and amends that left, by the bot's own word."""
    events = bot.lines("Strategy_DEFAULT_trading.jsonl")
    return sum(1 for event in events if event["event_type"] == "order_sent")


def status_file(bot: Bot) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((bot.run_dir / "DEFAULT_circuit_breaker_status.json").read_text())
    return found


def test_a_kill_leaves_nothing_resting_and_nothing_follows_until_resume(
    exchange: Exchange, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    (home / "strategies").mkdir(parents=True)
    (home / "strategies" / "__init__.py").write_text("")
    (home / "strategies" / "ladder.py").write_text(LADDER)
    # Two markets, and no order more than are cancelled one by one: a sweep keeps orders away for a minute.
    near = {"min_probability": 0.3, "max_probability": 0.7, "max_markets": 2}
    desk = {"strategy": "ladder", "markets": {"filter": near}}
    config = settings(home, desks={"DEFAULT": desk})
    options = ("--config", config, "--json")
    with bot_process(tmp_path / "logs", *options, environment=exchange.environment(), directory=home) as bot:
        bot.sees("twenty orders", lambda: len(exchange.resting()) >= MANY)
        code, said = tell(bot, "kill", "the drill")
        assert code == 0, said
        assert (said["open_orders"], said["kill_switch"]) == (0, "the drill") or said["mode"] == "halted"
        bot.sees("nothing resting", exchange.nothing_rests)
        known, sent = names(exchange), sends(bot)
        turns(bot)
        assert names(exchange) == known, "an order came after the kill"
        assert sends(bot) == sent
        assert exchange.nothing_rests()
        assert (bot.run_dir / "KILL_SWITCH").read_text() == "the drill\n"
        assert beat(bot)["status"] == "disabled"
        alerts = bot.alerts("kill_switch")
        assert alerts[0]["level"] == "critical" and "the drill" in alerts[0]["message"]
        file = status_file(bot)
        assert (file["is_open"], file["trip_rule"]) == (False, "kill_switch")
        assert tell(bot, "breaker", "reset", "--reason", "no")[0] == 4, "only resume ends a kill"

        code, said = tell(bot, "resume")
        assert code == 0, said
        assert not bot.has("KILL_SWITCH")
        bot.sees("quotes again", exchange.both_sides_rest)
        assert bot.alerts("kill_switch")[-1]["level"] == "info"
        reasons = [(line["command"], line["reason"]) for line in bot.log("operator_command")]
        assert ("kill", "the drill") in reasons and ("resume", "kmm resume") in reasons
        assert tell(bot, "stop")[0] == 0
        assert is_exact(bot.summary)


def test_the_file_alone_is_enough_and_so_is_its_removal(
    exchange: Exchange, config: Path, tmp_path: Path
) -> None:
    with quoting(exchange, tmp_path, config) as bot:
        (bot.run_dir / "KILL_SWITCH").write_text("by hand,\non two lines")
        bot.sees("nothing resting", exchange.nothing_rests)
        bot.sees("the word for it", lambda: beat(bot)["status"] == "disabled")
        assert tell(bot, "status")[1]["kill_switch"] == "by hand, on two lines"
        (bot.run_dir / "KILL_SWITCH").unlink()
        bot.sees("quotes again", exchange.both_sides_rest)
        assert tell(bot, "stop")[0] == 0
        assert is_exact(bot.summary)


def test_a_start_with_the_kill_switch_on_reports_and_never_trades(
    exchange: Exchange, config: Path, tmp_path: Path
) -> None:
    run_dir = tmp_path / "logs"
    run_dir.mkdir()
    done = kmm("kill", "before the start", "--run-dir", run_dir)
    assert done.returncode == 0 and "for the next start" in done.stdout, done.stderr
    known = names(exchange)
    options = ("--config", config, "--json")
    with bot_process(run_dir, *options, environment=exchange.environment()) as bot:
        bot.sees("the word for it", lambda: bot.has("heartbeat.json") and beat(bot)["status"] == "disabled")
        bot.sees("the account read", lambda: beat(bot)["last_reconcile"])
        turns(bot)
        assert names(exchange) == known
        assert bot.alerts("kill_switch")
        assert tell(bot, "resume")[0] == 0
        bot.sees("quotes", exchange.both_sides_rest)
        assert tell(bot, "stop")[0] == 0


def test_the_variable_disables_one_cycle_as_the_manual_has_it(
    exchange: Exchange, config: Path, tmp_path: Path
) -> None:
    known = names(exchange)
    environment = {**exchange.environment(), "BOT_DISABLE_TRADING": "1"}
    options = ("--config", config, "--once", "--json")
    with bot_process(tmp_path / "logs", *options, environment=environment) as bot:
        assert bot.ends() == 0, bot.stderr
        assert is_exact(bot.summary)
        assert "BOT_DISABLE_TRADING=1" in bot.alerts("kill_switch")[0]["message"]
    assert names(exchange) == known


def test_what_the_environment_disables_no_command_resumes(
    exchange: Exchange, config: Path, tmp_path: Path
) -> None:
    environment = {**exchange.environment(), "BOT_DISABLE_TRADING": "1"}
    options = ("--config", config, "--json")
    with bot_process(tmp_path / "logs", *options, environment=environment) as bot:
        bot.sees("a socket", lambda: bot.has("control.sock"))
        code, said = tell(bot, "resume")
        assert code == 4 and "BOT_DISABLE_TRADING=1" in said["error"]
        assert tell(bot, "stop")[0] == 0


def test_a_reset_while_tripped_goes_on_and_one_of_a_dead_bot_is_for_the_next(
    exchange: Exchange, tmp_path: Path
) -> None:
    config = settings(tmp_path, circuit_breaker={"feed_lost_seconds": 0.2})
    with wire_to(exchange.port) as feed:
        where = exchange.environment(feed=feed.port)
        with quoting(exchange, tmp_path, config, **where) as bot:
            assert tell(bot, "breaker", "reset", "--reason", "for nothing")[0] == 2
            feed.cut()
            bot.sees("a trip", lambda: beat(bot)["status"] == "tripped")
            feed.mend()
            bot.waits_for("websocket_connected", 2)
            assert exchange.nothing_rests()
            code, said = tell(bot, "resume")
            assert code == 4 and "stays tripped" in said["error"]
            code, said = tell(bot, "breaker", "reset", "--reason", "a new router")
            assert code == 0, said
            bot.sees("quotes again", exchange.both_sides_rest)

            feed.cut()
            bot.sees("another trip", lambda: beat(bot)["status"] == "tripped")
            bot.sees("it on disk", lambda: not status_file(bot)["is_open"])
            bot.signal(signal.SIGKILL)
            assert bot.ends() == -signal.SIGKILL
    shown = kmm("breaker", "show", "--run-dir", bot.run_dir, "--json")
    assert json.loads(shown.stdout)["source"] == "the files of the last run"
    assert json.loads(shown.stdout)["breakers"]["DEFAULT"]["trip_rule"] == "feed_lost_seconds"
    code, said = tell(bot, "breaker", "reset", "--reason", "a new router, again")
    assert (code, said.get("rules")) == (0, ["feed_lost_seconds"])
    assert tell(bot, "breaker", "reset", "--reason", "once more")[0] == 2
    with quoting(exchange, tmp_path, config) as bot:
        assert tell(bot, "stop")[0] == 0


def test_a_reload_takes_over_what_it_can_and_refuses_a_broken_file_whole(
    exchange: Exchange, tmp_path: Path
) -> None:
    config = settings(tmp_path)
    with quoting(exchange, tmp_path, config) as bot:
        good = config.read_text()
        settings(tmp_path, circuit_breaker={"pnl_threshold": -33}, log={"level": "debug"})
        code, said = tell(bot, "reload")
        assert code == 0, said
        (applied,), (waiting,) = said["applied"], said["needs_restart"]
        assert applied == {"key": "circuit_breaker.pnl_threshold", "before": -100, "after": -33}
        assert (waiting["key"], waiting["after"]) == ("log.level", "debug")
        assert tell(bot, "status")[1]["breaker"]["thresholds"]["pnl_threshold"] == 33

        config.write_text('{"version": 1,\n "circuit_breaker": {"pnl_threshold": 5},\n "desks": {}}')
        code, said = tell(bot, "reload")
        assert code == 78
        assert any(error.startswith(f"{config}:2:") for error in said["errors"]), said
        assert tell(bot, "status")[1]["breaker"]["thresholds"]["pnl_threshold"] == 33
        alert = bot.sees("the alert", lambda: bot.alerts("config_reload")[1:])[0]
        assert alert["level"] == "warning" and f"{config}:2:" in alert["message"]

        config.write_text(good)
        bot.signal(signal.SIGHUP)  # nobody watches a terminal here: it is a supervisor's
        bot.waits_for("config_reloaded", 2)
        assert tell(bot, "status")[1]["breaker"]["thresholds"]["pnl_threshold"] == 100
        assert exchange.both_sides_rest()
        assert tell(bot, "stop")[0] == 0
        assert is_exact(bot.summary)
    replayed = kmm("replay", bot.run_dir / "journal", "--json")
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr


def test_a_pause_pulls_the_quotes_and_a_status_says_so(
    exchange: Exchange, config: Path, tmp_path: Path
) -> None:
    with quoting(exchange, tmp_path, config) as bot:
        code, said = tell(bot, "status")
        assert (code, said["status"], said["pid"]) == (0, "active", bot.process.pid)
        code, said = tell(bot, "cancel-all", "--verify")
        assert (code, said["status"]) == (0, "paused")
        assert exchange.nothing_rests()
        known = names(exchange)
        turns(bot)
        assert names(exchange) == known
        assert tell(bot, "resume")[0] == 0
        bot.sees("quotes again", exchange.both_sides_rest)
        code, said = tell(bot, "stop", "--reason", "the end of the test")
        assert (code, said["exit_code"]) == (0, 0)
        assert bot.ends() == 0
        assert is_exact(bot.summary)
        assert not bot.has("control.sock")
    for words in (("status",), ("stop",), ("pause",), ("flatten",), ("reload",)):
        assert tell(bot, *words)[0] == 3, words
    assert "exit code 0" in tell(bot, "status")[1]["error"]


def test_what_a_killed_bot_leaves_is_cancelled_by_hand_and_nothing_of_others(
    exchange: Exchange, tmp_path: Path
) -> None:
    """Two installations on one account, both killed; each by-hand cancel is told whose orders are meant."""
    for name in ("mine", "theirs"):
        (tmp_path / name).mkdir()
        config = settings(tmp_path / name, name=name)
        with bot_process(
            tmp_path / name / "logs", "--config", config, environment=exchange.environment()
        ) as bot:

            def has_quotes(name: str = name) -> bool:
                return any(order.startswith(f"{name}-") for order in exchange.resting_names())

            bot.sees("its quotes", has_quotes)
            bot.signal(signal.SIGKILL)
            assert bot.ends() == -signal.SIGKILL
    config = tmp_path / "mine" / "config.yaml"
    config.write_text(json.dumps({"version": 1, "name": "mine", "desks": {"D": {"strategy": "no_such"}}}))
    by_hand = ("cancel-all", "--config", config, "--json")
    done = kmm(*by_hand, environment=exchange.environment())
    assert done.returncode == 0, done.stderr + done.stdout
    said = json.loads(done.stdout)
    assert said["canceled"] and not said["left"] and said["orders_of_others"] > 0
    left = exchange.resting_names()
    assert left and all(order.startswith("theirs-") for order in left)
    done = kmm(*by_hand, "--everything", environment=exchange.environment())
    assert done.returncode == 0, done.stderr + done.stdout
    eventually("nothing", exchange.nothing_rests, READS_EVERY)


def test_a_killed_run_is_told_by_the_next_one_once(exchange: Exchange, tmp_path: Path) -> None:
    config = settings(tmp_path, desks={"DEFAULT": FAR})
    with quoting(exchange, tmp_path, config) as bot:
        bot.sees("a heartbeat that knows them", lambda: beat(bot)["resting_orders"])
        bot.signal(signal.SIGKILL)
        assert bot.ends() == -signal.SIGKILL
    code, said = tell(bot, "status")
    assert code == 3 and "ended without stopping" in said["error"]
    once = ("run", "--once", "--config", config, "--run-dir", bot.run_dir)
    for _ in range(2):
        done = kmm(*once, environment=exchange.environment())
        assert done.returncode == 0, done.stderr
    (crash,) = bot.alerts("bot_crash")
    assert f"process {bot.process.pid}" in crash["message"]
    assert crash["level"] == "critical" and crash["details"]["resting_orders"] > 0
    assert exchange.nothing_rests()


def test_a_closed_terminal_is_an_orderly_end(exchange: Exchange, config: Path, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    run_dir = tmp_path / "logs"
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "mm", "run", "--config", str(config), "--run-dir", str(run_dir)],
            cwd=ROOT,
            env=clean_environment(exchange.environment()),
            stdin=theirs,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs)
        try:
            eventually("quotes", exchange.both_sides_rest, READS_EVERY)
            process.send_signal(signal.SIGHUP)
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
            process.wait()
    finally:
        os.close(ours)
    assert exchange.nothing_rests()
    assert json.loads((run_dir / "last_run.json").read_text())["exit_code"] == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_before_trading_begins_leaves_everything_in_order(
    tmp_path: Path, number: signal.Signals
) -> None:
    """The exchange never answers here, so the start lasts as long as the story."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        key = tmp_path / "key.pem"
        done = subprocess.run(
            ["openssl", "genpkey", "-algorithm", "RSA", "-out", str(key)], capture_output=True, check=False
        )
        if done.returncode:
            pytest.skip("openssl is not installed")
        key.chmod(0o600)
        environment = {
            "KMM__exchange__rest_url": f"http://127.0.0.1:{port}/trade-api/v2",
            "KMM__exchange__ws_url": f"ws://127.0.0.1:{port}/trade-api/ws/v2",
            "KALSHI_API_KEY_ID": "a-key-id",
            "KALSHI_PRIVATE_KEY_PATH": str(key),
        }
        options = ("--config", settings(tmp_path))
        with bot_process(tmp_path / "logs", *options, environment=environment) as bot:
            heard, _ = silent.accept()
            with heard:
                bot.signal(number)
                assert bot.ends() == 3, bot.stderr
            assert f"stopped by {number.name} before trading began" in bot.stderr
            assert "Traceback" not in bot.stderr
    assert json.loads((bot.run_dir / "last_run.json").read_text())["state"] == "ended"
    assert (bot.run_dir / "kmm.lock").read_bytes() == b""
