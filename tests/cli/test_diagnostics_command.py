"""The bundle as whoever helps receives it: all that was promised, whole, and no secret."""

from __future__ import annotations

import base64
import json
import stat
import tarfile
from pathlib import Path
from urllib.parse import quote

import pytest
from click.testing import CliRunner

from mm.cli.main import main

CANARY = "canary+/secret-5f0c"
CONFIG = "version: 1\ndesks:\n  DEFAULT:\n    strategy: glft\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALERTS_PASSWORD", CANARY)
    (tmp_path / "config.yaml").write_text(CONFIG)
    run_dir = tmp_path / "logs"
    run_dir.mkdir()
    (run_dir / "alerts.jsonl").write_text("".join(f'{{"n": {n}}}\n' for n in range(150)))
    (run_dir / "DEFAULT.log").write_text("".join(f'{{"n": {n}}}\n' for n in range(700)))
    (run_dir / "Strategy_DEFAULT_trading.jsonl").write_text(
        json.dumps({"plain": CANARY, "packed": base64.b64encode(CANARY.encode()).decode()})
        + "\n"
        + json.dumps({"url": quote(CANARY, safe=""), "pem": "-----BEGIN PRIVATE KEY-----\nMII\n"})
        + "\n"
    )
    (run_dir / "Strategy_DEFAULT_loops.csv").write_text("t_seconds,market\n" + "1,KXA\n" * 500)
    (run_dir / "heartbeat.json").symlink_to("/etc/hostname")
    (run_dir / "private.pem").write_text(CANARY)
    return tmp_path


def test_the_bundle_holds_what_was_promised_and_no_secret(home: Path) -> None:
    result = CliRunner().invoke(main, ["diagnostics"])
    assert result.exit_code == 0, result.output
    bundle = home / "diagnostics.tar.gz"
    assert stat.S_IMODE(bundle.stat().st_mode) == 0o600
    with tarfile.open(bundle) as tar:
        texts = {entry.name: tar.extractfile(entry).read().decode() for entry in tar}  # type: ignore[union-attr]
    assert all(name.startswith("diagnostics/") and ".." not in name for name in texts)
    texts = {name.removeprefix("diagnostics/"): text for name, text in texts.items()}
    assert "private.pem" not in texts and "heartbeat.json" not in texts
    assert [json.loads(line)["n"] for line in texts["alerts.jsonl"].splitlines()] == list(range(50, 150))
    assert len(texts["DEFAULT.log"].splitlines()) == 500
    table = texts["Strategy_DEFAULT_loops.csv"].splitlines()
    assert table[0] == "t_seconds,market" and len(table) == 201
    assert {"config.json", "versions.json", "limits.json", "checks.json"} <= texts.keys()
    manifest = json.loads(texts["manifest.json"])
    assert {row["name"] for row in manifest["files"]} == texts.keys() - {"manifest.json"}
    assert {"heartbeat.json", "Strategy_DEFAULT_metrics.json"} <= manifest["missing"].keys()
    for form in (CANARY, base64.b64encode(CANARY.encode()).decode(), quote(CANARY, safe=""), "MII"):
        assert not any(form in text for text in texts.values()), form
    assert CANARY not in result.output


def test_a_wrong_configuration_goes_in_as_its_errors(home: Path) -> None:
    (home / "config.yaml").write_text(CONFIG + "limitz: 3\n")
    (home / "logs" / "OTHER_circuit_breaker_status.json").write_text("{}")
    result = CliRunner().invoke(main, ["diagnostics", "--json", "--output", "out.tar.gz"])
    assert result.exit_code == 0, result.output
    assert "OTHER_circuit_breaker_status.json" in json.loads(result.output)["files"]
    with tarfile.open(home / "out.tar.gz") as tar:
        told = json.load(tar.extractfile("diagnostics/config.json"))  # type: ignore[arg-type]
    assert "limitz" in told["errors"][0]


def test_where_nothing_can_be_written_it_says_so_and_leaves_nothing(home: Path) -> None:
    result = CliRunner().invoke(main, ["diagnostics", "--output", "nowhere/out.tar.gz"])
    assert result.exit_code == 1 and "cannot be written" in result.output


def test_the_checklist_fails_for_a_run_that_is_not_there(home: Path) -> None:
    result = CliRunner().invoke(main, ["checklist", "live", "--json"])
    told = json.loads(result.output)
    assert result.exit_code == 1 and not told["healthy"]
    heartbeat = next(item for item in told["items"] if item["name"] == "heartbeat")
    assert heartbeat["grade"] == "red"


@pytest.mark.parametrize("form", [[], ["--markdown"], ["--json"]])
@pytest.mark.parametrize("which", ["live", "support"])
def test_every_form_of_the_checklist_has_the_same_exit_code(home: Path, which: str, form: list[str]) -> None:
    result = CliRunner().invoke(main, ["checklist", which, *form])
    assert result.exit_code == 1 and "circuit breaker" in result.output.replace("\n", " ")


def test_a_wrong_configuration_is_red_and_the_rest_is_judged_all_the_same(home: Path) -> None:
    (home / "config.yaml").write_text(CONFIG + "limitz: 3\n")
    (home / "logs" / "OTHER_circuit_breaker_status.json").write_text("{}")
    items = json.loads(CliRunner().invoke(main, ["checklist", "live", "--json"]).output)["items"]
    assert (items[0]["name"], items[0]["grade"]) == ("configuration", "red") and "limitz" in items[0]["value"]
    assert "OTHER" in {item["scope"] for item in items}


def test_inside_a_run_directory_it_is_that_run_which_is_meant(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "logs" / "kmm.lock").touch()
    (home / "logs" / "OTHER_circuit_breaker_status.json").write_text("{}")
    monkeypatch.chdir(home / "logs")
    told = CliRunner().invoke(main, ["checklist", "live", "--json"])
    assert "OTHER" in {item["scope"] for item in json.loads(told.output)["items"]}
    made = CliRunner().invoke(main, ["diagnostics", "--json"])
    assert made.exit_code == 0 and "alerts.jsonl" in json.loads(made.output)["files"]
