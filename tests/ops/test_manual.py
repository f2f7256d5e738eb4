"""What the manual tells an operator to type works in a run directory whose bot was killed."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from mm.cli.main import main
from tests.ops import fenced_commands as words
from tests.ops.busy_run import Day
from tests.ops.fenced_commands import environment, fenced, type_in

DOCS = Path(__file__).resolve().parents[2] / "docs"
RUNBOOK = list(fenced((DOCS / "runbook.md").read_text()))
DEPLOYMENT = list(fenced((DOCS / "deployment-monitoring.md").read_text()))
ADMINISTRATOR = [*words.SYSTEMD, *words.SUPERVISOR]
TYPED = [
    command for command in [*RUNBOOK, *DEPLOYMENT] if not command.startswith(("kmm ", "sudo ", "tail -f"))
]
STEERING = [command for command in RUNBOOK if command.startswith("kmm ")]


def test_the_manual_has_every_command_of_the_quick_start() -> None:
    assert set(words.READING) | set(words.FOLLOWING) <= set(RUNBOOK)
    restarts = {command for command in ADMINISTRATOR if " restart " in command}
    assert set(ADMINISTRATOR) - restarts <= set(DEPLOYMENT)
    assert all(f"`{command}`" in (DOCS / "runbook.md").read_text() for command in restarts)


@pytest.fixture
def killed(day: Day, tmp_path: Path) -> Path:
    """The run directory of a bot that was killed while tripped, of the test's own: the day's is read by the
    tests of other processes, too, and some commands write."""
    return Path(shutil.copytree(day.moments["killed"].after, tmp_path / "logs"))


@pytest.mark.parametrize("command", TYPED)
def test_what_reads_files_works_where_a_bot_was_killed(killed: Path, command: str) -> None:
    printed = type_in(command, killed)
    assert printed or command == words.BUNDLE or "bot_crash" in command


@pytest.mark.parametrize("command", STEERING)
def test_what_steers_exists_with_its_options(command: str) -> None:
    arguments = shlex.split(command)[1:]
    words_of_it = [word for word in arguments if re.fullmatch("[a-z-]+", word)]
    helped = CliRunner().invoke(main, [*(word for word in words_of_it if not word.startswith("-")), "--help"])
    assert helped.exit_code == 0, helped.output
    for option in (word for word in words_of_it if word.startswith("-")):
        assert option in helped.output, f"{command}: no {option}"


def test_what_steers_is_typed_where_the_manual_says_with_no_configuration_beside_it(
    killed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of the bot's exchange is left."""
    monkeypatch.chdir(killed)
    said = {command: CliRunner().invoke(main, shlex.split(command)[1:]) for command in STEERING}
    assert {command: answer.exit_code for command, answer in said.items()} == {
        "kmm checklist live": 1,
        "kmm breaker show": 0,
        'kmm breaker reset --reason "the router was replaced"': 0,
        "kmm cancel-all --verify": 4,  # its exchange was in the environment, the file says simulated
        'kmm kill "what happened"': 0,
        "kmm diagnostics": 0,
    }, {command: answer.output for command, answer in said.items()}
    assert not [answer.output for answer in said.values() if "config.yaml: " in answer.output]
    assert "the simulated exchange ends with its bot" in said["kmm cancel-all --verify"].output


def test_the_line_for_a_monitor_tells_health_by_its_exit_code(killed: Path, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("version: 1\ndesks: {DEFAULT: {strategy: top_of_book}}\n")
    kmm = f"{sys.executable} -m mm checklist live --json --run-dir {killed}"
    env = {**environment(), "PYTHONPATH": str(DOCS.parent)}
    printed = type_in(f"({kmm} > out.json || echo unhealthy); cat out.json", tmp_path, env)
    assert printed.startswith("unhealthy\n") and '"healthy": false' in printed
    assert os.fspath(tmp_path / "config.yaml") not in printed
