"""What stands in deploy/: the operator's script, and the settings of programs that look after logs, each
tried with the program itself, where it is installed."""

from __future__ import annotations

import configparser
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.live.processes import ROOT, settings
from tests.live.processes import kmm as run_kmm

DEPLOY = ROOT / "deploy"
MANAGE = DEPLOY / "systemd/manage.sh"
# Says what it was called with, instead of doing it.
STAND_IN = """#!/bin/sh
name=$(basename "$0")
echo "$name $*" >> "{said}"
if [ "$name" = sudo ]; then shift; exec "$@"; fi
"""


def installed(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


# -- manage.sh ------------------------------------------------------------------------------------------
@pytest.fixture
def said(tmp_path: Path) -> Path:
    """A PATH whose systemctl, journalctl and sudo only say what they were asked."""
    stand_ins, said = tmp_path / "bin", tmp_path / "said"
    stand_ins.mkdir()
    for name in ("systemctl", "journalctl", "sudo"):
        (stand_ins / name).write_text(STAND_IN.format(said=said))
        (stand_ins / name).chmod(0o755)
    return said


def manage(said: Path, *words: str) -> subprocess.CompletedProcess[str]:
    path = f"{said.parent / 'bin'}:{os.environ['PATH']}"
    own = {"PATH": path, "HOME": str(said.parent), "XDG_CONFIG_HOME": str(said.parent / "settings")}
    command = [str(MANAGE), *words]
    return subprocess.run(command, env={**os.environ, **own}, capture_output=True, text=True, cwd="/")


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (["start"], "systemctl start kalshi-market-maker"),
        (["stop", "--user"], "systemctl --user stop kalshi-market-maker"),
        (["restart"], "systemctl restart kalshi-market-maker"),
        (["reload"], "systemctl reload kalshi-market-maker"),
        (["status", "--user"], "systemctl --user status --no-pager kalshi-market-maker"),
        (["logs", "-p", "err"], "journalctl --unit=kalshi-market-maker --follow -p err"),
        (["logs", "--user", "-n", "5"], "journalctl --user --unit=kalshi-market-maker --follow -n 5"),
    ],
)
def test_the_script_asks_systemd(said: Path, words: list[str], asked: str) -> None:
    done = manage(said, *words)
    assert done.returncode == 0, done.stderr
    lines = said.read_text().splitlines()
    assert lines[-1] == asked
    is_sudo_needed = os.geteuid() != 0 and "--user" not in words and words[0] != "status"
    assert lines[:-1] == ([f"sudo -- {asked}"] if is_sudo_needed else [])


def test_the_script_installs_and_starts(said: Path) -> None:
    done = manage(said, "install", "--user")
    assert done.returncode == 0, done.stderr
    assert (said.parent / "settings/systemd/user/kalshi-market-maker.service").exists()
    assert said.read_text().splitlines() == [
        "systemctl --user daemon-reload",
        "systemctl --user enable --now kalshi-market-maker",
    ]


def test_the_script_only_tries_if_asked_to(said: Path) -> None:
    done = manage(said, "install", "--user", "--dry-run")
    assert (done.returncode, "[Service]" in done.stdout) == (0, True)
    assert not said.exists()


@pytest.mark.parametrize("words", [[], ["dance"]])
def test_the_script_says_how_it_is_used(said: Path, words: list[str]) -> None:
    done = manage(said, *words)
    assert (done.returncode, done.stderr.startswith("Usage: manage.sh")) == (2, True)
    assert manage(said, "--help").returncode == 0


