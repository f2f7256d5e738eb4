"""One desk stops while the other goes on: seen, refused for the wrong desk, kept through a kill, ended by a
person, with the bot and with the files of a dead one. Real processes, the real commands."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from typing import Any

from mm.core.units import MONEY_DOLLAR
from tests.live.processes import Bot, Exchange, kmm, settings
from tests.live.steering import FAR, is_trading, quoting, tell
from tests.live.test_careless_operator import CALM, NASTY

DESKS = {"LEFT": FAR, "RIGHT": {**FAR, "markets": {"series": ["KXSIMBTC15M"]}}}
BREAKER = {"each_desk": {"pnl_threshold": -5.0}}
RULE = "desk_pnl_threshold"


def status_of(run_dir: Path, desk: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run_dir / f"{desk}_circuit_breaker_status.json").read_text())
    return found


def let_it_have_lost(run_dir: Path, desk: str, dollars: int) -> None:
    """As if earlier runs had: what was lost before counts, so that no test waits for a market to move."""
    for name in DESKS:
        status = status_of(run_dir, name)
        known = status["memory"]["desks"][desk]
        known["pnl"] = str(int(known["pnl"]) - dollars * MONEY_DOLLAR)
        (run_dir / f"{name}_circuit_breaker_status.json").write_text(json.dumps(status))


def is_stopped(bot: Bot) -> bool:
    return not status_of(bot.run_dir, "RIGHT")["is_open"]


def dies(bot: Bot) -> None:
    bot.signal(signal.SIGKILL)
    assert bot.ends() == -signal.SIGKILL


def test_one_desk_stops_is_seen_and_is_let_go_on_alone(exchange: Exchange, tmp_path: Path) -> None:
    config = settings(tmp_path, desks=DESKS, circuit_breaker=BREAKER)
    with quoting(exchange, tmp_path, config) as bot:
        assert tell(bot, "stop")[0] == 0
        assert bot.ends() == 0
    let_it_have_lost(bot.run_dir, "RIGHT", dollars=9)

    with quoting(exchange, tmp_path, config) as bot:
        bot.sees("the trip", lambda: is_stopped(bot))
        assert status_of(bot.run_dir, "RIGHT")["trip_rule"] == RULE
        assert status_of(bot.run_dir, "LEFT")["is_open"]
        bot.sees("the other trading", lambda: is_trading(bot))
        status = kmm("status", "--run-dir", bot.run_dir).stdout
        assert "desk RIGHT" in status and "TRIPPED: P&L of the desk is" in status
        shown = kmm("breaker", "show", "--run-dir", bot.run_dir).stdout
        assert shown.count(RULE) == 3, "once for each desk's table, and once as the trip's rule"
        assert shown.count("weekly_loss_dollars") == 1, "the account's rows stand once"
        code, said = tell(bot, "breaker", "reset", "--reason", "not this one", "--desk", "LEFT")
        assert code == 2 and "desk LEFT has no trip of its own; there is one of desk RIGHT" in said["error"]
        dies(bot)
    copy = shutil.copytree(bot.run_dir, tmp_path / "copy", ignore=shutil.ignore_patterns("*.sock"))

    with quoting(exchange, tmp_path, config) as bot:
        assert is_stopped(bot), "a kill forgives nothing"
        assert tell(bot, "breaker", "reset", "--reason", NASTY, "--desk", "RIGHT")[0] == 0
        told = f"breaker of desk RIGHT reset: {CALM}"
        bot.sees(told, lambda: told in [alert["message"] for alert in bot.alerts("circuit_breaker")])
        bot.sees("the desk open", lambda: not is_stopped(bot))

    before = status_of(copy, "RIGHT")["memory"]
    done = kmm("breaker", "reset", "--reason", NASTY, "--desk", "RIGHT", "--run-dir", copy)
    assert f"reset: {RULE}" in done.stdout and "\x1b" not in done.stdout
    after = status_of(copy, "RIGHT")
    assert (after["is_open"], after["memory"]["reset_reason"]) == (True, CALM)
    assert after["memory"]["day_base"] == before["day_base"], "a desk's reset forgives the account nothing"
