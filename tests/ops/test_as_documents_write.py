"""The runbook's tables "as the document writes it -> here": every right-hand side is typed, on a bot that
runs or where one has run, and every command of the documents is in a row, or works as it is written."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.live.processes import ROOT, bot_process, clean_environment, settings
from tests.ops import fenced_commands as words
from tests.ops.fenced_commands import PATIENCE_SECONDS, STAND_INS, environment, fenced

DOCUMENTS = ROOT / ".." / "shared" / "documents"
TRADING = "Strategy_DEFAULT_trading.jsonl"
CELL = re.compile(r"(?<!\\)\|")
CODE = re.compile(r"`([^`]+)`")
KMM = f'#!/bin/sh\nexec {sys.executable} -m mm "$@"\n'
# Whoever administrates: takes our name alone, and the journal holds what the bot has logged.
SYSTEMCTL = '#!/bin/sh\n[ "$#" = 2 ] && [ "$2" = kalshi-market-maker ]\n'
JOURNALCTL = '#!/bin/sh\n[ "$1 $2" = "-u kalshi-market-maker" ] && cat logs/DEFAULT.log\n'
NANO = '#!/bin/sh\n[ $# = 1 ] && [ -w "$1" ]\n'
PROGRAMS = {"kmm": KMM, "systemctl": SYSTEMCTL, "journalctl": JOURNALCTL, "nano": NANO}
PROJECT = ("kalshi-market-maker.service", "Makefile", "pyproject.toml", "requirements.lock")
# How the machine is may be an alarm, and no test can choose that; this bot's breaker is not tripped.
MAY_FAIL = {
    "kmm checklist live": {0, 1},
    "kmm checklist live --json": {0, 1},
    'kmm breaker reset --reason "the cause is gone"': {2},
}
# Word for word as the documents have it, here as there, and what belongs to no bot.
THE_SAME = (
    *(f"./deploy/systemd/manage.sh {verb}" for verb in ("start", "stop", "status", "logs")),
    *("sudo systemctl daemon-reload", "sudo systemctl restart systemd-journald"),
    *("cd ~/HFT-prediction-markets", "git pull", "unset BOT_DISABLE_TRADING"),
)


class Row(NamedTuple):
    theirs: str
    ours: tuple[str, ...]


def tables() -> list[list[Row]]:
    """That of the quick start, that of a bot that runs, that of the project's directory."""
    text = (ROOT / "docs" / "runbook.md").read_text().partition("## As the documents write it")[2]
    blocks = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    return [[_row(line) for line in block.splitlines()[2:]] for block in blocks]


def _row(line: str) -> Row:
    theirs, *ours = (cell.replace("\\|", "|") for cell in CELL.split(line.strip("| \n")))
    (command,) = CODE.findall(theirs)
    return Row(command, tuple(command for cell in ours for command in CODE.findall(cell)))


QUICK_START, RUNNING, PROJECT_ROWS = tables()


def plain(text: str) -> str:
    """Over one line."""
    return " ".join(text.replace("\\\n", " ").split())


def may_be_silent(command: str) -> bool:
    """If it looks for what has not happened; a day that has just begun has no fill."""
    looks = "select(" in command and ("fill" not in command or "date" in command)
    return looks or command in MAY_FAIL


class Machine:
    """A project directory, and one who types there: an administrator with stand-ins for what would change the
    machine; ``make`` says what it would do."""

    def __init__(self, home: Path) -> None:
        self.project, programs = home / "project", home / "bin"
        self.run_dir = self.project / "logs"
        programs.mkdir()
        self.project.mkdir()
        for name, text in PROGRAMS.items():
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        for place in ("systemd/system", "systemd/journald.conf.d", "kalshi-market-maker"):
            (home / "etc" / place).mkdir(parents=True)
        (home / "etc" / "kalshi-market-maker" / "environment").touch()
        for name in PROJECT:
            shutil.copy(ROOT / name, self.project)
        shutil.copytree(ROOT / "deploy", self.project / "deploy")
        settings(self.project)
        path = environment([programs, STAND_INS / "administrator"])["PATH"]
        self.env = clean_environment({"PATH": path, "ETC": str(home / "etc"), "MAKEFLAGS": "n", "TZ": "UTC"})

    def sent(self) -> int:
        """Orders, by every run so far."""
        trading = self.run_dir / "Strategy_DEFAULT_trading.jsonl"
        return trading.read_text("ascii").count('"order_sent"') if trading.exists() else 0

    def last_run(self) -> bytes:
        return (self.run_dir / "last_run.json").read_bytes()

    def types(self, command: str, directory: Path) -> str:
        """What it prints.

        :raises AssertionError: if it does not end as it should.
        """
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {command}"],
            cwd=directory,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
        )
        assert done.returncode in MAY_FAIL.get(command, {0}), f"{command}: {done}"
        return done.stdout


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def is_fill(line: dict[str, Any]) -> bool:
    return bool(line["event_type"] == "fill")


