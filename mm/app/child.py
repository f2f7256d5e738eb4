"""The simulated exchange as a child process, so that the bot speaks to it over real sockets."""

from __future__ import annotations

import contextlib
import json
import selectors
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from mm.app.errors import TIMED_OUT, CannotRun
from mm.config.exchange import Simulated

READY_WITHIN_SECONDS = 30
ENDS_WITHIN_SECONDS = 5


class Started(msgspec.Struct, frozen=True):
    """What the exchange prints when it is ready."""

    rest_url: str
    ws_url: str
    key_id: str
    private_key_path: str
    markets: list[str]


def arguments(simulated: Simulated) -> list[str]:
    """The exchange's command line. It ends when our end of its standard input closes, however we die."""
    words = ["exchange", "--port", "0", "--exit-with-stdin", "--seed", str(simulated.seed)]
    words += ["--balance", str(simulated.balance_dollars), "--regime", simulated.regime]
    if simulated.tape is not None:
        words += ["--tape", str(simulated.tape), "--speed", str(simulated.speed)]
    return words


@contextmanager
def simulated_exchange(simulated: Simulated) -> Iterator[Started]:
    """Run the exchange for the time of the block.

    :raises CannotRun: if it does not come up; what it had to say is in the text.
    """
    command = [sys.executable, "-m", "mm", *arguments(simulated)]
    child = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for us: the exchange must outlive our last cancel
    )
    try:
        yield _ready(child)
    finally:
        _end(child)


def _ready(child: subprocess.Popen[bytes]) -> Started:
    assert child.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        if not selector.select(READY_WITHIN_SECONDS):
            raise CannotRun("the simulated exchange did not come up in time", TIMED_OUT)
    line = child.stdout.readline()
    try:
        return msgspec.convert(json.loads(line), Started)
    except (ValueError, msgspec.ValidationError):
        said = _last_words(child) or line.decode("utf-8", "replace").strip() or "it said nothing"
        raise CannotRun(f"the simulated exchange did not come up: {said}") from None


def _last_words(child: subprocess.Popen[bytes]) -> str:
    with contextlib.suppress(subprocess.TimeoutExpired):
        _, errors = child.communicate(timeout=ENDS_WITHIN_SECONDS)
        return errors.decode("utf-8", "replace").strip()[-500:]
    return ""


def _end(child: subprocess.Popen[bytes]) -> None:
    try:
        child.communicate(timeout=ENDS_WITHIN_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
