"""What keeps `kmm run` from starting: one clear line, the manual's exit code, no traceback and no secret."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from tests.alerts.servers import free_port
from tests.live.processes import (
    PATIENCE,
    ROOT,
    Exchange,
    clean_environment,
    exchange_process,
    kmm,
    settings,
)

KEY_ID = "b7a1c0de-secret-key-id"


@pytest.fixture(scope="module")
def exchange() -> Iterator[Exchange]:
    with exchange_process("--seed", "3") as (_, running):
        yield running


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A good key that no exchange knows."""
    path = tmp_path / "key.pem"
    private = ed25519.Ed25519PrivateKey.generate()
    path.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    path.chmod(0o600)
    return path


def refused(run_dir: Path, *arguments: str | Path, **environment: str) -> tuple[int, str]:
    """The exit code and the one line of a run that does not start; nothing of it may show a secret."""
    done = kmm("run", "--run-dir", run_dir, *arguments, environment=environment)
    left = (
        "".join(path.read_text() for path in run_dir.rglob("*") if path.is_file()) if run_dir.is_dir() else ""
    )
    for text in (done.stdout, done.stderr, left):
        assert KEY_ID not in text
        assert "Traceback" not in text
        assert "PRIVATE KEY" not in text
    return done.returncode, done.stderr


def markets(*tickers: str) -> dict[str, dict[str, object]]:
    return {"DEFAULT": {"strategy": "top_of_book", "markets": {"tickers": list(tickers)}}}


def known_as(key: Path) -> dict[str, str]:
    return {"KALSHI_API_KEY_ID": KEY_ID, "KALSHI_PRIVATE_KEY_PATH": str(key)}


def at(rest_url: str, ws_url: str) -> dict[str, str]:
    return {"KMM__exchange__rest_url": rest_url, "KMM__exchange__ws_url": ws_url}


def test_real_money_must_be_said(tmp_path: Path, key: Path) -> None:
    config = settings(tmp_path, exchange={"environment": "production"}, desks=markets("KXBTC-1-2"))
    code, said = refused(tmp_path / "logs", "--config", config, **known_as(key))
    assert code == 4
    assert said == "kmm run: production is real money: say so with --live (or try --dry-run)\n"
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize("environment", ["demo", "production"])
def test_without_credentials_it_is_refused_and_the_files_tell_why(tmp_path: Path, environment: str) -> None:
    config = settings(tmp_path, exchange={"environment": environment}, desks=markets("KXBTC-1-2"))
    code, said = refused(tmp_path / "logs", "--config", config, "--live")
    assert code == 4
    assert said.startswith("kmm run: KALSHI_API_KEY_ID and KALSHI_PRIVATE_KEY_PATH are not set")
    assert said.count("\n") == 1
    *_, last = (tmp_path / "logs" / "alerts.jsonl").read_text().splitlines()
    assert json.loads(last)["level"] == "critical"
    assert "KALSHI_API_KEY_ID" in json.loads(last)["message"]
    assert (tmp_path / "logs" / "kmm.lock").read_bytes() == b""
    assert json.loads((tmp_path / "logs" / "last_run.json").read_text())["config"] == str(config)


def test_half_of_the_credentials_is_a_wrong_configuration_and_the_files_tell_it(tmp_path: Path) -> None:
    config = settings(tmp_path, exchange={"environment": "demo"}, desks=markets("KXBTC-1-2"))
    code, said = refused(tmp_path / "logs", "--config", config, KALSHI_API_KEY_ID=KEY_ID)
    assert code == 78
    assert said == "KALSHI_PRIVATE_KEY_PATH: missing, but KALSHI_API_KEY_ID is set\n"
    *_, last = (tmp_path / "logs" / "alerts.jsonl").read_text().splitlines()
    alert, run = json.loads(last), json.loads((tmp_path / "logs" / "last_run.json").read_text())
    assert (alert["category"], alert["level"], alert["details"]) == (
        "bot_shutdown",
        "critical",
        {"exit_code": 78},
    )
    assert alert["message"] == run["reason"] == f"could not start: {said.strip()}"
    assert run["exit_code"] == 78


def loose(key: Path) -> None:
    key.chmod(stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP)


def rubbish(key: Path) -> None:
    key.write_text("hello")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [(loose, "chmod 600"), (rubbish, "key"), (Path.unlink, "No such file")],
)
def test_a_key_file_that_cannot_be_used_is_named(
    tmp_path: Path, key: Path, exchange: Exchange, spoil: Callable[[Path], None], reason: str
) -> None:
    spoil(key)
    where = at(exchange.rest_url, exchange.ws_url)
    code, said = refused(tmp_path / "logs", "--config", settings(tmp_path), **where, **known_as(key))
    assert code == 78, "no restart mends it"
    assert said.startswith(f"kmm run: key file {key}: ")
    assert reason in said
    assert said.count("\n") == 1


