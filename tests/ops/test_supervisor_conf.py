"""supervisor-kalshi-mm.conf under a real supervisord: only its paths and its user are replaced."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live.processes import exchange_process

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = "kalshi-market-maker"
INSTALLED = "/opt/kalshi-market-maker"
PATIENCE_SECONDS = 180.0  # stopping alone may take two minutes, and so may five starts that fail
READS_EVERY = 1.0  # the exchange counts our reads against the bot's allowance
DAEMON = """
[supervisord]
nodaemon=true
logfile={home}/supervisord.log
pidfile={home}/supervisord.pid
[unix_http_server]
file={home}/control
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{home}/control
[include]
files = {home}/program.conf
"""


class Supervised:
    """A supervisord of its own in a short directory: a socket's path may not be long."""

    def __init__(self, home: Path, environment: str = "") -> None:
        self.home = home
        self.run_dir = home / "run"
        (home / "environment").write_text(f"KMM__run_dir={self.run_dir}\n{environment}")
        (home / "program.conf").write_text(self._program())
        (home / "supervisord.conf").write_text(DAEMON.format(home=home))
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(home / "supervisord.conf")]
        self.daemon = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)

    def _program(self) -> str:
        """As it stands, at other places, as the user who runs the tests."""
        text = (ROOT / "supervisor-kalshi-mm.conf").read_text()
        assert "user=kalshi\n" in text
        replacements = (
            (f"{INSTALLED}/.venv/bin/kmm", f"{sys.executable} -m mm"),
            ("/etc/kalshi-market-maker/environment", str(self.home / "environment")),
            ("/var/log/supervisor/kalshi-market-maker.log", str(self.home / "program.log")),
            (f"directory={INSTALLED}", f"directory={ROOT}"),
            ("user=kalshi\n", ""),
        )
        for installed, here in replacements:
            assert installed in text, f"{installed} is not in the file any more"
            text = text.replace(installed, here)
        assert INSTALLED not in text, "a path is left that no test has replaced"
        return text

    def ask(self, *words: str) -> str:
        command = [
            sys.executable,
            "-m",
            "supervisor.supervisorctl",
            "-c",
            str(self.home / "supervisord.conf"),
        ]
        done = subprocess.run([*command, *words], capture_output=True, text=True, timeout=PATIENCE_SECONDS)
        return done.stdout

    def state(self) -> str:
        """RUNNING, STOPPED, FATAL, ...; empty while the daemon does not answer."""
        words = self.ask("status", PROGRAM).split()
        return words[1] if len(words) > 1 and words[0] == PROGRAM else ""

    def pid(self) -> int:
        """Of the program, as supervisord sees it; 0 while there is none."""
        return int(self.ask("pid", PROGRAM) or 0)

    def is_quoting(self) -> bool:
        """Says the process itself that supervisord watches, which a shell in between would not be."""
        heartbeat = self.heartbeat()
        is_active = heartbeat.get("status") == "active" and heartbeat["resting_orders"] > 0
        return is_active and self._is_current(heartbeat)

    def is_tripped(self) -> bool:
        """Up, reporting, and not trading."""
        heartbeat = self.heartbeat()
        return heartbeat.get("status") == "tripped" and self._is_current(heartbeat)

    def _is_current(self, heartbeat: dict[str, Any]) -> bool:
        return heartbeat["pid"] == self.pid() and self.state() in ("STARTING", "RUNNING")

    def heartbeat(self) -> dict[str, Any]:
        """Empty before the first."""
        path = self.run_dir / "heartbeat.json"
        found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        return found

    def breaker(self) -> dict[str, Any]:
        path = self.run_dir / "DEFAULT_circuit_breaker_status.json"
        found: dict[str, Any] = json.loads(path.read_text())
        return found

    def kill(self) -> None:
        """SIGKILL, and wait until supervisord has started another."""
        killed = self.pid()
        os.kill(killed, signal.SIGKILL)
        self.until(lambda: self.pid() not in (0, killed), "it was not started again")

    def shutdowns(self) -> list[int]:
        """The exit code of each ordered end that is told in the alerts."""
        alerts = [json.loads(line) for line in (self.run_dir / "alerts.jsonl").read_text().splitlines()]
        return [alert["details"]["exit_code"] for alert in alerts if alert["category"] == "bot_shutdown"]

    def printed(self) -> str:
        """By the program, over one line."""
        return " ".join((self.home / "program.log").read_text().split())

    def until(self, is_so: Callable[[], bool], what: str, every: float = 0.1) -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while not is_so():
            assert time.monotonic() < end, f"{what}; {self.told()}"
            assert self.daemon.poll() is None, f"supervisord ended; {self.told()}"
            time.sleep(every)

    def told(self) -> str:
        logs = (self.home / name for name in ("supervisord.log", "program.log"))
        return "\n".join(log.read_text()[-2_000:] for log in logs if log.exists())

    def end(self) -> None:
        self.daemon.terminate()
        try:
            self.daemon.wait(PATIENCE_SECONDS)
        finally:
            self.daemon.kill()
            self.daemon.wait()


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="kmm", ignore_cleanup_errors=True) as directory:
        yield Path(directory)


