"""A person steers a bot that runs: real processes, the real commands, and the exchange as the witness."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from tests.live.processes import Exchange, is_exact, kmm, settings
from tests.live.proxy import wire_to
from tests.live.steering import beat, is_trading, names, quoting, status_file, tell, turns


def test_a_reset_while_tripped_goes_on_and_one_of_a_dead_bot_is_for_the_next(
    exchange: Exchange, tmp_path: Path
) -> None:
    config = settings(tmp_path, circuit_breaker={"feed_lost_seconds": 0.2})
    with wire_to(exchange.port) as feed:
        where = exchange.environment(feed=feed.port)
        with quoting(exchange, tmp_path, config, **where) as bot:
            assert tell(bot, "breaker", "reset", "--reason", "for nothing")[0] == 2
            feed.cut()
            bot.sees("a trip", lambda: beat(bot)["status"] == "tripped")
            feed.mend()
            bot.waits_for("websocket_connected", 2)
            bot.sees("nothing resting", exchange.nothing_rests)
            code, said = tell(bot, "resume")
            assert code == 4 and "stays tripped" in said["error"]
            code, said = tell(bot, "breaker", "reset", "--reason", "a new router")
            assert code == 0, said
            bot.sees("quotes again", exchange.both_sides_rest)
            bot.sees("the word for it", lambda: is_trading(bot) and status_file(bot)["is_open"])

            feed.cut()
            bot.sees("another trip", lambda: beat(bot)["status"] == "tripped")
            bot.sees("it on disk", lambda: not status_file(bot)["is_open"])
            bot.signal(signal.SIGKILL)
            assert bot.ends() == -signal.SIGKILL
    shown = kmm("breaker", "show", "--run-dir", bot.run_dir, "--json")
    assert json.loads(shown.stdout)["source"] == "the files of the last run"
    assert json.loads(shown.stdout)["breakers"]["DEFAULT"]["trip_rule"] == "feed_lost_seconds"
    code, said = tell(bot, "breaker", "reset", "--reason", "a new router, again")
    assert (code, said.get("rules")) == (0, ["feed_lost_seconds"])
    assert tell(bot, "breaker", "reset", "--reason", "once more")[0] == 2
    with quoting(exchange, tmp_path, config) as bot:
        assert tell(bot, "stop")[0] == 0


def test_a_reload_takes_over_what_it_can_and_refuses_a_broken_file_whole(
    exchange: Exchange, tmp_path: Path
) -> None:
    config = settings(tmp_path)
    with quoting(exchange, tmp_path, config) as bot:
        good = config.read_text()
        settings(tmp_path, circuit_breaker={"pnl_threshold": -33}, log={"level": "debug"})
        code, said = tell(bot, "reload")
        assert code == 0, said
        (applied,), (waiting,) = said["applied"], said["needs_restart"]
        assert applied == {"key": "circuit_breaker.pnl_threshold", "before": -100, "after": -33}
        assert (waiting["key"], waiting["after"]) == ("log.level", "debug")
        assert tell(bot, "status")[1]["breaker"]["thresholds"]["pnl_threshold"] == -33

        config.write_text('{"version": 1,\n "circuit_breaker": {"pnl_threshold": 5},\n "desks": {}}')
        code, said = tell(bot, "reload")
        assert code == 78
        assert any(error.startswith(f"{config}:2:") for error in said["errors"]), said
        assert tell(bot, "status")[1]["breaker"]["thresholds"]["pnl_threshold"] == -33
        alert = bot.sees("the alert", lambda: bot.alerts("config_reload")[1:])[0]
        assert alert["level"] == "warning" and f"{config}:2:" in alert["message"]

        config.write_text(good)
        bot.signal(signal.SIGHUP)  # nobody watches a terminal here: it is a supervisor's
        bot.waits_for("config_reloaded", 2)
        assert tell(bot, "status")[1]["breaker"]["thresholds"]["pnl_threshold"] == -100
        bot.sees("quotes still", exchange.both_sides_rest)
        assert tell(bot, "stop")[0] == 0
        assert is_exact(bot.summary)
    replayed = kmm("replay", bot.run_dir / "journal", "--json")
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr


def test_a_pause_pulls_the_quotes_and_a_status_says_so(
    exchange: Exchange, config: Path, tmp_path: Path
) -> None:
    with quoting(exchange, tmp_path, config) as bot:
        code, said = tell(bot, "status")
        assert (code, said["pid"]) == (0, bot.process.pid)
        bot.sees("it active", lambda: tell(bot, "status")[1]["status"] == "active")
        code, said = tell(bot, "cancel-all", "--verify", "--within", "60")
        assert (code, said["status"]) == (0, "paused")
        bot.sees("nothing resting", exchange.nothing_rests)
        known = names(exchange)
        turns(bot)
        assert names(exchange) == known
        assert tell(bot, "resume")[0] == 0
        bot.sees("quotes again", exchange.both_sides_rest)
        code, said = tell(bot, "stop", "--reason", "the end of the test")
        assert (code, said["exit_code"]) == (0, 0)
        assert bot.ends() == 0
        assert is_exact(bot.summary)
        assert not bot.has("control.sock")
    for words in (("status",), ("stop",), ("pause",), ("flatten",), ("reload",)):
        assert tell(bot, *words)[0] == 3, words
    assert "exit code 0" in tell(bot, "status")[1]["error"]
