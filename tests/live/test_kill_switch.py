"""The kill switch under a bot that runs: by command, by file, by variable. Real processes, the exchange as
the witness."""

from __future__ import annotations

from pathlib import Path

from tests.live.processes import Bot, Exchange, bot_process, is_exact, kmm, settings
from tests.live.steering import beat, by_hand, kill, names, quoting, status_file, tell, turns

# Five quotes on each side, far enough out that they rest.
LADDER = '''
"""A strategy whose quotes rest."""

from typing import ClassVar

from mm.core.strategy import Decision, Params, Quote
from mm.core.units import CENT, CONTRACT, DOLLAR, Side


class Strategy:
    Params: ClassVar[type[Params]] = Params

    def __init__(self, params):
        pass

    def quotes(self, view):
        bid, ask = view.best_bid, view.best_ask
        if bid is None or ask is None or bid <= 20 * CENT or ask >= DOLLAR - 20 * CENT:
            return Decision(note="too near the edge")
        bid, ask = bid // (5 * CENT) * 5 * CENT - 3 * CENT, -(-ask // (5 * CENT)) * 5 * CENT + 3 * CENT
        steps = range(0, 5 * CENT, CENT)
        bids = tuple(Quote(Side.BID, bid - step, CONTRACT) for step in steps)
        return Decision(bids + tuple(Quote(Side.ASK, ask + step, CONTRACT) for step in steps))
'''
MANY = 20


def sends(bot: Bot) -> int:
    """Creates and amends that left, by the bot's own word."""
    events = bot.lines("Strategy_DEFAULT_trading.jsonl")
    return sum(1 for event in events if event["event_type"] == "order_sent")


