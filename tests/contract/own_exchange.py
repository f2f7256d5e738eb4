"""A simulated exchange in a process of its own, for clients that must know nothing of it but its addresses.

Uses only the standard library: it is run by whatever Python a foreign client needs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OURS = ROOT / ".venv" / "bin" / "python"
STOP_S = 60


class CannotStart(Exception):
    """The exchange did not say that it listens; the message has what it said in its place."""


@dataclass(frozen=True, slots=True)
class OwnExchange:
    """What ``kmm exchange`` tells about itself."""

    rest_url: str
    ws_url: str
    key_id: str
    private_key_path: str
    markets: list[str]


def _python() -> str:
    """The Python that has this project's dependencies."""
    return os.environ.get("KMM_PYTHON") or (str(OURS) if OURS.exists() else sys.executable)


def built_operations() -> set[str]:
    """The ids of the operations that the exchange answers, without those it only refuses as switched off."""
    program = (
        "from mm.sim.rest_routes import ROUTES\n"
        "print(*(one.operation for one in ROUTES if one.handler.__name__ != 'deprecated'))"
    )
    done = subprocess.run([_python(), "-c", program], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return set(done.stdout.split())


@contextmanager
def own_exchange(*options: str) -> Iterator[OwnExchange]:
    """``kmm exchange`` with these options, until the block ends. Raises CannotStart.

    It runs by the Python of ``KMM_PYTHON``, else the repository's own environment, else this one.
    """
    with subprocess.Popen(
        [_python(), "-m", "mm.cli.exchange", "--exit-with-stdin", *options],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            if not line:
                raise CannotStart(f"{_python()} -m mm.cli.exchange ended with {process.wait(STOP_S)}")
            facts = json.loads(line)
            names = OwnExchange.__dataclass_fields__
            yield OwnExchange(**{name: facts[name] for name in names})
        finally:
            process.terminate()  # not kill: it must take its private key with it