def test_every_row_works_on_a_bot_that_runs_and_the_last_one_ends_it(machine: Machine) -> None:
    with bot_process(machine.run_dir, directory=machine.project) as bot:
        bot.sees("a fill", lambda: bot.has(TRADING) and any(map(is_fill, bot.lines(TRADING))))
        said = {
            command: machine.types(command, machine.run_dir)
            for row in [*QUICK_START, *RUNNING]
            for command in row.ours
        }
        assert bot.ends() == 0
    assert [row.ours for row in RUNNING[-1:]] == [("kmm stop",)]
    assert json.loads(said["kmm status --json"]) and json.loads(said["kmm checklist live --json"])["items"]
    silent = {command for command, printed in said.items() if not printed}
    assert [command for command in silent if not may_be_silent(command)] == []


def test_every_row_works_in_the_projects_directory(machine: Machine) -> None:
    sent, copied = {}, b""
    for row in PROJECT_ROWS:
        for command in row.ours:
            machine.types(command, machine.project)
            sent[command] = machine.sent()
            if command.startswith("tar -c"):
                copied = machine.last_run()
                (machine.run_dir / "last_run.json").unlink()
    assert sent["kmm run --once"] > 0, "it traded"
    assert sent["BOT_DISABLE_TRADING=1 kmm run --once"] == sent["kmm run --once"], "it did not"
    assert machine.last_run() == copied != b""
    assert (machine.project / "custom" / "kmm.lock").exists(), "a lock of its own for each run directory"


@pytest.fixture(scope="module")
def documents() -> dict[str, str]:
    paths = sorted(DOCUMENTS.glob("00*.txt"))
    if not paths:
        pytest.skip("the operator's documents are not beside the repository")
    return {path.name[:3]: path.read_text() for path in paths}


def test_no_row_is_about_something_that_no_document_writes(documents: dict[str, str]) -> None:
    text = plain("\n".join(documents.values()))
    rows = [*QUICK_START, *RUNNING, *PROJECT_ROWS]
    assert [row.theirs for row in rows if plain(row.theirs) not in text] == []


def test_every_command_of_the_documents_has_its_row_or_works_as_it_is(documents: dict[str, str]) -> None:
    known = [plain(row.theirs) for row in [*QUICK_START, *RUNNING, *PROJECT_ROWS]]
    bash = [plain(command) for name in ("000", "001") for command in fenced(documents[name])]
    homeless = [
        command
        for command in bash
        if command not in THE_SAME and not any(one in command or command in one for one in known)
    ]
    assert homeless == []
    queries = [plain(block) for block in re.findall(r"```sql\n(.*?)```", documents["000"], re.DOTALL)]
    assert [query for query in queries if query not in known] == []
    blocks = re.findall(r"```sql\n(.*?)```", documents["002"], re.DOTALL)
    asked = [plain(query) for block in blocks for query in block.split(";") if "SELECT" in query]
    assert [query for query in asked if not any(one in query for one in known)] == []
    assert len(queries) == 5 and len(asked) == 8
    assert {plain(command) for command in words.SYSTEMD} & set(known) == set(), "what works needs no row"


def test_the_quick_starts_commands_that_print_many_lines_have_a_row(documents: dict[str, str]) -> None:
    theirs = {plain(row.theirs) for row in QUICK_START}
    cut = [plain(one) for one in words.READING if "tail -" in one or "wc -l" in one or "uniq" in one]
    assert set(cut) - {words.LAST_LOG} <= theirs
    for row in QUICK_START[:-1]:
        assert row.theirs in {plain(one) for one in words.READING} and len(row.ours) == 2
