"""The manual's way to put this bot on an exchange that runs already, typed as written into a real bash."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.live.processes import PATIENCE, clean_environment, is_exact, settings
from tests.ops.fenced_commands import environment

MANUAL = Path(__file__).resolve().parents[2] / "docs" / "simulated-exchange.md"
# The exchange goes on when the bot has ended; whoever typed this ends it.
AND_THEN = "\nended=$?; kill $!; wait $!; exit $ended\n"


def typed() -> str:
    """The block as it stands there, except that the bot is to end by itself and to say how."""
    fence = re.compile(r"^This bot on it:\n\n```\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    found = fence.search(MANUAL.read_text())
    assert found is not None
    block = found[1]
    assert block.endswith("\nkmm run\n")
    return block.replace("\nkmm run\n", "\nkmm run --once --json\n")


def test_the_bot_trades_on_an_exchange_that_somebody_else_started(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "kmm").write_text(f'#!/bin/sh\nexec {sys.executable} -m mm "$@"\n')
    (programs / "kmm").chmod(0o755)
    settings(tmp_path)
    done = subprocess.run(
        ["bash", "-c", typed() + AND_THEN],
        cwd=tmp_path,
        env=clean_environment({"PATH": environment([programs])["PATH"]}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=3 * PATIENCE,  # two processes start, and one cycle alone may take a minute
    )
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert is_exact(summary)
    facts = json.loads((tmp_path / "exchange.json").read_text())
    started = (tmp_path / "logs" / "DEFAULT.log").read_text()
    assert facts["rest_url"].split("/")[2] in started, "it is that exchange, not one of the bot's own"
    assert not Path(facts["private_key_path"]).exists(), "the exchange took its key with it"
