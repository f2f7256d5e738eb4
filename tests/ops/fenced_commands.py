"""The commands of the operator's quick start, letter by letter, and how a test types them into a bash."""

from __future__ import annotations

import codecs
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 150.0  # longer than the longest command waits by itself
STAND_INS = Path(__file__).parent / "stand_ins"
GREW = re.compile(r"(tar: \S+: file changed as we read it\n)+")
COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")

TAIL_ALERTS = "tail -f alerts.jsonl"
TAIL_TRADING = "tail -f Strategy_DEFAULT_trading.jsonl | jq ."
TAIL_LOG = "tail -f DEFAULT.log"
BREAKER = "cat DEFAULT_circuit_breaker_status.json | jq ."
SUMMARY = "cat Strategy_DEFAULT_metrics.json | jq .summary"
COUNT_ERRORS = "cat Strategy_DEFAULT_trading.jsonl | jq 'select(.event_type == \"api_error\")' | wc -l"
SUCCESS_RATE = "cat Strategy_DEFAULT_metrics.json | jq .summary.order_success_rate_pct"
CRITICAL = "cat alerts.jsonl | jq 'select(.level == \"critical\")'"
LAST_ERRORS = "cat Strategy_DEFAULT_trading.jsonl | jq 'select(.event_type == \"api_error\")' | tail -10"
FILLS_OF_LAST_HOUR = """\
cat Strategy_DEFAULT_trading.jsonl | \\
  jq "select(.event_type == \\"fill\\" and .timestamp > $(date -u -d '1 hour ago' +%s))\""""
ERRORS_BY_SECOND = """\
cat Strategy_DEFAULT_trading.jsonl | \\
  jq 'select(.event_type == "api_error")' | \\
  jq -r '.timestamp' | \\
  awk '{print strftime("%Y-%m-%d %H:%M:%S", $1)}' | \\
  uniq -c"""
LATENCY = "cat Strategy_DEFAULT_metrics.json | jq .summary.avg_quote_latency_ms"
IS_OPEN = "cat DEFAULT_circuit_breaker_status.json | jq .is_open"
TRIP_REASON = "cat DEFAULT_circuit_breaker_status.json | jq .trip_reason"
CRASH = "cat alerts.jsonl | jq 'select(.category == \"bot_crash\")' | tail -1"
LAST_LOG = "tail -100 DEFAULT.log"
POSITIONS = """\
cat Strategy_DEFAULT_trading.jsonl | \\
  jq 'select(.event_type == "inventory_change")' | \\
  tail -5"""
BUNDLE = """\
tar -czf diagnostics.tar.gz \\
  alerts.jsonl \\
  DEFAULT_circuit_breaker_status.json \\
  Strategy_DEFAULT_metrics.json \\
  DEFAULT.log \\
  Strategy_DEFAULT_trading.jsonl"""

# Those that go on until Ctrl-C, and those that end by themselves: all in the run directory.
FOLLOWING = (TAIL_ALERTS, TAIL_TRADING, TAIL_LOG)
READING = (
    *(BREAKER, SUMMARY, COUNT_ERRORS, SUCCESS_RATE, CRITICAL, LAST_ERRORS, FILLS_OF_LAST_HOUR),
    *(ERRORS_BY_SECOND, LATENCY, IS_OPEN, TRIP_REASON, CRASH, LAST_LOG, POSITIONS, BUNDLE),
)
# In the project directory, by the machine's administrator.
SYSTEMD = (
    "sudo cp kalshi-market-maker.service /etc/systemd/system/",
    "sudo nano /etc/systemd/system/kalshi-market-maker.service  # Edit paths",
    "sudo systemctl daemon-reload",
    "sudo systemctl enable kalshi-market-maker",
    "sudo systemctl start kalshi-market-maker",
    "sudo systemctl status kalshi-market-maker",
    "sudo journalctl -u kalshi-market-maker -f",
    "sudo systemctl restart kalshi-market-maker",
)
SUPERVISOR = (
    "sudo apt-get install supervisor",
    "sudo cp supervisor-kalshi-mm.conf /etc/supervisor/conf.d/",
    "sudo nano /etc/supervisor/conf.d/supervisor-kalshi-mm.conf  # Edit paths",
    "sudo supervisorctl reread",
    "sudo supervisorctl update",
    "sudo supervisorctl start kalshi-market-maker",
    "sudo supervisorctl restart kalshi-market-maker",
)


def fenced(document: str, language: str = "bash") -> Iterator[str]:
    """The commands in a document's fences one by one, with continuation lines, without comment lines."""
    for indent, block in re.findall(rf"^( *)```{language}\n(.*?)^ *```$", document, re.MULTILINE | re.DOTALL):
        command = ""
        for line in block.splitlines():
            line = line.removeprefix(indent)
            if not command and (not line or line.startswith("#")):
                continue
            command += line
            if line.endswith("\\"):
                command += "\n"
            else:
                yield command
                command = ""


def environment(stand_ins: Sequence[Path] = ()) -> dict[str, str]:
    """Ours, with ``stand_ins`` before everything on the PATH. A machine without jq gets one in its place that
    is the same engine (libjq, from the Python package) behind a command line of ours."""
    first = [str(path) for path in stand_ins]
    if shutil.which("jq") is None:
        first.append(str(STAND_INS / "jq"))
    path = os.pathsep.join([*first, os.environ["PATH"]])
    return {**os.environ, "PATH": path, "PYTHON_OF_TESTS": sys.executable, "LC_ALL": "C", "TZ": "UTC"}


def type_in(command: str, directory: Path, env: dict[str, str] | None = None) -> str:
    """What a command prints that ends by itself.

    :raises AssertionError: if it fails, or complains. That a file grew while it was packed is no complaint: a
        bot that runs goes on writing.
    """
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        cwd=directory,
        env=env or environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    is_fine = (done.returncode, done.stderr) == (0, "")
    assert is_fine or (done.returncode == 1 and GREW.fullmatch(done.stderr)), f"{command}: {done}"
    return done.stdout


class Followed:
    """A command that goes on until Ctrl-C, on a terminal of its own: programs hold back what a pipe gets."""

    def __init__(self, command: str, directory: Path, env: dict[str, str] | None = None) -> None:
        self.command = command
        self.output = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._ours, theirs = pty.openpty()
        self._process = subprocess.Popen(
            ["bash", "-c", command],
            cwd=directory,
            env=env or environment(),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def until(self, is_there: Callable[[str], bool]) -> str:
        """All that it has printed, once ``is_there`` says so of it; without the terminal's colours."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not is_there(self.output):
            left = deadline - time.monotonic()
            assert left > 0, f"{self.command}: waited in vain, saw {self.output[-500:]}"
            if select.select([self._ours], [], [], left)[0]:
                text = self._decoder.decode(os.read(self._ours, 65_536))
                self.output = COLOURS.sub("", self.output + text).replace("\r\n", "\n")
        return self.output

    def end(self) -> None:
        os.killpg(self._process.pid, signal.SIGINT)
        self._process.wait(PATIENCE_SECONDS)
        os.close(self._ours)


def objects(text: str) -> list[dict[str, Any]]:
    """The objects in what jq prints, or in a file of one object a line, but for one cut off at the end.

    :raises AssertionError: if anything else stands there, NaN for example.
    """
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    found, at = [], 0
    while (at := _next(text, at)) < len(text):
        try:
            value, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError:
            assert "\n{" not in text[at:], f"not JSON: {text[at : at + 200]}"
            break
        assert isinstance(value, dict), value
        found.append(value)
    return found


def _next(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _no_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")