def test_the_bot_is_started_restarted_after_a_kill_and_stopped_in_order(home: Path) -> None:
    supervised = Supervised(home)
    try:
        supervised.until(supervised.is_quoting, "the bot never quoted")
        supervised.kill()
        supervised.until(supervised.is_quoting, "it never quoted again")
        assert "stopped" in supervised.ask("stop", PROGRAM)
        assert supervised.state() == "STOPPED"
        assert supervised.shutdowns() == [0], supervised.told()
        assert "books agree exactly" in supervised.printed()
    finally:
        supervised.end()


def test_a_killed_bot_is_back_without_its_old_orders_and_a_tripped_one_is_back_tripped(home: Path) -> None:
    """The exchange lives on, as the real one would, and is asked itself: what rests there, what is held."""
    with exchange_process("--seed", "3", "--balance", "5000") as (process, exchange):
        known = {**exchange.environment(), "KMM__circuit_breaker__feed_lost_seconds": "2"}
        supervised = Supervised(
            home, "".join(f"{name}={shlex.quote(value)}\n" for name, value in known.items())
        )
        try:
            supervised.until(supervised.is_quoting, "the bot never quoted")
            supervised.until(exchange.both_sides_rest, "the exchange never showed its quotes", READS_EVERY)
            (killed,) = exchange.runs()
            supervised.kill()
            supervised.until(supervised.is_quoting, "it never quoted again")

            def rests_anew() -> bool:
                resting = exchange.resting_names()
                return bool(resting) and not any(name.startswith(f"{killed}-") for name in resting)

            supervised.until(rests_anew, "its old orders rest, or no new ones", READS_EVERY)
            assert len(exchange.runs()) == 2, "one start after the kill"

            process.send_signal(signal.SIGSTOP)  # the exchange falls silent
            supervised.until(supervised.is_tripped, "a lost feed did not trip it")
            process.send_signal(signal.SIGCONT)
            supervised.until(exchange.nothing_rests, "a tripped bot leaves nothing resting", READS_EVERY)
            supervised.until(lambda: not supervised.breaker()["is_open"], "its file never said so")
            tripped = supervised.breaker()
            assert (tripped["is_open"], tripped["trip_rule"]) == (False, "feed_lost_seconds")
            sent = exchange.runs()
            supervised.kill()
            supervised.until(supervised.is_tripped, "the trip was forgotten")
            again = supervised.breaker()
            assert (again["is_open"], again["trip_rule"]) == (False, "feed_lost_seconds")
            assert again["trip_time"] == pytest.approx(tripped["trip_time"], abs=0.001), "it is the same trip"
            held = exchange.positions()
            assert "stopped" in supervised.ask("stop", PROGRAM)
            assert exchange.runs() == sent, "a tripped bot sends no order"
            assert exchange.positions() == held
            assert exchange.nothing_rests()
            assert "books agree exactly" in supervised.printed()
        finally:
            process.send_signal(signal.SIGCONT)
            supervised.end()


def test_a_wrong_configuration_is_given_up(home: Path) -> None:
    supervised = Supervised(home, "KMM__exchange__environment=nowhere\n")
    try:
        supervised.until(lambda: supervised.state() == "FATAL", "it was not given up")
        assert "KMM__exchange__environment" in supervised.told()
        assert not supervised.run_dir.exists(), "nothing may be opened with a wrong configuration"
    finally:
        supervised.end()
