"""What kills a bot, and what the next one finds: nothing may rest unowned, no position may be forgotten."""

from __future__ import annotations

import json
import shlex
import signal
from pathlib import Path

from tests.live.processes import READS_EVERY, Exchange, bot_process, eventually, is_exact, kmm, settings

# Quotes both sides beside the touch, and has a fault that shows when somebody has seen them rest.
FAULTY = '''
"""A strategy with a fault."""

from pathlib import Path
from typing import ClassVar

from mm.core.strategy import Decision, Params, Quote
from mm.core.units import CENT, CONTRACT, DOLLAR, Side


class Strategy:
    Params: ClassVar[type[Params]] = Params

    def __init__(self, params):
        self._fault = Path(__file__).with_name("fault")

    def quotes(self, view):
        if self._fault.exists():
            raise ZeroDivisionError("the fault that we put in")
        bid, ask = view.best_bid, view.best_ask
        if bid is None or ask is None or bid <= 2 * CENT or ask >= DOLLAR - 2 * CENT:
            return Decision(note="too near the edge")
        bid, ask = bid // CENT * CENT - CENT, -(-ask // CENT) * CENT + CENT
        return Decision((Quote(Side.BID, bid, CONTRACT), Quote(Side.ASK, ask, CONTRACT)))
'''


# Larger than what is taken from it in a minute: what two small quotes bought and sold is often flat again.
NEAR = {
    "strategy": "top_of_book",
    "params": {"size_contracts": 50, "cutoff_seconds": 5},
    "markets": {"series": ["KXSIMBTC15M"]},
}
FAR = {
    "strategy": "fixed_spread",
    "params": {"size_contracts": 5, "half_spread_cents": 12},
    "markets": {"series": ["KXSIMINX"]},
}


def test_after_a_kill_the_next_start_cancels_what_rests_and_owns_the_position(
    exchange: Exchange, tmp_path: Path
) -> None:
    """One desk is filled, the other's quotes stay where they are. Between the kill and the new start, a dry
    run looks and touches nothing."""
    config = settings(tmp_path, desks={"NEAR": NEAR, "FAR": FAR})
    run_dir, arguments = tmp_path / "logs", ("--config", config, "--json")
    with bot_process(run_dir, *arguments, environment=exchange.environment()) as first:
        first.waits_for("order_filled", desk="NEAR")
        first.waits_for("order_acknowledged", desk="FAR")
        first.signal(signal.SIGKILL)
        assert first.ends() == -signal.SIGKILL
    far = {line["client_order_id"] for line in first.log("order_acknowledged", "FAR")}
    exchange.catch_up()
    held = eventually("a position", exchange.positions, READS_EVERY)  # reads lag
    runs = exchange.runs()

    with bot_process(run_dir, *arguments, "--dry-run", environment=exchange.environment()) as dry:
        dry.waits_for("order_acknowledged", len(far) + 1, desk="FAR")
        dry.signal(signal.SIGTERM)
        assert dry.ends() == 1, dry.stderr
        assert dry.summary["resting_orders"] > 0, "they still rest, and that is not in order"
        (crash,) = dry.alerts("bot_crash")
        assert f"the former run (process {first.process.pid}" in crash["message"], "and no crash of its own"
        assert dry.alerts("order_anomaly")[-1]["level"] == "critical"
    assert exchange.runs() == runs, "the dry run sent an order"
    assert far & exchange.resting_names(), "the dry run cancelled an order"

    said = len(dry.log("order_acknowledged", "FAR"))
    with bot_process(run_dir, *arguments, environment=exchange.environment()) as second:
        second.waits_for("order_acknowledged", said + 1, desk="FAR")
        second.sees("the leftovers gone", lambda: not far & exchange.resting_names())
        reasons = {line["reason"] for line in second.log("order_cancel_submitted", "FAR")}
        assert "left over from a former run" in reasons
        second.signal(signal.SIGTERM)
        assert second.ends() == 0, second.stderr
        assert is_exact(second.summary)
        compared = {line["name"].removeprefix("position ") for line in second.summary["comparison"]}
        assert set(held) <= compared, "a position from before the kill was not compared"
    assert exchange.nothing_rests()
    for run in ("1", "2", "3"):
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
        bot.sees("its quotes", exchange.both_sides_rest)
        (home / "strategies" / "fault").touch()
        assert bot.ends() == 1
        eventually("an empty list of orders", exchange.nothing_rests, READS_EVERY)  # reads lag
        (crash,) = bot.alerts("bot_crash")
        assert crash["level"] == "critical"
        assert "the fault that we put in" in crash["message"]
        assert exchange.key_id not in bot.everything()
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
        typed = shlex.split(second.stderr.partition("; kmm ")[2].removesuffix(" ends it\n"))
        assert kmm(*typed).returncode == 0
        assert bot.ends() == 0, bot.stderr
        assert is_exact(bot.summary)
    assert json.loads((run_dir / "heartbeat.json").read_text())["status"] == "stopping"
