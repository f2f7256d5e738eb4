"""A disk that refuses: quotes are pulled, a person hears of it, and all goes on when there is room again."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.live.processes import Bot, Exchange, bot_process

ROOM = "24m"
UNLIMITED = resource.RLIM_INFINITY


@dataclass
class Disk:
    """Where a bot writes, and how to make that impossible and possible again."""

    home: Path
    fill: Callable[[Bot], None]
    free: Callable[[Bot], None]


def limited(home: Path) -> Disk:
    """No file may become larger than it is (EFBIG), which no privilege is needed for."""

    def limit(bytes_: int) -> Callable[[Bot], None]:
        return lambda bot: _set_limit(bot.process.pid, bytes_)

    return Disk(home, limit(0), limit(UNLIMITED))


def _set_limit(pid: int, size: int) -> None:
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, UNLIMITED))


@contextmanager
def small(home: Path) -> Iterator[Disk]:
    """A file system of its own, that runs full (ENOSPC)."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(home)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    try:
        yield Disk(home, lambda _: _use_up(home / "filler"), lambda _: (home / "filler").unlink())
    finally:
        subprocess.run(["umount", "--lazy", str(home)], check=True)


def _use_up(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        piece = 1 << 20
        while piece:
            try:
                file.write(b"x" * piece)
            except OSError:
                piece //= 2


@pytest.fixture(params=["a limit on file sizes", "a full file system"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    home = tmp_path / "disk"
    home.mkdir()
    if request.param == "a limit on file sizes":
        yield limited(home)
    else:
        with small(home) as found:
            yield found


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="prlimit(2) is Linux's")
def test_a_refusing_disk_pulls_the_quotes_and_room_brings_them_back(
    exchange: Exchange, config: Path, disk: Disk
) -> None:
    environment = exchange.environment()
    with bot_process(disk.home / "logs", "--config", config, environment=environment) as bot:
        bot.sees("quotes", exchange.both_sides_rest)
        disk.fill(bot)
        bot.sees("no quotes while nothing can be written down", exchange.nothing_rests)
        before = exchange.runs()
        disk.free(bot)
        bot.sees("quotes again", exchange.both_sides_rest)
        assert exchange.runs() == before, "it is the same run"
        bot.sees("the alert", lambda: bot.alerts("storage"))
        bot.signal(signal.SIGTERM)
        assert bot.ends() == 0, bot.stderr
    commands = [(line["command"], line["reason"].split(":")[0]) for line in bot.log("command_received")]
    assert commands[0] == ("storage_lost", "journal")
    assert ("storage_back", "the journal can be written again") in commands
    refusals = [alert for alert in bot.alerts("storage") if alert["level"] == "critical"]
    assert refusals and all(alert["details"]["errno"] for alert in refusals)
    assert exchange.nothing_rests()
    whole(bot.run_dir)


def whole(run_dir: Path) -> None:
    """Nothing is torn, doubled or lost in what is followed line by line."""
    assert list(run_dir.glob("*.torn")) == []
    for path in run_dir.glob("*.jsonl"):
        for line in path.read_text("ascii").splitlines():
            json.loads(line)
    lines = (run_dir / "Strategy_DEFAULT_trading.jsonl").read_text().splitlines()
    told = [json.loads(line) for line in lines]
    fills = [line["trade_id"] for line in told if line["event_type"] == "fill"]
    metrics = json.loads((run_dir / "Strategy_DEFAULT_metrics.json").read_text())
    assert len(fills) == len(set(fills)) == metrics["summary"]["total_fills"]
    sent = [line["request_id"] for line in told if line["event_type"] == "order_sent"]
    assert len(sent) == len(set(sent)) == metrics["summary"]["orders_sent"]