def test_a_kill_leaves_nothing_resting_and_nothing_follows_until_resume(
    exchange: Exchange, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    (home / "strategies").mkdir(parents=True)
    (home / "strategies" / "__init__.py").write_text("")
    (home / "strategies" / "ladder.py").write_text(LADDER)
    # Two markets, which last for hours, and no order more than are cancelled one by one: a sweep keeps orders
    # away for a minute.
    near = {"min_probability": 0.3, "max_probability": 0.7, "max_markets": 2}
    desk = {"strategy": "ladder", "markets": {"series": ["KXSIMINX"], "filter": near}}
    config = settings(home, desks={"DEFAULT": desk})
    options = ("--config", config, "--json")
    with bot_process(tmp_path / "logs", *options, environment=exchange.environment(), directory=home) as bot:
        bot.sees("twenty orders", lambda: len(exchange.resting()) >= MANY)
        code, said = kill(bot, "the drill")
        assert code == 0, said
        assert (said["open_orders"], said["kill_switch"]) == (0, "the drill") or said["mode"] == "halted"
        bot.sees("nothing resting", exchange.nothing_rests)
        known, sent = names(exchange), sends(bot)
        turns(bot)
        assert names(exchange) == known, "an order came after the kill"
        assert sends(bot) == sent
        assert exchange.nothing_rests()
        assert (bot.run_dir / "KILL_SWITCH").read_text() == "the drill\n"
        assert beat(bot)["status"] == "disabled"
        alerts = bot.alerts("kill_switch")
        assert alerts[0]["level"] == "critical" and "the drill" in alerts[0]["message"]
        file = status_file(bot)
        assert (file["is_open"], file["trip_rule"]) == (False, "kill_switch")
        assert tell(bot, "breaker", "reset", "--reason", "no")[0] == 4, "only resume ends a kill"

        code, said = tell(bot, "resume")
        assert code == 0, said
        assert not bot.has("KILL_SWITCH")
        bot.sees("quotes again", exchange.both_sides_rest)
        bot.sees("the end told", lambda: bot.alerts("kill_switch")[-1]["level"] == "info")
        reasons = [(line["command"], line["reason"]) for line in bot.log("operator_command")]
        assert ("kill", "the drill") in reasons and ("resume", "kmm resume") in reasons
        assert tell(bot, "stop")[0] == 0
        assert is_exact(bot.summary)


def test_a_second_kill_within_a_minute_is_in_the_files_at_once_and_last(
    exchange: Exchange, config: Path, tmp_path: Path
) -> None:
    with quoting(exchange, tmp_path, config) as bot:
        assert kill(bot, "same")[0] == 0
        assert tell(bot, "resume")[0] == 0
        assert kill(bot, "same")[0] == 0
        levels = [alert["level"] for alert in bot.alerts("kill_switch")]
        assert levels.count("critical") == 2 and levels[-1] == "critical"
        assert tell(bot, "stop")[0] == 0
        assert [line["level"] for line in bot.log("kill_switch")] == levels
        assert [alert["level"] for alert in bot.alerts("kill_switch")] == levels, "no older word at the end"


def test_the_file_alone_is_enough_and_so_is_its_removal(
    exchange: Exchange, config: Path, tmp_path: Path
) -> None:
    with quoting(exchange, tmp_path, config) as bot:
        by_hand(bot, b"by hand,\non two lines")
        bot.sees("nothing resting", exchange.nothing_rests)
        bot.sees("the word for it", lambda: beat(bot)["status"] == "disabled")
        assert tell(bot, "status")[1]["kill_switch"] == "by hand, on two lines"
        (bot.run_dir / "KILL_SWITCH").unlink()
        bot.sees("quotes again", exchange.both_sides_rest)
        assert tell(bot, "stop")[0] == 0
        assert is_exact(bot.summary)


def test_a_start_with_the_kill_switch_on_reports_and_never_trades(
    exchange: Exchange, config: Path, tmp_path: Path
) -> None:
    run_dir = tmp_path / "logs"
    run_dir.mkdir()
    done = kmm("kill", "before the start", "--run-dir", run_dir)
    assert done.returncode == 0 and "for the next start" in done.stdout, done.stderr
    known = names(exchange)
    options = ("--config", config, "--json")
    with bot_process(run_dir, *options, environment=exchange.environment()) as bot:
        bot.sees("the word for it", lambda: bot.has("heartbeat.json") and beat(bot)["status"] == "disabled")
        bot.sees("the account read", lambda: beat(bot)["last_reconcile"])
        turns(bot)
        assert names(exchange) == known
        assert bot.alerts("kill_switch")
        assert tell(bot, "resume")[0] == 0
        bot.sees("quotes", exchange.both_sides_rest)
        assert tell(bot, "stop")[0] == 0


def test_the_variable_disables_one_cycle_as_the_manual_has_it(
    exchange: Exchange, config: Path, tmp_path: Path
) -> None:
    known = names(exchange)
    environment = {**exchange.environment(), "BOT_DISABLE_TRADING": "1"}
    options = ("--config", config, "--once", "--json")
    with bot_process(tmp_path / "logs", *options, environment=environment) as bot:
        assert bot.ends() == 0, bot.stderr
        assert is_exact(bot.summary)
        assert "BOT_DISABLE_TRADING=1" in bot.alerts("kill_switch")[0]["message"]
    assert names(exchange) == known


def test_what_the_environment_disables_no_command_resumes(
    exchange: Exchange, config: Path, tmp_path: Path
) -> None:
    environment = {**exchange.environment(), "BOT_DISABLE_TRADING": "1"}
    options = ("--config", config, "--json")
    with bot_process(tmp_path / "logs", *options, environment=environment) as bot:
        bot.sees("a socket", lambda: bot.has("control.sock"))
        code, said = tell(bot, "resume")
        assert code == 4 and "still disabled: BOT_DISABLE_TRADING=1" in said["error"]
        done = kmm("kill", "the drill", "--within", "60", "--run-dir", bot.run_dir)
        assert done.returncode == 0, done.stderr
        still = "still disabled after kmm resume: BOT_DISABLE_TRADING=1"
        assert done.stdout == f"killed: the drill; nothing rests. {still}\n"
        assert (bot.run_dir / "KILL_SWITCH").read_text() == "the drill\n"
        assert tell(bot, "resume")[0] == 4
        assert tell(bot, "stop")[0] == 0
