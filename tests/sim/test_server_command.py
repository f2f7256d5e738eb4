"""The command that runs the exchange: a real process, its line of JSON, its keys, its ends and its errors."""

from __future__ import annotations

import base64
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from mm.sim.signatures import HEADERS
from tests.sim.doors import ed25519_key, public_pem

ROOT = Path(__file__).resolve().parents[2]
TAPE = ROOT / ".." / "shared" / "data" / "kxbtc15m_26MAY130915_first120s.jsonl.gz"
COMMAND = [sys.executable, "-m", "mm.cli.exchange"]
WAIT_S = 60


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    with subprocess.Popen(
        [*COMMAND, *arguments, "--exit-with-stdin"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            process.terminate()  # not kill: it must take its private key with it


def refused(*arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [*COMMAND, *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


def signed(facts: dict[str, Any], path: str) -> Any:
    key = serialization.load_pem_private_key(Path(facts["private_key_path"]).read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    timestamp = str(time.time_ns() // 1_000_000)
    message = f"{timestamp}GET/trade-api/v2{path}".encode()
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
    signature = base64.b64encode(key.sign(message, pss, hashes.SHA256())).decode()
    headers = dict(zip(HEADERS, (facts["key_id"], timestamp, signature), strict=True))
    return requests.get(facts["rest_url"] + path, headers=headers, timeout=WAIT_S).json()


def test_it_prints_where_it_is_and_ends_with_its_parent() -> None:
    with running("--balance", "123.45", "--seed", "4") as (process, facts):
        assert set(facts) == {"rest_url", "ws_url", "key_id", "private_key_path", "markets"}
        assert facts["rest_url"].endswith("/trade-api/v2")
        assert facts["ws_url"].endswith("/trade-api/ws/v2")
        key_file = Path(facts["private_key_path"])
        assert key_file.stat().st_mode & 0o777 == 0o600
        assert key_file.parent.stat().st_mode & 0o777 == 0o700
        assert signed(facts, "/portfolio/balance")["balance_dollars"] == "123.4500"
        listed = requests.get(f"{facts['rest_url']}/markets", timeout=WAIT_S).json()["markets"]
        assert {one["ticker"] for one in listed} == set(facts["markets"])
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(WAIT_S) == 0
        assert not key_file.parent.exists()


def test_the_tier_of_the_account_may_be_chosen() -> None:
    with running("--tier", "prestige") as (_, facts):
        limits = signed(facts, "/account/limits")
        assert (limits["usage_tier"], limits["write"]["refill_rate"]) == ("prestige", 8000)


def test_as_many_markets_as_asked_for_each_with_a_book() -> None:
    with running("--markets", "120", "--load", "0") as (_, facts):
        assert len(set(facts["markets"])) == 120
        query = {"limit": "1000", "status": "open"}
        listed = requests.get(f"{facts['rest_url']}/markets", query, timeout=WAIT_S).json()["markets"]
        assert {one["ticker"] for one in listed} == set(facts["markets"])
        assert all(float(one["yes_bid_dollars"]) < float(one["yes_ask_dollars"]) < 1 for one in listed)


def test_a_reading_of_the_documents_may_be_chosen() -> None:
    with running("--switch", "weekly_pause=true", "--switch", "liquidity=true") as (_, facts):
        schedule = requests.get(f"{facts['rest_url']}/exchange/schedule", timeout=WAIT_S).json()["schedule"]
        assert len(schedule["maintenance_windows"]) == 1
        listed = requests.get(f"{facts['rest_url']}/markets", timeout=WAIT_S).json()["markets"]
        assert all("liquidity_dollars" in one for one in listed)


def test_a_key_may_be_for_the_balance_alone_or_for_one_subaccount() -> None:
    with running("--scope", "read::portfolio_balance", "--balance", "77") as (_, facts):
        assert signed(facts, "/portfolio/balance")["balance_dollars"] == "77.0000"
        assert signed(facts, "/portfolio/orders")["error"]["code"] == "forbidden"
    with running("--subaccount", "2", "--balance", "77") as (_, facts):
        assert signed(facts, "/portfolio/balance")["balance_dollars"] == "77.0000"
        assert signed(facts, "/portfolio/subaccounts/transfers")["error"]["code"] == "forbidden"


@pytest.mark.parametrize("options", [(), ("--liquidity-dollars",)])
def test_a_field_that_was_dropped_may_be_asked_for(options: tuple[str, ...]) -> None:
    with running(*options) as (_, facts):
        listed = requests.get(f"{facts['rest_url']}/markets", timeout=WAIT_S).json()["markets"]
        assert all(("liquidity_dollars" in one) == bool(options) for one in listed)


def test_faults_of_a_file_strike_and_an_admin_port_is_told_of(tmp_path: Path) -> None:
    script = tmp_path / "faults.yaml"
    script.write_text("- {point: before_parse, kind: status, method: GET, contains: /markets, status: 502}\n")
    with running("--faults", str(script), "--admin-port", "0") as (process, facts):
        assert requests.get(f"{facts['rest_url']}/markets", timeout=WAIT_S).status_code == 502
        assert requests.get(f"{facts['rest_url']}/markets", timeout=WAIT_S).status_code == 200
        token_file = Path(facts["admin"]["token_path"])
        assert token_file.stat().st_mode & 0o777 == 0o600
        headers = {"Authorization": f"Bearer {token_file.read_text()}"}
        state = requests.get(f"{facts['admin']['url']}/state", headers=headers, timeout=WAIT_S).json()
        assert (state["trading_active"], state["faults"]) == (True, 1)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(WAIT_S) == 0
        assert not token_file.parent.exists()


def test_the_token_may_be_the_users_own(tmp_path: Path) -> None:
    mine = tmp_path / "token"
    mine.write_text("a-token-of-my-own\n")
    mine.chmod(0o600)
    with running("--admin-port", "0", "--admin-token", str(mine)) as (_, facts):
        assert facts["admin"]["token_path"] == str(mine)
        headers = {"Authorization": "Bearer a-token-of-my-own"}
        url = f"{facts['admin']['url']}/state"
        assert requests.get(url, headers=headers, timeout=WAIT_S).status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(number: signal.Signals, tmp_path: Path) -> None:
    pem = tmp_path / "public.pem"
    pem.write_bytes(public_pem(ed25519_key()))
    with running("--key-id", "mine", "--public-key", str(pem)) as (process, facts):
        assert (facts["key_id"], facts["private_key_path"]) == ("mine", None)
        process.send_signal(number)
        assert process.wait(WAIT_S) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_it_plays_a_tape() -> None:
    if not TAPE.exists():
        pytest.skip("the recorded market is not beside the repository (../shared/data)")
    with running("--tape", str(TAPE), "--speed", "20") as (_, facts):
        url = f"{facts['rest_url']}/markets/{facts['markets'][0]}/orderbook"
        deadline = time.monotonic() + WAIT_S
        book: dict[str, list[list[str]]] = {"yes_dollars": []}
        while not book["yes_dollars"] and time.monotonic() < deadline:
            book = requests.get(url, timeout=WAIT_S).json()["orderbook_fp"]
        assert book["yes_dollars"]


def test_what_cannot_work_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    not_a_key = tmp_path / "not-a-key.pem"
    not_a_key.write_text("hello")
    bad_faults, open_token = tmp_path / "faults.yaml", tmp_path / "token"
    bad_faults.write_text("- {point: frame}")
    open_token.write_text("everyone-may-read-this")
    open_token.chmod(0o644)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        stories = {
            ("--port", port): f"cannot listen on 127.0.0.1:{port}: Address already in use",
            ("--tape", str(tmp_path / "none.gz")): "cannot play the tape",
            ("--public-key", str(not_a_key), "--key-id", "k"): "not a public key in PEM form",
            ("--public-key", str(tmp_path / "none"), "--key-id", "k"): "No such file",
            ("--faults", str(bad_faults)): "row 1: kind missing",
            ("--faults", str(tmp_path / "none")): "No such file",
            ("--admin-port", "0", "--admin-token", str(open_token)): "chmod 600",
            ("--admin-port", port): f"cannot listen on 127.0.0.1:{port}: Address already in use",
        }
        for arguments, reason in stories.items():
            code, stderr = refused(*arguments)
            assert code == 1, stderr
            assert stderr.startswith("Error: ")
            assert reason in stderr
            assert stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("--host", "0.0.0.0"),
        ("--host", "example.com"),
        ("--balance", "-1"),
        ("--balance", "1.0000001"),
        ("--balance", "much"),
        ("--regime", "calm"),
        ("--tier", "gold"),
        ("--switch", "weekly_pause"),
        ("--switch", "nonsense=1"),
        ("--scope", "write"),
        ("--scope", "trade"),
        ("--subaccount", "64"),
        ("--public-key", "key.pem"),
        ("--tape", "x", "--speed", "0"),
        ("--tape", "x", "--markets", "1"),
        ("--markets", "0"),
        ("--port", "70000"),
        ("--admin-port", "-1"),
        ("--admin-token", "token"),
    ],
)
def test_wrong_usage_is_exit_code_2(arguments: tuple[str, ...]) -> None:
    assert refused(*arguments)[0] == 2


def test_help_loads_nothing_heavy() -> None:
    probe = (
        "import sys, mm.cli.exchange; print(sorted({'aiohttp', 'numpy', 'cryptography'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, timeout=WAIT_S
    )
    assert done.stdout == "[]\n"
