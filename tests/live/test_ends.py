"""Runs that end by no command: killed, their terminal closed, signalled before they trade; who clears up."""

from __future__ import annotations

import json
import os
import pty
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live.processes import (
    PATIENCE,
    READS_EVERY,
    ROOT,
    Exchange,
    bot_process,
    clean_environment,
    eventually,
    kmm,
    settings,
)
from tests.live.steering import FAR, beat, quoting, tell


def test_what_a_killed_bot_leaves_is_cancelled_by_hand_and_nothing_of_others(
    exchange: Exchange, tmp_path: Path
) -> None:
    """Two installations on one account, both killed; each by-hand cancel is told whose orders are meant."""
    for name in ("mine", "theirs"):
        (tmp_path / name).mkdir()
        config = settings(tmp_path / name, name=name, desks={"DEFAULT": FAR})
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
    resting = beat(bot)["resting_orders"]
    code, said = tell(bot, "status")
    assert code == 3 and "ended without stopping" in said["error"]
    once = ("run", "--once", "--config", config, "--run-dir", bot.run_dir)
    for _ in range(2):
        done = kmm(*once, environment=exchange.environment())
        assert done.returncode == 0, done.stderr
    (crash,) = bot.alerts("bot_crash")
    assert f"process {bot.process.pid}" in crash["message"]
    assert crash["level"] == "critical" and crash["details"]["resting_orders"] == resting
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


BROKEN = '''
"""A strategy with a fault."""

from typing import ClassVar

from mm.core.strategy import Params


class Strategy:
    Params: ClassVar[type[Params]] = Params

    def __init__(self, params):
        self.fail("when it is made")

    def quotes(self, view):
        self.fail("when it is asked")

    def fail(self, when):
        if when == "WHEN":
            raise LookupError("it was never tried")
'''


@pytest.mark.parametrize("when", ["when it is made", "when it is asked"])
def test_a_fault_of_ours_is_told_once_where_others_look_also_while_it_starts(
    exchange: Exchange, tmp_path: Path, when: str
) -> None:
    home = tmp_path / "home"
    (home / "strategies").mkdir(parents=True)
    (home / "strategies" / "__init__.py").write_text("")
    (home / "strategies" / "broken.py").write_text(BROKEN.replace("WHEN", when))
    config = settings(home, desks={"DEFAULT": {"strategy": "broken"}})
    known = exchange.environment()
    with bot_process(tmp_path / "logs", "--config", config, environment=known, directory=home) as bot:
        assert bot.ends() == 1
    assert "LookupError: it was never tried" in bot.stderr
    (crash,) = bot.alerts("bot_crash")
    assert crash["level"] == "critical" and crash["message"].endswith("LookupError: it was never tried")
    (line,) = [line for line in bot.log("bot_crash") if "exception" in line]
    assert "LookupError" in line["exception"]
    assert json.loads((bot.run_dir / "last_run.json").read_text())["exit_code"] == 1


def test_a_key_id_too_short_to_be_hidden_is_a_wrong_configuration(exchange: Exchange, tmp_path: Path) -> None:
    known = {**exchange.environment(), "KALSHI_API_KEY_ID": "x"}
    with bot_process(tmp_path / "logs", "--config", settings(tmp_path), environment=known) as bot:
        assert bot.ends() == 78
    assert bot.stderr == "KALSHI_API_KEY_ID: must be of at least 4 characters\n"
    (told,) = bot.alerts("bot_shutdown")
    assert told["level"] == "critical" and told["details"]["exit_code"] == 78
