"""The busy run that all proofs of the operator's quick start look at, lived through once a session."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import canary
from tests.ops.busy_run import Day, play_once

HERE = Path(__file__).parent
# A boot of systemd, the busy run, and whoever waits until another process has lived through it: on a machine
# that does much else these take minutes, and all are well.
LONGEST_TEST_SECONDS = 900


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Asked of the items of the whole session."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.timeout(LONGEST_TEST_SECONDS))


@contextmanager
def held(path: Path) -> Iterator[None]:
    """One test process at a time."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def day(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Day]:
    """Where it lies, the search for secrets of a single test process does not come by."""
    base = tmp_path_factory.getbasetemp()
    home = (base if worker_id == "master" else base.parent) / "busy_run"
    home.mkdir(exist_ok=True)
    yield play_once(home, lambda: held(home / "lock"))
    assert not canary.hits(home)
