"""`kmm simulate` as an operator calls it: a table or JSON, the same for the same seed, rubbish refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.live.processes import kmm, settings
from tests.sim.test_tape import recorded

FIELDS = {
    "seed",
    "seconds",
    "events",
    "actions",
    "orders",
    "fills",
    "pnl_dollars",
    "fees_dollars",
    "checks",
    "digest",
    "events_per_second",
    "stopped",
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return settings(tmp_path, exchange={"simulated": {"seed": 9}})


def test_the_seed_of_the_configuration_counts_unless_another_is_given(config: Path) -> None:
    def digest(*arguments: str) -> tuple[int, str]:
        done = kmm("simulate", "--config", config, "--seconds", "5", "--json", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        said = json.loads(done.stdout)
        assert set(said) == FIELDS
        assert said["checks"] == []
        return said["seed"], said["digest"]

    from_file, given, other = digest(), digest("--seed", "9"), digest("--seed", "10")
    assert from_file == given
    assert from_file[0] == 9
    assert other[0] == 10
    assert other[1] != given[1]


def test_without_json_it_is_a_table_for_people(config: Path) -> None:
    done = kmm("simulate", "--config", config, "--seconds", "5")
    assert done.returncode == 0
    words = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert set(words) == FIELDS
    assert words["checks"] == "none wrong"


def test_a_tape_and_faults_are_played_in_virtual_time(config: Path, tmp_path: Path) -> None:
    tape = recorded("kxbtc15m_26MAY130915_first120s.jsonl.gz")
    script = tmp_path / "faults.yaml"
    script.write_text("- {point: after_accept, kind: reset, method: POST, contains: /orders}")
    common = ("simulate", "--config", config, "--seconds", "20", "--json", "--tape", tape, "--speed", "4")
    runs = [json.loads(kmm(*common, *more).stdout) for more in ((), (), ("--faults", script))]
    digests = [one["digest"] for one in runs]
    assert digests[0] == digests[1] != digests[2]
    assert all(one["checks"] == [] and one["events"] > 1_000 for one in runs)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--tape", "none.gz"), "none.gz"),
        (("--faults", "none.yaml"), "cannot use none.yaml: No such file"),
    ],
)
def test_a_file_that_is_not_there_is_one_sentence(arguments: tuple[str, str], said: str) -> None:
    done = kmm("simulate", *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.stderr


def test_a_speed_without_a_tape_is_refused(config: Path) -> None:
    done = kmm("simulate", "--config", config, "--speed", "3")
    assert done.returncode == 2
    assert "there is none" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--seconds", "0"),
        ("--seconds", "nan"),
        ("--seconds", "inf"),
        ("--seed", "-1"),
        ("--seed", "one"),
        ("--weather", "rain"),
    ],
)
def test_rubbish_is_exit_code_2(arguments: tuple[str, str]) -> None:
    done = kmm("simulate", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert arguments[0] in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_configuration_is_78(tmp_path: Path) -> None:
    done = kmm("simulate", "--config", tmp_path / "none.yaml")
    assert (done.returncode, done.stdout) == (78, "")
    assert "No such file" in done.stderr
