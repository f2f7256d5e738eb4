"""A person in a hurry: words that no file should hold and no terminal obey, a desk that stopped while
others go on, a socket that somebody removed. Real processes, the real commands."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from typing import Any

from tests.live.processes import Bot, Exchange, bot_process, kmm, settings
from tests.live.test_control import FAR, beat, quoting, tell

# Clears the screen, rings, and is no UTF-8; the shell hands it over as it is.
NASTY = "a\x1b[2J\x07\udc9b31m\nb"
CALM = "a [2J 31m b"
EAGER = {
    "strategy": "top_of_book",
    "params": {"size_contracts": 5, "cutoff_seconds": 5},
    "markets": {"series": ["KXSIMBTC15M"]},
}
STATUS = "RIGHT_circuit_breaker_status.json"


def printed(run_dir: Path, *words: str) -> str:
    """What a person sees, with nothing in it that moves the cursor."""
    done = kmm(*words, "--run-dir", run_dir)
    text = done.stdout + done.stderr
    assert "Traceback" not in text and not set(text) - {"\n"} & set(map(chr, range(32))), repr(text)
    return text


def desk_status(run_dir: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run_dir / STATUS).read_text())
    return found


def stopped_by_a_cent(bot: Bot) -> dict[str, Any]:
    bot.sees("a trip of the desk", lambda: bot.has(STATUS) and not desk_status(bot.run_dir)["is_open"])
    return desk_status(bot.run_dir)


def test_one_desk_stops_is_seen_and_is_let_go_on_alone(exchange: Exchange, tmp_path: Path) -> None:
    """With the bot, and with the files of a dead one, in words that would have made those unreadable."""
    breaker = {"each_desk": {"pnl_threshold": -0.01}, "losing_round_trips": None}
    config = settings(tmp_path, desks={"LEFT": FAR, "RIGHT": EAGER}, circuit_breaker=breaker)
    options = ("--config", config, "--json")
    with bot_process(tmp_path / "logs", *options, environment=exchange.environment()) as bot:
        assert stopped_by_a_cent(bot)["trip_rule"] == "desk_pnl_threshold"
        bot.sees("the other desk's quotes", exchange.both_sides_rest)
        assert beat(bot)["status"] == "active"
        status = printed(bot.run_dir, "status")
        assert "desk RIGHT" in status and "TRIPPED: P&L of the desk is" in status
        shown = printed(bot.run_dir, "breaker", "show")
        assert shown.count("desk_pnl_threshold") == 3, (
            "once for each desk's table, and once as the trip's rule"
        )
        assert shown.count("weekly_loss_dollars") == 1, "the account's rows stand once"

        code, said = tell(bot, "breaker", "reset", "--reason", "not this one", "--desk", "LEFT")
        assert code == 2 and "desk LEFT has no trip of its own; there is one of desk RIGHT" in said["error"]
        bot.signal(signal.SIGKILL)
        assert bot.ends() == -signal.SIGKILL
    copy = shutil.copytree(bot.run_dir, tmp_path / "copy", ignore=shutil.ignore_patterns("*.sock"))

    with bot_process(bot.run_dir, *options, environment=exchange.environment()) as bot:
        bot.sees("the new process", lambda: beat(bot)["status"] == "active")
        assert not desk_status(bot.run_dir)["is_open"]
        code, _ = tell(bot, "breaker", "reset", "--reason", NASTY, "--desk", "RIGHT")
        assert code == 0
        told = f"breaker of desk RIGHT reset: {CALM}"
        bot.sees(told, lambda: told in [alert["message"] for alert in bot.alerts("circuit_breaker")])

    before = desk_status(copy)["memory"]
    assert "reset: desk_pnl_threshold" in printed(
        copy, "breaker", "reset", "--reason", NASTY, "--desk", "RIGHT"
    )
    after = desk_status(copy)
    assert (after["is_open"], after["memory"]["reset_reason"]) == (True, CALM)
    assert after["memory"]["day_base"] == before["day_base"], "a desk's reset forgives the account nothing"


def test_a_kill_is_never_refused_for_its_wording(exchange: Exchange, config: Path, tmp_path: Path) -> None:
    with quoting(exchange, tmp_path, config) as bot:
        bot.sees("a socket", lambda: bot.has("control.sock"))
        for words, held in ((NASTY, CALM), ("x" * 20_000, "x" * 500)):
            assert f"killed: {held}; nothing rests" in printed(bot.run_dir, "kill", words)
            assert (bot.run_dir / "KILL_SWITCH").read_text() == f"{held}\n"
            killed = [alert for alert in bot.alerts("kill_switch") if alert["level"] == "critical"]
            assert f"kill switch: {held}" in killed[-1]["message"]
            assert "goes on" in printed(bot.run_dir, "resume")
        (bot.run_dir / "KILL_SWITCH").write_bytes(b"by hand\x1b]0;owned\x07\x9b2J\n")
        bot.sees("the file heeded", lambda: beat(bot)["status"] == "disabled")
        assert "by hand ]0;owned" in printed(bot.run_dir, "status") + printed(bot.run_dir, "breaker", "show")
        assert tell(bot, "resume")[0] == 0
        assert tell(bot, "stop")[0] == 0


def test_a_kill_without_a_socket_is_heeded_and_says_so(
    exchange: Exchange, config: Path, tmp_path: Path
) -> None:
    with quoting(exchange, tmp_path, config) as bot:
        bot.sees("a socket", lambda: bot.has("control.sock"))
        (bot.run_dir / "control.sock").unlink()
        code, said = tell(bot, "kill", "no socket")
        assert code == 3 and "its heartbeat says disabled, nothing resting" in said["error"]
        assert exchange.nothing_rests()
        bot.signal(signal.SIGSTOP)
        try:
            code, said = tell(bot, "kill", "it hangs", "--within", "1")
        finally:
            bot.signal(signal.SIGCONT)
        assert code == 5 and "no heartbeat shows that it is heeded" in said["error"]
        assert "kmm cancel-all --direct --verify" in said["error"]
