"""A run that is over, for all who read what it left."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.observe.day import finished_day


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    """A finished run."""
    return finished_day(tmp_path)
