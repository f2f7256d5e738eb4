"""What all share: the default configuration for simulations, how property tests run, and the search for
secrets when all is over."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from mm.config.load import load_config
from mm.config.model import Config
from tests import canary

ROOT = Path(__file__).resolve().parents[1]

# A shell starts what it starts in the background deaf to Ctrl-C, and whatever that starts is deaf too.
signal.signal(signal.SIGINT, signal.default_int_handler)

# An example takes as long as the machine lets it: what hypothesis thinks slow says nothing about the product.
# And they are the same every time, so that what fails was changed; KMM_TEST_EXPLORE=1 looks for new ones.
settings.register_profile(
    "any machine",
    deadline=None,
    derandomize="KMM_TEST_EXPLORE" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("any machine")


def pytest_configure(config: pytest.Config) -> None:
    """At its end pytest clears away what earlier runs left in the machine's temporary directory. Where
    another run does so too, or something old still writes there, it warns; and a warning is an error here:
    a run would fail in which every test has passed."""
    config.addinivalue_line("filterwarnings", r"default:\(rm_rf\):pytest.PytestWarning")


@pytest.fixture(scope="session")
def config() -> Config:
    """The default config.yaml; five losing round trips in a row are likely somewhere in 200 seeds, and a
    halted bot proves nothing about orders."""
    return load_config(ROOT / "config.yaml", {"KMM__circuit_breaker__losing_round_trips": "null"})


@pytest.fixture(scope="session", autouse=True)
def no_secret_is_left_anywhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The runs of all tests have secrets that are easy to find again. When everything is over, no file that
    any of them wrote has one in it: what runs wrote, what they said, what was packed from that."""
    yield
    found = canary.hits(tmp_path_factory.getbasetemp())
    assert not found, "secrets were written: " + "; ".join(found[:20])
