"""What is printed for people where nobody's terminal is: whole rows, for grep and for copying."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from mm.cli.main import main
from mm.cli.paper import UNWRAPPED, paper
from mm.core.picture import BreakerPicture
from mm.observe.status import breaker_form
from tests.observe.engine import START


def test_a_row_that_is_piped_stays_one_line(tmp_path: Path) -> None:
    reason = "inventory is 81% of the position limit (limit 80%), and the rest of this is a long story " * 3
    status = breaker_form(BreakerPicture(False, "x", reason, START, 0, {}, {}, ()), START)
    (tmp_path / "DEFAULT_circuit_breaker_status.json").write_text(json.dumps(status))
    command = ["checklist", "support", "--run-dir", str(tmp_path)]
    said = CliRunner().invoke(main, command, env={"COLUMNS": None})
    (row,) = [line for line in said.output.splitlines() if line.startswith("ALARM") and "tripped by" in line]
    assert reason.strip() in row


def test_who_says_how_wide_it_is_is_heeded() -> None:
    assert paper({}).width == UNWRAPPED
    assert paper({"COLUMNS": "60"}).width != UNWRAPPED
