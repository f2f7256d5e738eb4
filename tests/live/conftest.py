"""One exchange for all stories of a module: it lives on while bots come, go and die."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.processes import Exchange, exchange_process, settings


@pytest.fixture(scope="module")
def exchange() -> Iterator[Exchange]:
    with exchange_process("--seed", "3", "--balance", "5000", "--regime", "fast_15_minute") as (_, running):
        yield running


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return settings(tmp_path)
