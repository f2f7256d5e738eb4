"""An exchange that is not there yet, or not open, is waited for: real processes, real sockets."""

from __future__ import annotations

import contextlib
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
    ROOT,
    Bot,
    Exchange,
    bot_process,
    clean_environment,
    eventually,
    exchange_process,
    is_exact,
    kmm,
    settings,
)
from tests.live.proxy import Wire, wire_to
from tests.live.steering import beat, kill, tell

UNAVAILABLE = {
    "point": "before_parse",
    "kind": "status",
    "status": 503,
    "times": 1000,
    "contains": "/account",
}


@pytest.fixture(scope="module")
def managed() -> Iterator[Exchange]:
    """One whose troubles are ours to choose."""
    options = ("--seed", "3", "--balance", "5000", "--regime", "fast_15_minute", "--admin-port", "0")
    with exchange_process(*options) as (_, running):
        yield running


@contextmanager
def waiting(exchange: Exchange, tmp_path: Path, config: Path, *options: str) -> Iterator[tuple[Bot, Wire]]:
    """A bot whose connections are refused, after its second attempt."""
    with wire_to(exchange.port, is_laid=False) as wire:
        environment = exchange.environment(rest=wire.port, feed=wire.port)
        arguments: tuple[str | Path, ...] = ("--config", config, "--json", *options)
        with bot_process(tmp_path / "logs", *arguments, environment=environment) as bot:
            bot.waits_for("exchange_awaited", 2)
            yield bot, wire


def test_a_start_before_the_exchange_is_there_waits_says_so_and_quotes_when_it_is(
    exchange: Exchange, tmp_path: Path
) -> None:
    config = settings(tmp_path, alerts={"feed_lost_critical_seconds": None})  # told once, however long it is
    with waiting(exchange, tmp_path, config) as (bot, wire):
        first = beat(bot)
        assert first["status"] == "starting"
        bot.sees("a fresh heartbeat", lambda: beat(bot)["timestamp"] > first["timestamp"])
        code, state = tell(bot, "status")
        assert (code, state["status"], state["as_of"]) == (0, "starting", None)
        assert state["waiting"].startswith("waiting for the exchange: no answer (ConnectionRefusedError)")
        assert "next try in " in state["waiting"]
        (alarm,) = bot.alerts("api_disconnect")
        assert (alarm["level"], alarm["details"]["link"]) == ("warning", "exchange")
        assert tell(bot, "flatten")[0] == 4
        wire.lay()
        bot.sees("quotes on both sides", exchange.both_sides_rest)
        over = [alert for alert in bot.alerts("api_disconnect") if alert["level"] == "info"]
        assert [alert["details"]["link"] for alert in over] == ["exchange"]
        assert tell(bot, "status")[1]["waiting"] is None
        bot.signal(signal.SIGTERM)
        assert bot.ends() == 0, bot.stderr
        assert is_exact(bot.summary)
        assert exchange.key_id not in bot.everything()
    replayed = kmm("replay", tmp_path / "logs" / "journal", "--json")
    assert json.loads(replayed.stdout)["difference"] is None


@pytest.mark.parametrize("trouble", ["unavailable", "closed"])
def test_an_exchange_that_answers_but_is_not_open_is_waited_for(
    managed: Exchange, config: Path, tmp_path: Path, trouble: str
) -> None:
    begin: tuple[Any, ...] = ("POST", "/pause", {"exchange": True})
    end = ("POST", "/resume")
    if trouble == "unavailable":
        begin, end = ("POST", "/faults", UNAVAILABLE), ("DELETE", "/faults")
    managed.manage(*begin)
    options = ("--config", config, "--once", "--json")
    with bot_process(tmp_path / "logs", *options, environment=managed.environment()) as bot:
        (said, *_) = bot.waits_for("exchange_awaited")
        assert {"unavailable": "503", "closed": "it is closed"}[trouble] in said["message"]
        managed.manage(*end)
        assert bot.ends() == 0, bot.stderr
        assert is_exact(bot.summary)
        assert bot.log("order_acknowledged")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, "kmm stop"])
def test_a_start_that_waits_ends_when_it_is_told_to(
    exchange: Exchange, config: Path, tmp_path: Path, how: signal.Signals | str
) -> None:
    before = len(exchange.orders())
    with waiting(exchange, tmp_path, config) as (bot, _):
        if isinstance(how, signal.Signals):
            bot.signal(how)
        else:
            code, said = tell(bot, "stop")
            assert (code, said["exit_code"]) == (3, 3)
        assert bot.ends() == 3, "nothing was sent, and nothing proven"
        word = how.name if isinstance(how, signal.Signals) else how
        assert f"stopped by {word} before trading began" in bot.stderr
        assert "Traceback" not in bot.stderr
        assert not bot.has("control.sock")
    last = json.loads((tmp_path / "logs" / "last_run.json").read_text())
    assert (last["state"], last["exit_code"]) == ("ended", 3)
    assert len(exchange.orders()) == before


def test_a_kill_while_it_waits_holds_and_nothing_is_claimed_that_is_not_known(
    exchange: Exchange, config: Path, tmp_path: Path
) -> None:
    before = len(exchange.orders())
    with waiting(exchange, tmp_path, config) as (bot, wire):
        code, said = tell(bot, "kill", "the drill", "--within", "0.5")
        assert (code, "not proven" in said["error"]) == (3, True), "what a former run left may rest"
        assert (bot.run_dir / "KILL_SWITCH").read_text() == "the drill\n"
        bot.sees("disabled", lambda: beat(bot)["status"] == "disabled")
        wire.lay()
        bot.sees("the account read", lambda: beat(bot)["last_reconcile"])
        assert kill(bot, "again")[0] == 0
        state = tell(bot, "status")[1]
        assert (state["mode"], state["kill_switch"]) == ("halted", "the drill")
        assert len(exchange.orders()) == before
        assert tell(bot, "resume")[0] == 0
        bot.sees("quotes on both sides", exchange.both_sides_rest)
        bot.signal(signal.SIGTERM)
        assert bot.ends() == 0, bot.stderr


def test_who_watches_on_a_terminal_reads_what_it_waits_for_and_ends_it_by_hand(
    exchange: Exchange, config: Path, tmp_path: Path
) -> None:
    with wire_to(exchange.port, is_laid=False) as wire:
        environment = exchange.environment(rest=wire.port, feed=wire.port)
        ours, theirs = pty.openpty()
        words = ["run", "--config", str(config), "--run-dir", str(tmp_path / "logs")]
        bot = subprocess.Popen(
            [sys.executable, "-m", "mm", *words],
            cwd=ROOT,
            env=clean_environment({**environment, "TERM": "xterm", "COLUMNS": "120"}),
            stdin=theirs,
            stdout=theirs,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs)
        said = b""

        def is_said() -> bool:
            nonlocal said
            said += os.read(ours, 65_536)
            return b"waiting for the exchange: " in said and b"next try in" in said

        try:
            eventually("what it waits for", is_said)
            bot.send_signal(signal.SIGINT)
            with contextlib.suppress(OSError):  # the last end of the terminal is closed
                while os.read(ours, 65_536):
                    pass
            assert bot.wait(PATIENCE) == 3
        finally:
            os.close(ours)
            bot.kill()
            bot.wait()
