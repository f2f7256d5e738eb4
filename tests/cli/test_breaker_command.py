"""`kmm breaker show` as a person reads it: each figure in its unit, with the configuration's sign."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from mm.cli.main import main
from mm.core.picture import BreakerPicture
from mm.observe.status import breaker_form
from tests.observe.engine import OK, START

MEASURES = {
    "pnl_threshold": 40.123,
    "desk_pnl_threshold": -2.5,
    "daily_loss_fraction": -1.7e-05,
    "daily_loss_dollars": -0.001,
    "feed_lost_seconds": 3.0,
    "unknown_orders": 1.0,
    "max_inventory_imbalance": 0.2,
}
LIMITS = {
    "pnl_threshold": 100.0,
    "desk_pnl_threshold": 5.0,
    "daily_loss_fraction": 0.05,
    "daily_loss_dollars": 50.0,
    "feed_lost_seconds": 15.0,
    "unknown_orders": 3.0,
    "max_inventory_imbalance": 0.8,
}


def written(run_dir: Path, picture: BreakerPicture) -> Path:
    path = run_dir / "DEFAULT_circuit_breaker_status.json"
    path.write_text(json.dumps(breaker_form(picture, START)))
    return path


def shown(run_dir: Path) -> list[list[str]]:
    said = CliRunner().invoke(main, ["breaker", "show", "--run-dir", str(run_dir)])
    assert said.exit_code == 0, said.output
    return [line.split() for line in said.output.splitlines()]


def test_every_figure_has_its_unit_and_a_loss_is_negative(tmp_path: Path) -> None:
    picture = BreakerPicture(True, "", "", 0, 0, MEASURES, LIMITS, ())
    written(tmp_path, picture)
    assert shown(tmp_path)[3:-1] == [
        ["pnl_threshold", "-$40.12", "-$100.00", "40%"],
        ["desk_pnl_threshold", "$2.50", "-$5.00", "0%"],
        ["daily_loss_fraction", "0.0%", "5.0%", "0%"],
        ["daily_loss_dollars", "$0.00", "$50.00", "0%"],
        ["feed_lost_seconds", "3", "s", "15", "s", "20%"],
        ["unknown_orders", "1", "3", "33%"],
        ["max_inventory_imbalance", "20.0%", "80.0%", "25%"],
    ]


def test_the_file_has_the_floor_of_the_configuration_and_the_pnl_beside_it(tmp_path: Path) -> None:
    picture = BreakerPicture(True, "", "", 0, 0, {**MEASURES, "pnl_threshold": 0.0}, LIMITS, ())
    status = json.loads(written(tmp_path, picture).read_text())
    assert (status["measures"]["desk_pnl_threshold"], status["thresholds"]["desk_pnl_threshold"]) == (2.5, -5)
    assert str(status["measures"]["pnl_threshold"]) == "0.0"
    assert status["measures"]["daily_loss_dollars"] == -0.001


def test_before_the_first_word_of_the_engine_there_is_no_empty_table(tmp_path: Path) -> None:
    written(tmp_path, BreakerPicture(OK.trading_allowed, "", "", 0, 0, {}, {}, ()))
    assert len(shown(tmp_path)) == 3


def test_the_kill_switch_is_told_as_it_is_now(tmp_path: Path) -> None:
    written(tmp_path, OK)
    assert shown(tmp_path)[-1] == ["kill", "switch", "now:", "off"]
    (tmp_path / "KILL_SWITCH").write_text("while it was dead\n")
    assert shown(tmp_path)[-1][3:] == "ON, also for the next start: while it was dead".split()  # noqa: SIM905
