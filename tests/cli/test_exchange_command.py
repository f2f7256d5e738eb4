"""`kmm exchange` under its public name: one line of JSON, an end with its parent, one line for what is wrong.
The rest of its stories stand in tests/sim/test_server_command.py."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import requests

from tests.live.processes import PATIENCE, exchange_process, kmm


def test_it_says_where_it_is_trades_with_its_key_and_ends_with_its_parent() -> None:
    with exchange_process("--seed", "2", "--balance", "123.45") as (process, exchange):
        assert exchange.read("/portfolio/balance")["balance_dollars"] == "123.4500"
        assert exchange.nothing_rests()
        assert requests.get(f"{exchange.rest_url}/markets", timeout=PATIENCE).json()["markets"]
        unsigned = requests.get(f"{exchange.rest_url}/portfolio/balance", timeout=PATIENCE)
        assert unsigned.status_code == 401
        key_file = Path(exchange.key_path)
        assert key_file.stat().st_mode & 0o077 == 0
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(PATIENCE) == 0
        assert not key_file.exists()


def test_a_taken_port_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = kmm("exchange", "--port", port)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"Error: cannot listen on 127.0.0.1:{port}: Address already in use\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--host", "0.0.0.0"),
        ("--port", "-1"),
        ("--balance", "much"),
        ("--balance", "nan"),
        ("--balance", "inf"),
        ("--regime", "calm"),
        ("--seed", "x"),
        ("--public-key", "key.pem"),
        ("--tape", "x", "--speed", "nan"),
        ("--tape", "x", "--speed", "-1"),
    ],
)
def test_rubbish_is_exit_code_2(arguments: tuple[str, ...]) -> None:
    done = kmm("exchange", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
