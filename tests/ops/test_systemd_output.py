"""Standard output of a bot that nobody watches: there at once, line by line, in the words of the manuals."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live.processes import ROOT, clean_environment, eventually, exchange_process, settings

PREFIX = re.compile(r"<([0-7])>(?=\{)")
PRIORITY = {"debug": "7", "info": "6", "warning": "4", "error": "3", "critical": "2"}
UNAVAILABLE = (
    "- {point: before_parse, kind: status, method: POST, contains: /orders, status: 503, times: 2}\n"
)


def whole_lines(path: Path) -> str:
    """So far; the kill may come in the middle of one."""
    return path.read_text().rpartition("\n")[0]


@pytest.mark.parametrize("is_journal", [True, False])
def test_output_is_there_while_it_runs_and_prefixed_only_for_the_journal(
    tmp_path: Path, is_journal: bool
) -> None:
    faults = tmp_path / "faults.yaml"
    faults.write_text(UNAVAILABLE)
    out = tmp_path / "out"
    with exchange_process("--seed", "3", "--faults", str(faults)) as (_, exchange), out.open("wb") as stream:
        found = out.stat()
        inode = found.st_ino if is_journal else found.st_ino + 1
        environment = {**exchange.environment(), "JOURNAL_STREAM": f"{found.st_dev}:{inode}"}
        bot = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "mm",
                "run",
                "--config",
                str(settings(tmp_path)),
                "--run-dir",
                str(tmp_path / "run"),
            ],
            cwd=ROOT,
            env=clean_environment(environment),
            stdin=subprocess.DEVNULL,
            stdout=stream,
        )
        try:
            eventually("an API error in the redirected output", lambda: '"api_error"' in whole_lines(out))
            assert bot.poll() is None, "seen while it runs: nothing waits in a buffer"
        finally:
            bot.kill()
            bot.wait()
    lines = [line for line in whole_lines(out).splitlines() if '"level":' in line]
    assert lines
    records = []
    for line in lines:
        said = PREFIX.match(line)
        record = json.loads(PREFIX.sub("", line, count=1))
        records.append(record)
        assert (said and said[1]) == (PRIORITY[record["level"]] if is_journal else None)
    errors = [record for record in records if record["event"] == "api_error"]
    assert errors
    assert all("API error" in record["message"] for record in errors)
