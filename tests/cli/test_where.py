"""Which run directory a command means, and that nobody needs a right configuration to stop a bot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mm.cli.where import DEFAULT_CONFIG, run_dir_of
from mm.config.errors import ConfigErrors
from tests.live.processes import kmm, settings


def test_the_command_line_wins_then_the_environment_then_the_file(tmp_path: Path) -> None:
    config = settings(tmp_path, run_dir="from_file")
    assert run_dir_of(Path("said"), config, {"KMM__run_dir": "from_environment"}) == Path("said")
    assert run_dir_of(None, config, {"KMM__run_dir": "from_environment"}) == Path("from_environment")
    assert run_dir_of(None, config, {}) == Path("from_file")
    assert run_dir_of(None, settings(tmp_path), {}) == Path("logs")


@pytest.mark.parametrize("rest", ["desks: 7", "unknown: 1", "limits: {max_order_dollars: -1}", ""])
def test_a_configuration_that_is_being_edited_still_says_where(tmp_path: Path, rest: str) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(f"run_dir: here\n{rest}\n")
    assert run_dir_of(None, config, {}) == Path("here")


def test_inside_a_run_directory_it_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigErrors, match=r"^config\.yaml: not here, .* or say --run-dir or --config"):
        run_dir_of(None, DEFAULT_CONFIG, {})
    (tmp_path / "kmm.lock").touch()
    assert run_dir_of(None, DEFAULT_CONFIG, {}) == Path()


def test_commands_about_nothing_say_so_in_one_line(tmp_path: Path) -> None:
    nowhere = ("--run-dir", tmp_path)
    for words, code in (
        (("status",), 3),
        (("pause",), 3),
        (("stop",), 3),
        (("reload",), 3),
        (("flatten",), 3),
        (("breaker", "show"), 2),
        (("breaker", "reset", "--reason", "x"), 2),
        (("kill", " "), 2),
        (("kill", "x", "--run-dir", tmp_path / "none"), 2),
    ):
        done = kmm(*words, *nowhere) if "--run-dir" not in words else kmm(*words)
        assert done.returncode == code, (words, done.stderr)
        assert "Traceback" not in done.stderr
    assert "nothing has ever run here" in kmm("status", *nowhere).stderr
    assert json.loads(kmm("status", *nowhere, "--json").stdout)["code"] == 3
    assert not (tmp_path / "KILL_SWITCH").exists()


def test_kill_and_resume_of_a_bot_that_is_not_there(tmp_path: Path) -> None:
    assert kmm("kill", "for the next start", "--run-dir", tmp_path).returncode == 0
    assert (tmp_path / "KILL_SWITCH").read_text() == "for the next start\n"
    assert "kill switch is on: for the next start" in kmm("status", "--run-dir", tmp_path).stderr
    done = kmm("resume", "--run-dir", tmp_path)
    assert (done.returncode, "is off now" in done.stdout) == (0, True)
    assert not (tmp_path / "KILL_SWITCH").exists()


def test_cancelling_by_hand_needs_an_exchange_and_credentials(tmp_path: Path) -> None:
    config = settings(tmp_path)
    done = kmm("cancel-all", "--direct", "--config", config)
    assert (done.returncode, done.stderr.count("\n")) == (4, 1)
    demo = {"KMM__exchange__environment": "demo"}
    done = kmm("cancel-all", "--config", config, "--run-dir", tmp_path, environment=demo)
    assert done.returncode == 4 and "KALSHI_API_KEY_ID" in done.stderr
    config.write_text('{"exchange": {"environment": "moon"}}')
    done = kmm("cancel-all", "--direct", "--config", config)
    assert done.returncode == 78 and f"{config}:1:" in done.stderr
