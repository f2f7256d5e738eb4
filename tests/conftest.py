"""What all simulations share: the default configuration, less the one rule that bad weather alone trips."""

from __future__ import annotations

from pathlib import Path

import pytest

from mm.config.load import load_config
from mm.config.model import Config

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def config() -> Config:
    """The default config.yaml; five losing round trips in a row are likely somewhere in 200 seeds, and a
    halted bot proves nothing about orders."""
    return load_config(ROOT / "config.yaml", {"KMM__circuit_breaker__losing_round_trips": "null"})
