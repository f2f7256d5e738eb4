"""The administrator's commands of the quick start, as written, in their order, from the project directory.

supervisord and supervisorctl are real. So is ``systemd-analyze verify`` where the machine has it; systemctl,
journalctl, sudo, nano and apt-get are stand-ins (tests/ops/stand_ins/administrator): no test changes the
machine that it runs on.
"""

from __future__ import annotations

import getpass
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ops.fenced_commands import (
    PATIENCE_SECONDS,
    STAND_INS,
    SUPERVISOR,
    SYSTEMD,
    Followed,
    environment,
    type_in,
)

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = "/opt/kalshi-market-maker"
VERBS = ("enable", "start", "status", "restart")
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
files = {home}/etc/supervisor/conf.d/*.conf
"""


class Machine:
    """A machine of the test's own: an /etc, a project directory, an administrator. Its path is short, because
    that of a socket may not be long."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.etc = home / "etc"
        for place in ("systemd/system", "supervisor/conf.d"):
            (self.etc / place).mkdir(parents=True)
        self.run_dir = home / "run"
        (home / "environment").write_text(f"KMM__run_dir={self.run_dir}\n")
        edits = {
            f"{INSTALLED}/.venv/bin/kmm": f"{sys.executable} -m mm",
            f"{INSTALLED}/logs": str(self.run_dir),
            INSTALLED: str(ROOT),
            "/etc/kalshi-market-maker/environment": str(home / "environment"),
            "/var/log/supervisor": str(home),
            "user=kalshi": f"user={getpass.getuser()}",
        }
        (home / "edits.sed").write_text("".join(f"s#{old}#{new}#g\n" for old, new in edits.items()))
        (home / "supervisord.conf").write_text(DAEMON.format(home=home))
        self.environment = {
            **environment([STAND_INS / "administrator"]),
            "ETC": str(self.etc),
            "EDITS": str(home / "edits.sed"),
            "SUPERVISORD_CONF": str(home / "supervisord.conf"),
        }

    def types(self, command: str) -> str:
        return type_in(command, ROOT, self.environment)

    def answers(self) -> bool:
        """Its file is there a moment before supervisord listens."""
        with socket.socket(socket.AF_UNIX) as control:
            return control.connect_ex(str(self.home / "control")) == 0

    def heartbeat(self) -> dict[str, Any]:
        path = self.run_dir / "heartbeat.json"
        found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        return found

    def until(self, is_so: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while not is_so():
            log = self.home / "kalshi-market-maker.log"
            assert time.monotonic() < end, f"{what}: {log.read_text()[-1_000:] if log.exists() else ''}"
            time.sleep(0.1)


@pytest.fixture
def machine() -> Iterator[Machine]:
    with tempfile.TemporaryDirectory(prefix="kmm", ignore_cleanup_errors=True) as home:
        yield Machine(Path(home))


@pytest.fixture
def supervised(machine: Machine) -> Iterator[Machine]:
    """With a supervisord that knows no program yet."""
    daemon = subprocess.Popen(
        [sys.executable, "-m", "supervisor.supervisord", "-c", machine.environment["SUPERVISORD_CONF"]],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )
    try:
        machine.until(machine.answers, "supervisord did not come up")
        yield machine
    finally:
        daemon.terminate()
        daemon.wait()


def test_supervisor_installs_starts_and_restarts_the_bot_as_the_manual_says(supervised: Machine) -> None:
    install, copy, edit, reread, update, start, restart = SUPERVISOR
    supervised.types(install)
    supervised.types(copy)
    supervised.types(edit)
    written = (supervised.etc / "supervisor/conf.d/supervisor-kalshi-mm.conf").read_text()
    assert INSTALLED not in written, "a path that the administrator's edit does not know"
    assert supervised.types(reread) == "kalshi-market-maker: available\n"
    assert supervised.types(update) == "kalshi-market-maker: added process group\n"
    assert "kalshi-market-maker: " in supervised.types(start), "started by now, or by itself a moment before"
    supervised.until(lambda: supervised.heartbeat().get("status") == "active", "it never traded")
    first = supervised.heartbeat()["pid"]
    assert supervised.types(restart).splitlines() == [
        "kalshi-market-maker: stopped",
        "kalshi-market-maker: started",
    ]
    supervised.until(lambda: supervised.heartbeat()["pid"] != first, "it is the same process")
    whole, _, _ = (supervised.run_dir / "alerts.jsonl").read_text().rpartition("\n")
    alerts = [json.loads(line) for line in whole.splitlines()]
    stops = [alert for alert in alerts if alert["category"] == "bot_shutdown"]
    assert [stop["details"]["exit_code"] for stop in stops] == [0], "the first one ended in order"


def test_systemd_is_asked_for_a_unit_that_it_accepts(machine: Machine) -> None:
    copy, edit, reload, *asked, follow, restart = SYSTEMD
    machine.types(copy)
    machine.types(edit)
    unit = (machine.etc / "systemd/system/kalshi-market-maker.service").read_text()
    assert f"WorkingDirectory={ROOT}\n" in unit
    for command in (reload, *asked, restart):
        machine.types(command)
    followed = Followed(follow, ROOT, machine.environment)
    followed.until(lambda text: "following kalshi-market-maker" in text)
    followed.end()
    asked_for = (machine.etc / "asked").read_text().splitlines()
    assert asked_for == ["daemon-reload", *(f"{verb} kalshi-market-maker" for verb in VERBS)]


def test_the_stand_ins_refuse_what_the_manual_does_not_say(machine: Machine) -> None:
    """So that a command that changes cannot pass by a stand-in that nods to everything."""
    for command in (
        "sudo systemctl start kalshi-market-maker",  # not installed yet
        "sudo systemctl mask kalshi-market-maker",
        "sudo apt-get install jq",
        "sudo nano /etc/systemd/system/kalshi-market-maker.service",
        "sudo journalctl -u other -f",
    ):
        with pytest.raises(AssertionError):
            machine.types(command)
