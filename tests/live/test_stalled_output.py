"""Somebody stops reading what the bot says: a pager, a terminal with Ctrl-S, a supervisor that hangs. Real
pipes and terminals, and nothing but the lines is lost."""

from __future__ import annotations

import json
import os
import pty
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.live.processes import READS_EVERY, Exchange, bot_process, eventually, settings
from tests.live.steering import FAR, kill, tell, turns

BROKEN = '''
"""A strategy with a fault."""

from typing import ClassVar

from mm.core.strategy import Params


class Strategy:
    Params: ClassVar[type[Params]] = Params

    def __init__(self, params):
        raise LookupError("a fault of ours")
'''


def fill(descriptor: int) -> None:
    """Until it takes no more."""
    os.set_blocking(descriptor, False)
    with suppress(BlockingIOError):
        while os.write(descriptor, b"x"):
            pass
    os.set_blocking(descriptor, True)


@contextmanager
def full_pipe() -> Iterator[int]:
    """The end to write to of a pipe that nobody reads any more."""
    reader, writer = os.pipe()
    try:
        fill(writer)
        yield writer
    finally:
        os.close(reader)
        os.close(writer)


@contextmanager
def hanging_terminal() -> Iterator[int]:
    """One that takes nothing any more, as after Ctrl-S."""
    ours, theirs = pty.openpty()
    try:
        fill(theirs)
        yield theirs
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_bot_whose_output_nobody_reads_trades_heeds_and_ends(exchange: Exchange, tmp_path: Path) -> None:
    config = settings(tmp_path, desks={"DEFAULT": FAR})
    known = exchange.environment()
    with (
        full_pipe() as output,
        bot_process(tmp_path / "logs", "--config", config, environment=known, output=output) as bot,
    ):
        bot.sees("quotes on both sides", exchange.both_sides_rest)
        turns(bot)
        code, said = kill(bot, "nobody reads")
        assert code == 0, said
        bot.sees("nothing resting", exchange.nothing_rests)
        assert tell(bot, "resume")[0] == 0
        bot.sees("quotes again", exchange.both_sides_rest)
        bot.signal(signal.SIGTERM)
        assert bot.ends() == 0
    eventually("nothing resting", exchange.nothing_rests, READS_EVERY)
    assert json.loads((bot.run_dir / "last_run.json").read_text())["exit_code"] == 0
    assert (bot.run_dir / "kmm.lock").read_bytes() == b""
    (stalled,) = bot.log("output_stalled")
    others = [line for line in bot.lines("DEFAULT.log") if line != stalled]
    assert stalled["dropped"] == len(others), "every line of the log, and of none was it said before"


def test_a_fault_of_ours_ends_a_bot_whose_output_nobody_reads(exchange: Exchange, tmp_path: Path) -> None:
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "__init__.py").write_text("")
    (tmp_path / "strategies" / "broken.py").write_text(BROKEN)
    config = settings(tmp_path, desks={"DEFAULT": {"strategy": "broken"}})
    options = ("--config", config)
    known = exchange.environment()
    with (
        full_pipe() as output,
        bot_process(tmp_path / "logs", *options, environment=known, directory=tmp_path, output=output) as bot,
    ):
        assert bot.ends() == 1
    assert bot.alerts("bot_crash") and bot.log("output_stalled")


def test_a_stop_on_a_terminal_that_takes_nothing_ends(exchange: Exchange, tmp_path: Path) -> None:
    config = settings(tmp_path, desks={"DEFAULT": FAR})
    known = {**exchange.environment(), "TERM": "xterm"}
    with (
        hanging_terminal() as output,
        bot_process(tmp_path / "logs", "--config", config, environment=known, output=output) as bot,
    ):
        bot.sees("quotes on both sides", exchange.both_sides_rest)
        turns(bot)
        code, said = tell(bot, "stop")
        assert (code, said["exit_code"]) == (0, 0), said
        assert bot.ends() == 0
    eventually("nothing resting", exchange.nothing_rests, READS_EVERY)
    assert (bot.run_dir / "kmm.lock").read_bytes() == b""
