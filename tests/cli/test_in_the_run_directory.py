"""Commands are typed in the run directory, as the manual has them: there the configuration is the run's."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mm.app.last_run import NAME, written_down
from mm.cli.main import main
from mm.cli.where import DEFAULT_CONFIG, config_of
from mm.observe.heartbeat import Process

CONFIG = "version: 1\nlimits: {healthy: {disk_used: 0.77}}\ndesks: {DEFAULT: {strategy: glft}}\n"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of a run that was made elsewhere and has ended; the working directory is its run directory."""
    path, run_dir = tmp_path / "elsewhere" / "kmm.yaml", tmp_path / "logs"
    path.parent.mkdir()
    path.write_text(CONFIG)
    run_dir.mkdir()
    (run_dir / "kmm.lock").touch()
    with written_down(run_dir, Process(1, "9"), 10**18, config=str(path)):
        pass
    monkeypatch.chdir(run_dir)
    return path


def findings(*more: str) -> dict[str, dict[str, Any]]:
    said = CliRunner().invoke(main, ["checklist", "live", "--json", *more])
    return {row["name"]: row for row in json.loads(said.output)["items"]}


def test_a_run_is_judged_by_the_limits_it_was_started_with(config: Path) -> None:
    found = findings()
    assert (found["configuration"]["grade"], found["disk in use"]["healthy"]) == ("green", "at most 77 %")


def test_what_is_packed_there_has_the_configuration(config: Path) -> None:
    assert CliRunner().invoke(main, ["diagnostics"]).exit_code == 0
    with tarfile.open("diagnostics.tar.gz") as tar:
        said = json.load(tar.extractfile("diagnostics/config.json"))  # type: ignore[arg-type]
        last = json.load(tar.extractfile("diagnostics/last_run.json"))  # type: ignore[arg-type]
    assert said["limits"]["healthy"]["disk_used"] == 0.77
    assert last["config"] == str(config)


def test_orders_of_a_dead_bot_are_cancelled_from_there(config: Path) -> None:
    said = CliRunner().invoke(main, ["cancel-all", "--verify"])
    assert (said.exit_code, "simulated exchange ends with its bot" in said.output) == (4, True)


def test_what_is_wrong_with_it_is_found_by_the_advice_as_it_is_typed(config: Path) -> None:
    config.write_text(CONFIG + "limitz: 3\n")
    finding = findings()["configuration"]
    assert finding["grade"] == "red" and finding["value"].startswith(f"{config}:4:1: ")
    _, command = finding["advice"].split(": kmm ")
    typed = CliRunner().invoke(main, command.split())
    assert (typed.exit_code, "limitz" in typed.output) == (78, True)


def test_one_that_is_named_or_is_here_is_the_one_that_is_meant(config: Path) -> None:
    assert config_of(Path("other.yaml"), Path()) == Path("other.yaml")
    assert config_of(DEFAULT_CONFIG, Path()) == config
    DEFAULT_CONFIG.write_text(CONFIG)
    assert config_of(DEFAULT_CONFIG, Path()) == DEFAULT_CONFIG


def test_a_run_of_which_nothing_is_known_leaves_the_usual_place(config: Path) -> None:
    Path(NAME).write_text("rubbish")
    assert config_of(DEFAULT_CONFIG, Path()) == DEFAULT_CONFIG
    assert findings()["configuration"]["grade"] == "red"
