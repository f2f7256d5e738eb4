"""Runs the full life of `independent_client`, where there is a Python that has that client."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("independent_client.py")
LONGEST_S = 240


def python_with_the_client() -> str:
    """``KMM_CLIENT_PYTHON``, else this one; the test is skipped where the client cannot be had."""
    named = os.environ.get("KMM_CLIENT_PYTHON")
    if named:
        return named
    if find_spec("kalshi") is None:
        pytest.skip("kalshi-sdk is not installed here; KMM_CLIENT_PYTHON may name a Python 3.12 that has it")
    return sys.executable


def test_a_client_written_for_the_real_exchange_trades_a_full_life_here() -> None:
    environment = {**os.environ, "KMM_PYTHON": sys.executable}
    done = subprocess.run(
        [python_with_the_client(), str(SCRIPT)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "traded a full life" in done.stdout
