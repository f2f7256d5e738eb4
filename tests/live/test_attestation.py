"""The location attestation lapses, or has lapsed: a person hears of it, and what may be traded is."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from mm.core.units import SECOND
from tests.live.processes import bot_process, exchange_process, settings

DAY = 86_400 * SECOND


@pytest.mark.parametrize(("lapses_in", "level"), [(DAY, "warning"), (-DAY, "critical")])
def test_a_lapse_is_told_and_markets_that_need_none_are_quoted(
    tmp_path: Path, lapses_in: int, level: str
) -> None:
    with exchange_process("--seed", "3", "--admin-port", "0") as (_, exchange):
        exchange.manage("PUT", "/region", {"expires_ns": time.time_ns() + lapses_in})
        arguments = ("--config", settings(tmp_path), "--json")
        with bot_process(tmp_path / "logs", *arguments, environment=exchange.environment()) as bot:
            bot.sees("quotes on both sides", exchange.both_sides_rest)
            bot.sees("an alert", lambda: bot.alerts("attestation"))
            bot.signal(signal.SIGTERM)
            assert bot.ends() == 0, bot.stderr
            assert [alert["level"] for alert in bot.alerts("attestation")] == [level]
