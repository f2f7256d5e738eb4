"""The wire to the exchange is cut and mended: quotes go, come back, or stay away until a person says so."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from tests.live.processes import Bot, Exchange, bot_process, is_exact, settings
from tests.live.proxy import wire_to
from tests.live.steering import beat

# How long a wire stays cut here is for the machine to say.
PATIENT = {"feed_lost_seconds": None, "max_consecutive_errors": 1_000, "error_rate": None}


def has_tripped(bot: Bot) -> bool:
    """Not only warned."""
    return any(alert["level"] == "critical" for alert in bot.alerts("circuit_breaker"))


def test_a_cut_feed_pulls_the_quotes_and_a_mended_one_brings_them_back(
    exchange: Exchange, tmp_path: Path
) -> None:
    config = settings(tmp_path, circuit_breaker=PATIENT)
    with wire_to(exchange.port) as feed:
        environment = exchange.environment(feed=feed.port)
        with bot_process(tmp_path / "logs", "--config", config, "--json", environment=environment) as bot:
            bot.sees("quotes on both sides", exchange.both_sides_rest)
            before = exchange.resting_names()
            feed.cut()
            bot.waits_for("websocket_disconnected")
            bot.sees("no quotes without a feed", exchange.nothing_rests)
            assert bot.process.poll() is None
            feed.mend()
            bot.waits_for("websocket_connected", 2)
            bot.sees("quotes on both sides again", exchange.both_sides_rest)
            assert not before & exchange.resting_names()
            bot.signal(signal.SIGTERM)
            assert bot.ends() == 0, bot.stderr
            assert is_exact(bot.summary)
            assert bot.alerts("api_disconnect")
    assert exchange.nothing_rests()


def test_an_exchange_out_of_reach_is_waited_for_and_the_books_agree_afterwards(
    exchange: Exchange, tmp_path: Path
) -> None:
    config = settings(tmp_path, circuit_breaker=PATIENT)
    with wire_to(exchange.port) as wire:
        environment = exchange.environment(rest=wire.port, feed=wire.port)
        with bot_process(tmp_path / "logs", "--config", config, "--json", environment=environment) as bot:
            bot.sees("quotes on both sides", exchange.both_sides_rest)
            before = exchange.resting_names()
            wire.cut()
            bot.waits_for("websocket_disconnected")
            bot.waits_for("api_error", 3)
            wire.mend()
            bot.waits_for("websocket_connected", 2)

            def quotes_anew() -> bool:
                return exchange.both_sides_rest() and not before & exchange.resting_names()

            bot.sees("new quotes, and the old ones gone", quotes_anew)
            bot.signal(signal.SIGINT)
            assert bot.ends() == 0, bot.stderr
            assert is_exact(bot.summary)
    assert exchange.nothing_rests()


def test_a_breaker_that_an_outage_tripped_stays_tripped_until_a_person_gives_a_reason(
    exchange: Exchange, tmp_path: Path
) -> None:
    config = settings(tmp_path, circuit_breaker={"max_consecutive_errors": 3})
    run_dir, arguments = tmp_path / "logs", ("--config", config, "--json")

    def breaker() -> object:
        return json.loads((run_dir / "DEFAULT_circuit_breaker_status.json").read_text())["is_open"]

    with wire_to(exchange.port) as wire:
        environment = exchange.environment(rest=wire.port, feed=wire.port)
        with bot_process(run_dir, *arguments, environment=environment) as bot:
            bot.sees("quotes on both sides", exchange.both_sides_rest)
            wire.cut()
            bot.sees("the trip", lambda: has_tripped(bot))
            wire.mend()
            bot.sees("the leftovers gone", exchange.nothing_rests)
            bot.sees("the trip on disk", lambda: breaker() is False)
            bot.signal(signal.SIGKILL)
            assert bot.ends() == -signal.SIGKILL

    sent = len(exchange.orders())
    with bot_process(run_dir, *arguments, environment=exchange.environment()) as bot:
        bot.waits_for("circuit_breaker_still_tripped")
        bot.sees(
            "its heartbeat", lambda: (beat(bot)["pid"], beat(bot)["status"]) == (bot.process.pid, "tripped")
        )
        bot.signal(signal.SIGKILL)
        assert bot.ends() == -signal.SIGKILL
        said = bot.alerts("circuit_breaker")[-1]
        assert said["message"].startswith("no trading: the breaker is still tripped")
        assert 'kmm breaker reset --reason "..."' in said["message"]
    assert breaker() is False
    assert len(exchange.orders()) == sent, "a tripped bot quoted"

    wanted = ("--once", "--reset-breaker", "the cable is back")
    with bot_process(run_dir, *arguments, *wanted, environment=exchange.environment()) as bot:
        assert bot.ends() == 0, bot.stderr
        assert is_exact(bot.summary)
        (reset,) = bot.log("circuit_breaker_reset")
        assert reset["reason"] == "the cable is back"
    assert breaker() is True
    assert len(exchange.orders()) > sent


def test_a_stop_in_order_and_a_start_end_a_trip_that_was_no_loss(exchange: Exchange, tmp_path: Path) -> None:
    """As the operator's manual has it: fix the issue, `systemctl restart`."""
    config = settings(tmp_path, circuit_breaker={"max_consecutive_errors": 3})
    run_dir, arguments = tmp_path / "logs", ("--config", config, "--json")
    with wire_to(exchange.port) as wire:
        environment = exchange.environment(rest=wire.port, feed=wire.port)
        with bot_process(run_dir, *arguments, environment=environment) as bot:
            bot.sees("quotes on both sides", exchange.both_sides_rest)
            wire.cut()
            bot.sees("the trip", lambda: has_tripped(bot))
            wire.mend()
            bot.sees("the leftovers gone", exchange.nothing_rests)
            bot.signal(signal.SIGTERM)
            assert bot.ends() == 0, bot.stderr
            assert is_exact(bot.summary)
    status = run_dir / "DEFAULT_circuit_breaker_status.json"
    assert json.loads(status.read_text())["is_open"] is False
    sent = len(exchange.orders())
    with bot_process(run_dir, *arguments, "--once", environment=exchange.environment()) as bot:
        assert bot.ends() == 0, bot.stderr
        (reset,) = bot.log("circuit_breaker_reset")
        assert "SIGTERM" in reset["message"]
    assert json.loads(status.read_text())["is_open"] is True
    assert len(exchange.orders()) > sent
