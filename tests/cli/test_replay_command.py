"""`kmm replay` as an operator calls it: on a directory, on a part, on a run, and on what is no journal."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.live.processes import kmm, settings


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The journal of one short run with an exchange of its own."""
    home = tmp_path_factory.mktemp("recorded")
    done = kmm("run", "--config", settings(home), "--run-dir", home / "logs", "--once")
    assert done.returncode == 0, done.stdout + done.stderr
    return home / "logs" / "journal"


def replayed(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = kmm("replay", path, *arguments)
    assert "Traceback" not in done.stderr
    return done


def test_the_same_actions_come_out_of_the_directory_and_of_the_file(journal: Path) -> None:
    (part,) = journal.iterdir()
    whole, single = replayed(journal, "--json"), replayed(part, "--json")
    assert whole.returncode == single.returncode == 0
    assert whole.stdout == single.stdout
    said = json.loads(whole.stdout)
    assert set(said) == {"events", "actions", "digest", "difference"}
    assert said["difference"] is None
    assert said["events"] > said["actions"] > 0
    spoken = replayed(journal, "--run", "1")
    assert spoken.returncode == 0
    assert f"digest {said['digest']}" in spoken.stdout
    assert "the same actions came out" in spoken.stdout


def test_an_altered_decision_is_found_and_shown(journal: Path, tmp_path: Path) -> None:
    altered = tmp_path / "journal"
    shutil.copytree(journal, altered)
    (part,) = altered.iterdir()
    lines = part.read_text().splitlines(keepends=True)
    number = next(n for n, line in enumerate(lines) if line.startswith('{"a":') and '"side":"' in line)
    was, other = ("bid", "ask") if '"side":"bid"' in lines[number] else ("ask", "bid")
    lines[number] = lines[number].replace(f'"side":"{was}"', f'"side":"{other}"', 1)
    part.write_text("".join(lines))
    done = replayed(altered)
    assert done.returncode == 1
    assert "DIFFERENCE at event" in done.stdout
    assert "recorded:" in done.stdout
    assert json.loads(replayed(altered, "--json").stdout)["difference"]["number"] > 0


def test_a_run_that_is_not_there_is_named(journal: Path) -> None:
    done = replayed(journal, "--run", "9")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no journal of run 9; there are [1]" in done.stderr


def test_what_is_no_journal_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    text, binary, empty = tmp_path / "text", tmp_path / "binary", tmp_path / "empty"
    text.write_text("hello\n")
    binary.write_bytes(bytes(range(256)) * 100)
    empty.mkdir()
    for path in (text, binary, empty):
        done = replayed(path)
        assert (done.returncode, done.stdout) == (1, ""), path
        assert done.stderr.startswith("kmm replay: ")
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [(), ("none",), (".", "--run", "0"), (".", "--run", "first")])
def test_wrong_usage_is_exit_code_2(arguments: tuple[str, ...]) -> None:
    assert kmm("replay", *arguments).returncode == 2