def test_an_exchange_that_does_not_know_us_says_so(tmp_path: Path, key: Path, exchange: Exchange) -> None:
    where = at(exchange.rest_url, exchange.ws_url)
    code, said = refused(tmp_path / "logs", "--config", settings(tmp_path), **where, **known_as(key))
    assert code == 4, "no restart mends it"
    assert said.startswith(f"kmm run: cannot use the exchange at {exchange.rest_url}: 401")
    assert said.count("\n") == 1


def test_a_dead_address_is_one_line_for_who_does_not_wait_for_ever(tmp_path: Path, key: Path) -> None:
    port = free_port()
    where = at(f"http://127.0.0.1:{port}/trade-api/v2", f"ws://127.0.0.1:{port}/trade-api/ws/v2")
    # In that time it must have tried once, however slow the machine is.
    options = ("--config", settings(tmp_path), "--seconds", "8.5")
    code, said = refused(tmp_path / "logs", *options, **where, **known_as(key))
    assert code == 1
    assert said.startswith(f"kmm run: cannot use the exchange at http://127.0.0.1:{port}")
    assert said.endswith(" (given up after 8.5 s)\n")
    assert "refused" in said.lower()
    assert said.count("\n") == 1


def test_no_market_that_fits_is_said(tmp_path: Path, exchange: Exchange) -> None:
    desk = {"strategy": "top_of_book", "markets": {"filter": {"min_volume_contracts": 1_000_000_000}}}
    config = settings(tmp_path, desks={"DEFAULT": desk})
    code, said = refused(tmp_path / "logs", "--config", config, **exchange.environment())
    assert code == 1
    assert said.startswith("kmm run: no market fits")


def test_everything_wrong_in_the_configuration_comes_at_once_before_anything_is_written(
    tmp_path: Path,
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("version: 1\ndesk: {}\nlog: {level: loud}\n")
    code, said = refused(tmp_path / "logs", "--config", config)
    assert code == 78
    assert 'did you mean "desks"' in said
    assert "log.level" in said
    assert not (tmp_path / "logs").exists()


def test_a_missing_configuration_is_a_wrong_one(tmp_path: Path) -> None:
    code, said = refused(tmp_path / "logs", "--config", tmp_path / "none.yaml")
    assert code == 78
    assert "No such file" in said


@pytest.mark.parametrize(
    "arguments",
    [
        ("--seconds", "0"),
        ("--seconds", "-1"),
        ("--seconds", "nan"),
        ("--seconds", "inf"),
        ("--seconds", "soon"),
        ("--seed", "-1"),
        ("--seed", "1e3"),
        ("--speed", "0"),
        ("--speed", "1001"),
        ("--tape", "none.jsonl.gz"),
        ("--tape", "."),
        ("--fast",),
    ],
)
def test_rubbish_on_the_command_line_is_exit_code_2(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    code, said = refused(tmp_path / "logs", *arguments)
    assert code == 2
    assert arguments[0] in said
    assert not (tmp_path / "logs").exists()


def test_a_tape_that_is_none_is_told_by_the_exchange(tmp_path: Path) -> None:
    tape = tmp_path / "tape.jsonl.gz"
    tape.write_text("hello")
    code, said = refused(tmp_path / "logs", "--config", settings(tmp_path), "--tape", tape)
    assert code == 1
    assert "cannot play the tape" in said
    assert said.count("\n") == 1


def test_options_of_the_exchange_of_its_own_do_not_fit_another(tmp_path: Path, exchange: Exchange) -> None:
    config = settings(tmp_path)
    code, said = refused(tmp_path / "logs", "--config", config, "--seed", "4", **exchange.environment())
    assert code == 2
    assert "simulated exchange that kmm run starts itself" in " ".join(said.replace("│", " ").split())


def test_a_run_directory_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    code, said = refused(in_the_way, "--config", settings(tmp_path))
    assert code == 1
    assert said.startswith("kmm run: Failed to acquire lock: ")
    assert said.count("\n") == 1


@contextmanager
def full_disk() -> Iterator[int]:
    with open("/dev/full", "wb") as file:
        yield file.fileno()


@contextmanager
def reader_that_left() -> Iterator[int]:
    """`kmm run | head`, after head has seen enough."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        yield writing
    finally:
        os.close(writing)


@pytest.mark.parametrize("output", [full_disk, reader_that_left])
def test_a_standard_output_that_is_gone_does_not_change_how_the_run_ends(
    tmp_path: Path, exchange: Exchange, output: Callable[[], AbstractContextManager[int]]
) -> None:
    run_dir = tmp_path / "logs"
    config = str(settings(tmp_path))
    with output() as stdout:
        done = subprocess.run(
            [sys.executable, "-m", "mm", "run", "--once", "--config", config, "--run-dir", str(run_dir)],
            cwd=ROOT,
            env=clean_environment(exchange.environment()),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE,
        )
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("kmm run: the summary cannot be shown: ")
    assert done.stderr.count("\n") == 1
    log = [json.loads(line) for line in (run_dir / "DEFAULT.log").read_text().splitlines()]
    (compared,) = [line for line in log if line["event"] == "books_compared"]
    assert (compared["agrees"], compared["resting_orders"]) == (True, 0)
