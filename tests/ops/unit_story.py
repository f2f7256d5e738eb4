"""Runs inside the booted systemd (boot.sh): lives the life of the unit, and prints what it found as JSON.

The exchange is a process of its own there, as the real one would be; the key comes as systemd's credential.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

NAME = "kalshi-market-maker"
PATIENCE_SECONDS = 90.0
SETTINGS = Path("/etc/kalshi-market-maker")
RUN_DIR = Path("/var/lib/kmm")
CREDENTIAL = Path("/etc/credstore/kalshi.pem")
DROP_IN = Path(f"/run/systemd/system/{NAME}.service.d")
FACTS: dict[str, object] = {}


def run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, timeout=2 * PATIENCE_SECONDS).stdout


def kmm(*words: str) -> subprocess.CompletedProcess[str]:
    program = str(Path(sys.executable).parent / "kmm")
    return subprocess.run([program, *words], capture_output=True, text=True, timeout=PATIENCE_SECONDS)


def shown(name: str) -> str:
    return run("systemctl", "show", "-P", name, NAME).strip()


def until(what: str, is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        if time.monotonic() > end:
            raise SystemExit(f"waited in vain: {what}\n{run('journalctl', '-n', '60', '--no-pager')}")
        time.sleep(0.1)


def is_quoting() -> bool:
    path = RUN_DIR / "heartbeat.json"
    if not path.exists():
        return False
    heartbeat = json.loads(path.read_text())
    is_active = heartbeat["status"] == "active" and heartbeat["resting_orders"] > 0
    return is_active and str(heartbeat["pid"]) == shown("MainPID")


def is_restarted(times: int) -> Callable[[], bool]:
    return lambda: shown("NRestarts") == str(times) and shown("ActiveState") == "active"


def drop_in(name: str, text: str) -> None:
    DROP_IN.mkdir(parents=True, exist_ok=True)
    (DROP_IN / f"{name}.conf").write_text(text)
    run("systemctl", "daemon-reload")


def let_others_read(directory: Path) -> None:
    """A Python that was built in somebody's home may run here for everybody: this is only an image."""
    for place in (directory, *directory.parents):
        place.chmod(place.stat().st_mode | 0o055)


def prepare() -> subprocess.Popen[str]:
    """An exchange, an account for the bot, its key where systemd looks for it, its settings."""
    world = ("--seed", "3", "--balance", "5000", "--whole-periods")  # whatever the time of day
    command = [sys.executable, "-m", "mm", "exchange", *world]
    exchange = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert exchange.stdout is not None
    facts = json.loads(exchange.stdout.readline())
    let_others_read(Path(sys.base_prefix))
    run("useradd", "--system", "--shell", "/usr/sbin/nologin", "kalshi")
    bot = pwd.getpwnam("kalshi")
    for directory in (SETTINGS, RUN_DIR, CREDENTIAL.parent):
        directory.mkdir(parents=True, exist_ok=True)
    os.chown(RUN_DIR, bot.pw_uid, bot.pw_gid)
    shutil.copy(facts["private_key_path"], CREDENTIAL)
    CREDENTIAL.chmod(0o400)
    desk = {"strategy": "top_of_book", "params": {"size_contracts": 5, "cutoff_seconds": 5}}
    where = {"rest_url": facts["rest_url"], "ws_url": facts["ws_url"]}
    config = {"version": 1, "run_dir": str(RUN_DIR), "exchange": where, "desks": {"DEFAULT": desk}}
    (SETTINGS / "config.yaml").write_text(json.dumps(config))
    (SETTINGS / "environment").write_text(f"KALSHI_API_KEY_ID={facts['key_id']}\n")
    return exchange


def live() -> None:
    installed = kmm("service", "install", "--config", str(SETTINGS / "config.yaml"))
    if installed.returncode:
        raise SystemExit(installed.stdout + installed.stderr)
    FACTS["installed"] = installed.stdout + installed.stderr
    # Long enough that a machine which does much else is not taken for a hang.
    drop_in("quick", "[Service]\nWatchdogSec=12\nRestartSec=1\n")
    FACTS["start"] = subprocess.run(["systemctl", "start", NAME], capture_output=True).returncode
    FACTS["started"] = {name: shown(name) for name in ("ActiveState", "StatusText", "Type")}
    until("it quotes", is_quoting)
    pid = shown("MainPID")
    subprocess.run(["systemctl", "reload", NAME], check=True)
    until("it has reloaded", lambda: "config_reload" in (RUN_DIR / "alerts.jsonl").read_text())
    until("it is active again", lambda: shown("ActiveState") == "active")
    until("it quotes after the reload", is_quoting)
    FACTS["reload_kept_the_process"] = shown("MainPID") == pid
    FACTS["status"] = kmm("service", "status").returncode
    os.kill(int(pid), signal.SIGSTOP)
    until("the watchdog", is_restarted(1))
    until("it quotes after the watchdog", is_quoting)
    os.kill(int(shown("MainPID")), signal.SIGKILL)
    until("the restart after a kill", is_restarted(2))
    until("it quotes after the kill", is_quoting)
    run("systemctl", "stop", NAME)
    FACTS["stopped"] = {name: shown(name) for name in ("ActiveState", "Result", "ExecMainStatus")}
    FACTS["status_of_stopped"] = kmm("service", "status").returncode


def refuse() -> None:
    """A wrong configuration is not tried again."""
    drop_in("wrong", "[Service]\nEnvironment=KMM__exchange__environment=nowhere\n")
    run("systemctl", "start", NAME)
    until("it gave up", lambda: shown("ActiveState") == "failed")
    FACTS["refused"] = {name: shown(name) for name in ("ExecMainStatus", "SubState")}
    FACTS["uninstalled"] = kmm("service", "uninstall").returncode


def journal() -> list[dict[str, object]]:
    """Everything that was said, also what is on its way to the files."""
    run("journalctl", "--sync")
    lines = run("journalctl", "-u", NAME, "-o", "json", "--output-fields=MESSAGE,PRIORITY,_COMM")
    return [json.loads(line) for line in lines.splitlines()]


def main() -> None:
    exchange = prepare()
    live()
    refuse()
    exchange.terminate()
    exchange.wait()
    FACTS["journal"] = journal()
    print(json.dumps(FACTS))  # noqa: T201


if __name__ == "__main__":
    main()