@pytest.mark.skipif(installed("shellcheck") is None, reason="shellcheck is not installed")
@pytest.mark.parametrize("script", [MANAGE, ROOT / "tests/ops/boot.sh"], ids=lambda path: path.name)
def test_the_scripts_are_clean(script: Path) -> None:
    done = subprocess.run(["shellcheck", str(script)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


# -- logs -----------------------------------------------------------------------------------------------
@pytest.mark.skipif(installed("logrotate") is None, reason="logrotate is not installed")
def test_redirected_output_is_rotated_while_its_writer_goes_on(tmp_path: Path) -> None:
    text = (DEPLOY / "logrotate/kalshi-market-maker").read_text()
    log, rules = tmp_path / "kalshi-market-maker.log", tmp_path / "rules"
    rules.write_text(text.replace("/var/log/kalshi-market-maker.log", str(log)))
    assert str(log) in rules.read_text()
    rules.chmod(0o644)
    command = [str(installed("logrotate")), "--force", "--state", str(tmp_path / "state"), str(rules)]
    writer = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(writer, b"before\n")
        done = subprocess.run(command, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        os.write(writer, b"after\n")
    finally:
        os.close(writer)
    assert log.read_text() == "after\n", "cut to nothing, and appended to from the start"
    rotated = [path for path in tmp_path.iterdir() if path.name.startswith("kalshi-market-maker.log-")]
    assert [path.read_text() for path in rotated] == ["before\n"]


def test_the_systems_journal_keeps_what_the_manual_says() -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(DEPLOY / "journald/kalshi-market-maker.conf")
    kept = parser["Journal"]
    assert (kept["SystemMaxUse"], kept["MaxRetentionSec"]) == ("500M", "14day")


# -- lnav -----------------------------------------------------------------------------------------------
FORMATS: dict[str, Any] = {}
for path in sorted((DEPLOY / "lnav").glob("*.json")):
    FORMATS |= {name: form for name, form in json.loads(path.read_text()).items() if name != "$schema"}
FILES = {
    "kmm_log": "DEFAULT.log",
    "kmm_alerts": "alerts.jsonl",
    "kmm_trading": "Strategy_DEFAULT_trading.jsonl",
}


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a short real run."""
    directory = tmp_path_factory.mktemp("lnav")
    config = settings(directory)
    done = run_kmm("run", "--config", config, "--run-dir", directory / "run", "--once")
    assert done.returncode == 0, done.stderr
    return directory / "run"


@pytest.mark.parametrize("name", FILES)
def test_a_format_knows_the_lines_of_its_file(run_dir: Path, name: str) -> None:
    form = FORMATS[name]
    assert re.fullmatch(form["file-pattern"], FILES[name])
    lines = [json.loads(line) for line in (run_dir / FILES[name]).read_text().splitlines()]
    assert lines
    needed = {form["timestamp-field"], form["level-field"]}
    assert all(needed <= set(line) for line in lines)


@pytest.mark.skipif(installed("lnav") is None, reason="lnav is not installed")
@pytest.mark.parametrize(
    ("name", "query", "expected"),
    [
        ("kmm_log", "SELECT count(*) AS n FROM kmm_log WHERE event = 'bot_startup'", "n\n1\n"),
        ("kmm_alerts", "SELECT category, log_level FROM kmm_alerts LIMIT 1", "bot_startup,info\n"),
        (
            "kmm_trading",
            "SELECT min(price) > 0 AS priced FROM kmm_trading WHERE event_type = 'order_sent'",
            "1\n",
        ),
    ],
)
def test_lnav_takes_the_formats_and_answers(
    tmp_path: Path, run_dir: Path, name: str, query: str, expected: str
) -> None:
    # What it keeps in a temporary directory is for all that run at the same time.
    home = {**os.environ, **dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "TMPDIR"), str(tmp_path))}
    formats = [str(path) for path in sorted((DEPLOY / "lnav").glob("*.json"))]
    put = subprocess.run(["lnav", "-i", *formats], env=home, capture_output=True, text=True)
    assert put.returncode == 0, put.stderr
    checked = subprocess.run(["lnav", "-C"], env=home, capture_output=True, text=True)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
    command = ["lnav", "-n", "-c", f";{query}", "-c", ":write-csv-to -", str(run_dir / FILES[name])]
    done = subprocess.run(command, env=home, capture_output=True, text=True)
    assert done.stdout.endswith(expected), done.stdout + done.stderr
