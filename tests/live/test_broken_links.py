"""The wire to the exchange is cut and mended, the exchange hangs, the exchange dies."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.live.processes import Exchange, bot_process, eventually, is_exact
from tests.live.proxy import wire_to


def test_a_cut_wire_pulls_the_quotes_and_a_mended_one_brings_them_back(
    exchange: Exchange, config: Path, tmp_path: Path
) -> None:
    with (
        wire_to(exchange.port) as wire,
        bot_process(
            tmp_path / "logs", "--config", config, "--json", environment=exchange.environment(wire.port)
        ) as bot,
    ):
        bot.waits_for("order_acknowledged", 2)
        eventually("quotes on both sides", exchange.both_sides_rest, every=0.2)
        before = {order["client_order_id"] for order in exchange.resting()}
        wire.cut()
        bot.waits_for("websocket_disconnected")
        wire.mend()
        bot.waits_for("websocket_connected", 2)

        def quotes_anew() -> bool:
            now = {order["client_order_id"] for order in exchange.resting()}
            return bool(now) and not now & before

        eventually("new quotes, the old ones gone", quotes_anew, every=0.2)
        eventually("both sides of them", exchange.both_sides_rest, every=0.2)
        bot.signal(signal.SIGTERM)
        assert bot.ends() == 0, bot.stderr
        assert is_exact(bot.summary)
    assert exchange.nothing_rests()
