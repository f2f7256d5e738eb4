"""The same seed gives the same run, event by event and action by action, whatever Python's hashes are."""

from __future__ import annotations

import os
import subprocess
import sys

import msgspec
import pytest

from mm.app.simulated import Result, simulate
from mm.config.model import Config
from mm.drivers.network import STORM, Weather


def elsewhere(seed: int, hash_seed: str, weather: str) -> Result:
    """The same simulation in a process of its own."""
    command = [sys.executable, "-m", "mm", "simulate", "--seconds", "20", "--seed", str(seed)]
    done = subprocess.run(
        [*command, "--weather", weather, "--json"],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        check=True,
    )
    return msgspec.json.decode(done.stdout, type=Result)


@pytest.mark.parametrize("weather", ["calm", "storm"])
def test_one_seed_one_digest_under_any_hash_seed(weather: str) -> None:
    first, second = elsewhere(3, "1", weather), elsewhere(3, "77", weather)
    assert first.digest == second.digest
    assert first.events == second.events > 1_000
    assert elsewhere(4, "1", weather).digest != first.digest


def test_a_digest_knows_the_least_change(config: Config) -> None:
    one = simulate(config, 10, 5, STORM)
    other = simulate(config, 10, 5, Weather(delay_mean=STORM.delay_mean + 1))
    assert one.digest == simulate(config, 10, 5, STORM).digest
    assert one.digest != other.digest
