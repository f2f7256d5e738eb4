"""A real bot under what plays systemd's part: when it is ready, alive, silent, reloading and stopping."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.live.processes import ROOT, Exchange, clean_environment, exchange_process, settings
from tests.live.proxy import wire_to
from tests.ops.manager import PATIENCE_SECONDS, FakeManager, fake_manager

WATCHDOG_SECONDS = 4.0
# What a strategy with an endless loop does to the trading loop, as long as the file is there.
HANGING = """
import pathlib, sys, time
from strategies.top_of_book import Strategy
quotes, hang = Strategy.quotes, pathlib.Path(sys.argv.pop(1))
def quotes_unless_hanging(self, view):
    while hang.exists():
        time.sleep(0.05)
    return quotes(self, view)
Strategy.quotes = quotes_unless_hanging
from mm.cli.main import main
main()
"""


@pytest.fixture(scope="module")
def exchange() -> Iterator[Exchange]:
    with exchange_process("--seed", "3", "--balance", "5000", "--regime", "fast_15_minute") as (_, running):
        yield running


@contextmanager
def managed(
    manager: FakeManager, exchange: Exchange, directory: Path, *command: str, port: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """``kmm run`` as a service manager starts it; ``command`` stands before its arguments. ``port``: the way
    to the exchange, if not its own."""
    words = [*(command or ("-m", "mm")), "run", "--config", str(settings(directory))]
    with (directory / "said").open("wb") as said:
        bot = subprocess.Popen(
            [sys.executable, *words, "--run-dir", str(directory / "run")],
            cwd=ROOT,
            env=clean_environment(
                {**exchange.environment(port, port), **manager.environment(WATCHDOG_SECONDS)}
            ),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
    try:
        yield bot
    finally:
        bot.kill()
        bot.wait()


@pytest.fixture(params=[False, True], ids=["a path", "an abstract name"])
def manager(request: pytest.FixtureRequest) -> Iterator[FakeManager]:
    with fake_manager(abstract=request.param) as listening:
        yield listening


def waits_until_active(manager: FakeManager) -> None:
    """What it does is said with the word that it is ready, and again when that changes."""
    if not manager.waits_for("READY")["STATUS"].startswith("active: "):
        manager.waits_for("STATUS", "active: ")


def test_a_life_in_the_order_in_which_systemd_hears_of_it(
    manager: FakeManager, exchange: Exchange, tmp_path: Path
) -> None:
    with managed(manager, exchange, tmp_path) as bot:
        waits_until_active(manager)
        assert not any("STOPPING" in said for said in manager.heard)
        bot.send_signal(signal.SIGHUP)
        began = manager.waits_for("RELOADING")
        assert int(began["MONOTONIC_USEC"]) > 0
        manager.waits_for("READY")
        manager.waits_for("WATCHDOG")
        bot.send_signal(signal.SIGTERM)
        assert manager.waits_for("STOPPING")["STATUS"] == "stopping: SIGTERM"
        assert manager.waits_for("STATUS", "comparing the books")["EXTEND_TIMEOUT_USEC"] == "90000000"
        assert bot.wait(PATIENCE_SECONDS) == 0
    manager.clear()
    first = manager.names()
    order = [name for name in first if name in ("READY", "RELOADING", "STOPPING")]
    assert order == ["READY", "RELOADING", "STOPPING"]
    assert exchange.nothing_rests()


@pytest.mark.parametrize("manager", [False], indirect=True, ids=["a path"])
def test_a_start_that_waits_for_the_exchange_says_so_and_asks_for_time(
    manager: FakeManager, exchange: Exchange, tmp_path: Path
) -> None:
    with (
        wire_to(exchange.port, is_laid=False) as wire,
        managed(manager, exchange, tmp_path, port=wire.port) as bot,
    ):
        said = manager.waits_for("STATUS", "starting: waiting for the exchange: no answer")
        assert "next try in" in said["STATUS"]
        for _ in range(2):
            assert manager.waits_for("EXTEND_TIMEOUT_USEC") == {"EXTEND_TIMEOUT_USEC": "60000000"}
        assert "READY" not in manager.names()
        wire.lay()
        waits_until_active(manager)
        bot.send_signal(signal.SIGTERM)
        assert bot.wait(PATIENCE_SECONDS) == 0


@pytest.mark.parametrize("manager", [False], indirect=True, ids=["a path"])
def test_a_stopped_process_is_silent_and_a_woken_one_is_heard_again(
    manager: FakeManager, exchange: Exchange, tmp_path: Path
) -> None:
    with managed(manager, exchange, tmp_path) as bot:
        manager.waits_for("READY")
        bot.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, bot.pid, os.WSTOPPED | os.WNOWAIT)
        manager.clear()
        assert manager.hears(WATCHDOG_SECONDS) is None, "systemd would kill it now"
        bot.send_signal(signal.SIGCONT)
        manager.waits_for("WATCHDOG")


@pytest.mark.parametrize("manager", [False], indirect=True, ids=["a path"])
def test_a_loop_that_hangs_in_a_strategy_is_silent_although_its_threads_go_on(
    manager: FakeManager, exchange: Exchange, tmp_path: Path
) -> None:
    hang = tmp_path / "hang"
    with managed(manager, exchange, tmp_path, "-c", HANGING, str(hang)):
        manager.waits_for("STATUS", "active: ")
        manager.waits_for("WATCHDOG")
        hang.touch()
        end = time.monotonic() + PATIENCE_SECONDS
        while manager.hears(WATCHDOG_SECONDS) is not None:  # what was said before it hung
            assert time.monotonic() < end, "never silent for as long as systemd would wait"
        hang.unlink()
        manager.waits_for("WATCHDOG")


def test_a_watchdog_that_cannot_be_is_a_wrong_configuration(exchange: Exchange, tmp_path: Path) -> None:
    with fake_manager() as manager:
        asked = {**manager.environment(), "WATCHDOG_USEC": "soon"}
        done = subprocess.run(
            [sys.executable, "-m", "mm", "run", "--run-dir", str(tmp_path)],
            cwd=ROOT,
            env=clean_environment({**exchange.environment(), **asked}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
        )
    assert (done.returncode, "WATCHDOG_USEC" in done.stderr) == (78, True)
