"""Assertions are what notices a fault of ours: without them nothing starts. The bug was that `python -O` and
PYTHONOPTIMIZE switched them off and `kmm run` traded without a word."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mm.cli.main import COMMANDS
from tests.live.processes import PATIENCE, ROOT, clean_environment, settings

REFUSED = "kmm: Python runs without assertions, and nothing of ours may: no -O, no PYTHONOPTIMIZE\n"


def kmm(*arguments: str | Path, flags: tuple[str, ...] = (), **environment: str) -> tuple[int, str, str]:
    """Exit code and what was said, of a real process."""
    done = subprocess.run(
        [sys.executable, *flags, "-m", "mm", *map(str, arguments)],
        cwd=ROOT,
        env=clean_environment(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("flag", ["-O", "-OO"])
def test_a_run_without_assertions_is_refused_at_once(tmp_path: Path, flag: str) -> None:
    run_dir = tmp_path / "logs"
    words = ("run", "--config", settings(tmp_path), "--run-dir", run_dir, "--once")
    assert kmm(*words, flags=(flag,)) == (78, "", REFUSED)
    assert not run_dir.exists()


def test_the_environment_switches_them_off_for_no_command() -> None:
    for words in (("--help",), ("--version",), (), *((command,) for command in COMMANDS)):
        assert kmm(*words, PYTHONOPTIMIZE="1") == (78, "", REFUSED), words


@pytest.mark.parametrize("value", ["", "0"])
def test_an_environment_that_leaves_them_on_is_no_reason(value: str) -> None:
    code, said, complained = kmm("--version", PYTHONOPTIMIZE=value)
    assert (code, complained) == (0, "") and said.startswith("kmm")


def test_the_installed_command_is_no_way_around() -> None:
    script = Path(sys.executable).with_name("kmm")
    if not script.exists():
        pytest.skip("kmm is not installed beside this Python")
    environment = clean_environment({"PYTHONOPTIMIZE": "2"})
    words = [str(script), "status"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stdout, done.stderr) == (78, "", REFUSED)
