"""What kills a bot, and what the next one finds: nothing may rest unowned, no position may be forgotten."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from tests.live.processes import Exchange, bot_process, eventually, is_exact, kmm, settings

# Quotes both sides beside the touch, and has a fault that shows after some quotes.
FAULTY = '''
"""A strategy with a fault."""

from typing import Annotated, ClassVar

import msgspec

from mm.core.strategy import Decision, Params, Quote
from mm.core.units import CENT, CONTRACT, DOLLAR, Side


class FaultyParams(Params, frozen=True):
    fails_after: int = 15


class Strategy:
    Params: ClassVar[type[Params]] = FaultyParams

    def __init__(self, params: FaultyParams) -> None:
        self._left = params.fails_after

    def quotes(self, view):
        self._left -= 1
        if self._left <= 0:
            raise ZeroDivisionError("the fault that we put in")
        bid, ask = view.best_bid, view.best_ask
        if bid is None or ask is None or bid <= 2 * CENT or ask >= DOLLAR - 2 * CENT:
            return Decision(note="too near the edge")
        bid, ask = bid // CENT * CENT - CENT, -(-ask // CENT) * CENT + CENT
        return Decision((Quote(Side.BID, bid, CONTRACT), Quote(Side.ASK, ask, CONTRACT)))
'''


def test_after_a_kill_the_next_start_cancels_what_rests_and_owns_the_position(
    exchange: Exchange, config: Path, tmp_path: Path
) -> None:
    run_dir, arguments = tmp_path / "logs", ("--config", config, "--json")
    with bot_process(run_dir, *arguments, environment=exchange.environment()) as first:
        first.waits_for("order_filled")
        eventually("quotes on both sides", exchange.both_sides_rest, every=0.2)
        first.signal(signal.SIGKILL)
        assert first.ends() == -signal.SIGKILL
    left = {order["client_order_id"] for order in exchange.resting()}
    assert left, "a killed bot leaves its quotes behind"
    held = eventually("a position", exchange.positions, every=0.2)  # reads lag

    with bot_process(run_dir, *arguments, environment=exchange.environment()) as second:
        second.waits_for("order_acknowledged", len(first.log("order_acknowledged")) + 2)
        assert not left & {order["client_order_id"] for order in exchange.resting()}
        reasons = {line["reason"] for line in second.log("order_cancel_submitted")}
        assert "left over from a former run" in reasons
        second.signal(signal.SIGTERM)
        assert second.ends() == 0, second.stderr
        assert is_exact(second.summary)
        compared = {line["name"].removeprefix("position ") for line in second.summary["comparison"]}
        assert set(held) <= compared, "a position from before the kill was not compared"
    assert exchange.nothing_rests()
    for run in ("1", "2"):
        replayed = kmm("replay", run_dir / "journal", "--run", run, "--json")
        assert replayed.returncode == 0, replayed.stdout + replayed.stderr


def test_a_fault_of_ours_cancels_everything_says_so_and_the_next_start_works(
    exchange: Exchange, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    (home / "strategies").mkdir(parents=True)
    (home / "strategies" / "__init__.py").write_text("")
    (home / "strategies" / "faulty.py").write_text(FAULTY)
    run_dir = tmp_path / "logs"
    config = settings(home, desks={"DEFAULT": {"strategy": "faulty"}})
    arguments = ("--config", config, "--json")
    with bot_process(run_dir, *arguments, environment=exchange.environment(), directory=home) as bot:
        eventually("a resting quote", exchange.resting, every=0.2)
        assert bot.ends() == 1
        eventually("an empty list of orders", exchange.nothing_rests, every=0.2)  # reads lag
        (crash,) = bot.alerts("bot_crash")
        assert crash["level"] == "critical"
        assert "the fault that we put in" in crash["message"]
        assert exchange.key_id not in bot.stdout + bot.stderr + bot.everything()
    replayed = kmm("replay", run_dir / "journal")
    assert "Traceback" not in replayed.stderr

    config = settings(tmp_path)
    with bot_process(
        run_dir, "--config", config, "--once", "--json", environment=exchange.environment()
    ) as mended:
        assert mended.ends() == 0, mended.stderr
        assert is_exact(mended.summary)
    assert exchange.nothing_rests()


def test_a_second_bot_in_the_same_directory_is_refused_and_disturbs_nothing(
    exchange: Exchange, config: Path, tmp_path: Path
) -> None:
    run_dir, arguments = tmp_path / "logs", ("--config", config, "--json")
    with bot_process(run_dir, *arguments, environment=exchange.environment()) as bot:
        bot.waits_for("order_acknowledged")
        second = kmm("run", "--run-dir", run_dir, *arguments, environment=exchange.environment())
        assert second.returncode == 11
        assert second.stderr.startswith("kmm run: Failed to acquire lock")
        assert f"process {bot.process.pid}, since 20" in second.stderr
        assert second.stderr.count("\n") == 1
        assert len(bot.alerts("bot_startup")) == 1
        bot.signal(signal.SIGINT)
        assert bot.ends() == 0, bot.stderr
        assert is_exact(bot.summary)
    assert json.loads((run_dir / "heartbeat.json").read_text())["status"] == "stopping"
