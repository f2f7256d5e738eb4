"""The exchange pauses and goes on, twice, under a bot that quotes: real processes, real sockets, and the
exchange counts what reaches it (control C14, invariant I10, fault F36)."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.processes import (
    READS_EVERY,
    Bot,
    Exchange,
    bot_process,
    eventually,
    exchange_process,
    is_exact,
    kmm,
    settings,
)
from tests.live.steering import FAR, beat, tell, turns

ORDERS = "/portfolio/events/orders"
PLENTY = 100_000
# Does nothing but count: what is used up of its times has come by.
COUNTERS = [
    {
        "point": "before_parse",
        "kind": "delay",
        "delay_ns": 1,
        "times": PLENTY,
        "method": method,
        "contains": ORDERS,
    }
    for method in ("POST", "DELETE")
]


@pytest.fixture(scope="module")
def managed() -> Iterator[Exchange]:
    options = ("--seed", "3", "--balance", "5000", "--regime", "fast_15_minute", "--admin-port", "0")
    with exchange_process(*options) as (_, running):
        running.manage("POST", "/faults", COUNTERS)
        yield running


def arrived(exchange: Exchange) -> tuple[int, int]:
    """Creates and amends, and cancels, that the exchange was asked for."""
    creates, cancels = (PLENTY - row["times"] for row in exchange.manage("GET", "/faults")["faults"])
    return creates, cancels


def why(bot: Bot) -> str:
    """It rests, as far as that is the exchange's doing; data that a slow machine delays are its own."""
    reason: str = beat(bot)["pauses"].get("exchange", "")
    return reason


def rests_because(bot: Bot, reason: str) -> None:
    bot.sees(reason, lambda: why(bot) == reason)
    assert beat(bot)["status"] == "paused"


def told(bot: Bot, level: str, subject: str = "exchange") -> list[str]:
    alerts = [alert for alert in bot.alerts("pause") if alert["details"].get("subject") == subject]
    return [alert["message"] for alert in alerts if alert["level"] == level]


def test_nothing_is_sent_in_a_pause_and_quoting_comes_back(managed: Exchange, tmp_path: Path) -> None:
    config = settings(tmp_path, desks={"DEFAULT": FAR}, quoting={"cancel_on_pause": False})
    options = ("--config", config, "--json")
    with bot_process(tmp_path / "logs", *options, environment=managed.environment()) as bot:
        bot.sees("quotes on both sides", managed.both_sides_rest)
        assert why(bot) == ""

        managed.manage("POST", "/pause")
        rests_because(bot, "trading is paused by the exchange")
        bot.sees("nothing rests", managed.nothing_rests)
        bot.sees("nothing on its way", lambda: tell(bot, "status")[1]["open_orders"] == 0)
        before = arrived(managed)
        turns(bot, 12)
        assert arrived(managed) == before, "neither places nor cancels"
        shown = tell(bot, "status")[1]
        assert (shown["status"], shown["pauses"]["exchange"]) == ("paused", why(bot))
        managed.manage("POST", "/resume")
        bot.sees("quotes on both sides", managed.both_sides_rest)
        bot.sees("the end told", lambda: told(bot, "info"))
        assert [len(told(bot, "warning")), len(told(bot, "info"))] == [1, 1]

        managed.manage("POST", "/pause", {"exchange": True})
        rests_because(bot, "the exchange is paused")
        managed.catch_up()
        resting = managed.resting_names()
        assert resting, "the exchange cancels nothing now"
        creates, cancels = arrived(managed)
        bot.sees("cancels tried again", lambda: arrived(managed)[1] >= cancels + 2 * len(resting))
        assert arrived(managed)[0] == creates
        assert managed.resting_names() == resting
        bot.sees("that told", lambda: told(bot, "warning", "cancels"))
        assert ["refuses cancels" in text for text in told(bot, "warning", "cancels")] == [True]
        managed.manage("POST", "/resume")
        bot.sees("new quotes", lambda: managed.both_sides_rest() and not managed.resting_names() & resting)

        bot.sees("the word for it", lambda: beat(bot)["status"] == "active")
        bot.signal(signal.SIGTERM)
        assert bot.ends() == 0, bot.stderr
        assert is_exact(bot.summary)
    replayed = kmm("replay", tmp_path / "logs" / "journal", "--json")
    assert json.loads(replayed.stdout)["difference"] is None


@pytest.mark.parametrize("whole", [False, True], ids=["of trading", "of the exchange"])
def test_in_a_pause_the_exchange_itself_takes_away_what_a_killed_bot_left(
    managed: Exchange, tmp_path: Path, whole: bool
) -> None:
    config = settings(tmp_path, desks={"DEFAULT": FAR})
    with bot_process(tmp_path / "logs", "--config", config, environment=managed.environment()) as bot:
        bot.sees("quotes on both sides", managed.both_sides_rest)
        bot.signal(signal.SIGKILL)
        assert bot.ends() == -signal.SIGKILL
    assert managed.resting()
    managed.manage("POST", "/pause", {"exchange": whole})
    eventually("nothing rests", managed.nothing_rests, READS_EVERY)
    managed.manage("POST", "/resume")
