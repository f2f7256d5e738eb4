"""The commands about the configuration, as an operator calls them: real processes, real files, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mm import __version__
from tests.live.processes import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
GOOD = "version: 1\ndesks: {DEFAULT: {strategy: glft}}\n"
BAD = GOOD + "circuit_breaker:\n    max_consecutive_erors: 5\nlog: {level: loud}\n"
DEMO = (
    "version: 1\nexchange: {environment: demo}\n"
    "desks: {DEFAULT: {strategy: glft, markets: {series: [KXBTC15M]}}}\n"
)


def kmm(*arguments: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("KMM_", "KALSHI_"))}
    return subprocess.run(
        [sys.executable, "-m", "mm", *arguments],
        cwd=cwd,
        env={**clean, **environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.yaml").write_text(GOOD)
    (tmp_path / "bad.yaml").write_text(BAD)
    (tmp_path / "demo.yaml").write_text(DEMO)
    (tmp_path / "key.pem").write_text("not read by this command")
    return tmp_path


def test_the_file_that_comes_with_the_program_is_right() -> None:
    done = kmm("verify-config", "--mode", "trade")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("config.yaml is right (hash ")
    assert "strategy: glft" in done.stdout
    assert "pnl_threshold: -100" in done.stdout


def test_what_would_run_includes_how_it_ends_and_who_is_told(folder: Path) -> None:
    config = "version: 1\nclose_on_shutdown: true\nquoting: {order_lifetime_seconds: 60}\n"
    (folder / "config.yaml").write_text(
        config + "circuit_breaker: {losing_round_trips: 1}\ndesks: {DEFAULT: {strategy: glft}}\n"
    )
    shown = [line.strip() for line in kmm("verify-config", cwd=folder).stdout.splitlines()]
    assert {"close_on_shutdown: true", "on_disconnect: cancel", "order_lifetime_seconds: 60"} <= set(shown)
    assert {"losing_round_trips: 1", "alerts_leave_by: no way, they stay in alerts.jsonl"} <= set(shown)
    told = kmm("verify-config", "--json", cwd=folder, KMM_DEAD_MAN_URL="https://hc-ping.com/x").stdout
    assert json.loads(told)["alerts_leave_by"] == ["dead_man"]


def test_a_wrong_file_shows_every_error_and_exits_78(folder: Path) -> None:
    done = kmm("verify-config", "--config", "bad.yaml", cwd=folder)
    assert done.returncode == 78
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "bad.yaml:4:5: circuit_breaker.max_consecutive_erors: unknown key, "
        'did you mean "max_consecutive_errors"?',
        "bad.yaml:5:14: log.level: must be debug, info, warning or error",
    ]


def test_the_same_for_programs(folder: Path) -> None:
    wrong = kmm("verify-config", "--config", "bad.yaml", "--json", cwd=folder)
    assert wrong.returncode == 78
    answer = json.loads(wrong.stdout)
    assert answer["valid"] is False
    assert [error["line"] for error in answer["errors"]] == [4, 5]
    right = json.loads(kmm("verify-config", "--json", cwd=folder).stdout)
    assert right["valid"] is True
    assert right["environment"] == "simulated"
    assert right["desks"]["DEFAULT"]["strategy"] == "glft"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    done = kmm("verify-config", cwd=tmp_path)
    assert done.returncode == 78
    assert done.stderr == "config.yaml: cannot be read: No such file or directory\n"


def test_trading_on_a_real_exchange_needs_credentials(folder: Path) -> None:
    arguments = ("verify-config", "--config", "demo.yaml", "--mode", "trade")
    assert kmm(*arguments[:3], cwd=folder).returncode == 0
    without = kmm(*arguments, cwd=folder)
    assert without.returncode == 78
    assert without.stderr.splitlines() == [
        "KALSHI_API_KEY_ID: needed to trade on demo",
        "KALSHI_PRIVATE_KEY_PATH: needed to trade on demo",
    ]
    gone = kmm(*arguments, cwd=folder, KALSHI_API_KEY_ID="hunter2", KALSHI_PRIVATE_KEY_PATH="gone.pem")
    assert (gone.returncode, gone.stderr) == (78, "KALSHI_PRIVATE_KEY_PATH: there is no such file\n")
    there = kmm(*arguments, cwd=folder, KALSHI_API_KEY_ID="hunter2", KALSHI_PRIVATE_KEY_PATH="key.pem")
    assert there.returncode == 0, there.stderr
    assert "hunter2" not in there.stdout + there.stderr + without.stderr


def test_the_secrets_of_alerts_are_checked_with_the_credentials_and_never_shown(folder: Path) -> None:
    arguments = ("verify-config", "--config", "demo.yaml", "--mode", "trade")
    wrong = {"KMM_DEAD_MAN_URL": "ftp://the-secret-word"}
    done = kmm(*arguments, cwd=folder, **wrong)
    assert done.returncode == 78
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == [
        "KALSHI_API_KEY_ID",
        "KALSHI_PRIVATE_KEY_PATH",
        "KMM_DEAD_MAN_URL",
    ]
    plain = ("verify-config", "--mode", "trade", "--json")
    done = kmm(*plain, cwd=folder, KMM_APPRISE_URLS="nosuch://the-secret-word")
    assert done.returncode == 78
    (error,) = json.loads(done.stdout)["errors"]
    assert error["file"] == "alerts"
    assert error["message"].startswith("alerts.apprise"), "not understood, or nothing there to understand it"
    assert "the-secret-word" not in done.stdout + done.stderr


def test_show_says_what_set_each_value(folder: Path) -> None:
    done = kmm("config", "show", cwd=folder, KMM__circuit_breaker__pnl_threshold="-50")
    rows = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()}
    assert rows["version"] == ["1", "config.yaml:1"]
    assert rows["circuit_breaker.pnl_threshold"] == ["-50", "KMM__circuit_breaker__pnl_threshold"]
    assert rows["circuit_breaker.max_consecutive_errors"] == ["10", "default"]
    shown = json.loads(kmm("config", "show", "--json", cwd=folder).stdout)
    assert shown["values"]["circuit_breaker.pnl_threshold"] == {"value": -100, "origin": "default"}
    assert len(shown["config_hash"]) == 16


def test_a_wrong_variable_is_named(folder: Path) -> None:
    done = kmm("config", "show", cwd=folder, KMM__naem="x")
    assert (done.returncode, done.stderr) == (78, 'KMM__naem: naem: unknown key, did you mean "name"?\n')


def test_schema_and_explain_need_no_file(tmp_path: Path) -> None:
    assert kmm("config", "schema", cwd=tmp_path).stdout == (ROOT / "config.schema.json").read_text()
    explained = kmm("config", "explain", "circuit_breaker.pnl_threshold", cwd=tmp_path)
    assert "below which trading stops" in explained.stdout
    assert kmm("config", "explain", "no.such.key", cwd=tmp_path).returncode == 2


def test_wrong_usage_exits_2() -> None:
    assert kmm("no-such-command").returncode == 2
    assert kmm("verify-config", "--no-such-option").returncode == 2
    assert kmm("verify-config", "--mode", "dream").returncode == 2


def test_version_and_help_load_nothing_heavy() -> None:
    assert kmm("--version").stdout == f"kmm, version {__version__}\n"
    program = (
        "import sys; from mm.cli.main import main; main(['--help'], standalone_mode=False);"
        "heavy = {'pydantic', 'yaml', 'aiohttp', 'numpy', 'requests', 'msgspec'} & set(sys.modules);"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "verify-config" in done.stdout
