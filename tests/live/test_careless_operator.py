"""A person in a hurry: words that no file should hold and no terminal obey, a socket that somebody
removed. Real processes, the real commands."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.live.processes import Exchange, kmm
from tests.live.steering import beat, by_hand, quoting, tell

# Clears the screen, rings, and is no UTF-8; the shell hands it over as it is.
NASTY = "a\x1b[2J\x07\udc9b31m\nb"
CALM = "a [2J 31m b"


def printed(run_dir: Path, *words: str) -> str:
    """What a person sees, with nothing in it that moves the cursor."""
    done = kmm(*words, "--run-dir", run_dir)
    text = done.stdout + done.stderr
    assert "Traceback" not in text and not set(text) - {"\n"} & set(map(chr, range(32))), repr(text)
    return text


def test_a_kill_is_never_refused_for_its_wording(exchange: Exchange, config: Path, tmp_path: Path) -> None:
    with quoting(exchange, tmp_path, config) as bot:
        bot.sees("a socket", lambda: bot.has("control.sock"))
        for words, held in ((NASTY, CALM), ("x" * 20_000, "x" * 500)):
            assert f"killed: {held}; nothing rests" in printed(bot.run_dir, "kill", words, "--within", "60")
            assert (bot.run_dir / "KILL_SWITCH").read_text() == f"{held}\n"
            killed = [alert for alert in bot.alerts("kill_switch") if alert["level"] == "critical"]
            assert f"kill switch: {held}" in killed[-1]["message"]
            assert "goes on" in printed(bot.run_dir, "resume")
        bot.sees("the end of the kill", lambda: beat(bot)["status"] != "disabled")
        by_hand(bot, b"by hand\x1b]0;owned\x07\x9b2J\n")
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
        bot.sees("nothing resting", exchange.nothing_rests)
        bot.signal(signal.SIGSTOP)
        try:
            code, said = tell(bot, "kill", "it hangs", "--within", "1")
        finally:
            bot.signal(signal.SIGCONT)
        assert code == 5 and "no heartbeat shows that it is heeded" in said["error"]
        assert "kmm cancel-all --direct --verify" in said["error"]
