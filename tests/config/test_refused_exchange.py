"""An exchange in the configuration that cannot be meant: refused before anything connects."""

from __future__ import annotations

import pytest

from tests.config.helpers import errors_of
from tests.config.short_files import V

EXCHANGE = [
    ("environment: prod", "c:4:16: exchange.environment: must be simulated, demo or production"),
    (
        "environment: Production",
        'c:4:16: exchange.environment: must be simulated, demo or production, did you mean "production"?',
    ),
    (
        "rest_url: https://x.y/trade-api/v2",
        "c:4:13: exchange.rest_url: rest_url and ws_url go together: give both or none",
    ),
    (
        "rest_url: http://example.com/trade-api/v2\n  ws_url: ws://127.0.0.1:1/trade-api/ws/v2",
        "c:4:13: exchange.rest_url: must be encrypted (https, wss), except on loopback",
    ),
    (
        "rest_url: https://u:hunter2@example.com/trade-api/v2\n  ws_url: wss://x.y/trade-api/ws/v2",
        "c:4:13: exchange.rest_url: must not carry a user or a password",
    ),
    (
        "rest_url: https://x.y/trade-api/v2\n  ws_url: wss://x.y/trade-api/ws/v2/",
        "c:5:11: exchange.ws_url: must end with /trade-api/ws/v2 and nothing else",
    ),
    (
        "rest_url: https://[::1/trade-api/v2\n  ws_url: wss://x.y/trade-api/ws/v2",
        "c:4:13: exchange.rest_url: not an address",
    ),
    (
        "rest_url: https://x.y/trade-api/v2\n  ws_url: wss://x.y:99999/trade-api/ws/v2",
        "c:5:11: exchange.ws_url: not an address",
    ),
    (
        "rest_url: ftp://x.y/trade-api/v2\n  ws_url: wss://x.y/trade-api/ws/v2",
        "c:4:13: exchange.rest_url: must be an address that begins with https://",
    ),
    (
        "environment: demo\n  rest_url: https://api.elections.kalshi.com/trade-api/v2"
        "\n  ws_url: wss://x.y/trade-api/ws/v2",
        "c:5:13: exchange.rest_url: this host is not one of the demo environment",
    ),
    (
        "request_timeout_seconds: 60",
        "c:4:28: exchange.request_timeout_seconds: must be at least 0.1 and at most 5",
    ),
    (
        "simulated: {regime: index_houre}",
        "c:4:23: exchange.simulated.regime: must be index_hour, fast_15_minute, quiet or toxic, "
        'did you mean "index_hour"?',
    ),
]


@pytest.mark.parametrize(("text", "error"), EXCHANGE, ids=range(len(EXCHANGE)))
def test_an_exchange_that_cannot_be_meant(text: str, error: str) -> None:
    assert errors_of(
        f"{V}desks: {{A: {{strategy: own, markets: {{series: [KX]}}}}}}\nexchange:\n  {text}\n"
    ) == [error]
