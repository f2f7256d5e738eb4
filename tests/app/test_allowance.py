"""How much may be sent is read again while the bot runs, and kept from then on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest
import structlog
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from structlog.testing import capture_logs

from mm.app.allowance import HOUR, SOON, AllowanceWatch
from mm.app.connect import Line
from mm.config.credentials import Credentials
from mm.config.exchange import Endpoints
from mm.config.load import load_config
from mm.core.units import SECOND, Nanos
from mm.kalshi.catalog import read_open_markets
from mm.kalshi.conversation import ReadError
from tests.kalshi.rest_server import Request, RestServer

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 60.0
BASIC = {"refill_rate": 100, "bucket_capacity": 100}
EXPERT = {"refill_rate": 600, "bucket_capacity": 1_200}
Story = Callable[["Told"], Awaitable[None]]


class Told:
    """An exchange that says what it allows, the bot's line to it, and the log. Time goes as a story wants."""

    def __init__(self, key: Path) -> None:
        self.write = dict(BASIC)
        self.create_cost = 10
        self.refuses = 0
        self.limit_reads = 0
        self.now: Nanos = 1_000_000 * SECOND
        self.log: list[MutableMapping[str, Any]] = []
        self.server = RestServer(self._behave)
        self._key = key

    def _behave(self, request: Request) -> None:
        if self.refuses:
            request.reply(self.refuses, {"error": "too many requests"})
        elif "/account/limits" in request.path:
            self.limit_reads += 1
            read = {"refill_rate": 200, "bucket_capacity": 200}
            request.reply(200, {"usage_tier": "basic", "read": read, "write": self.write})
        elif "/account/endpoint_costs" in request.path:
            row = {"method": "POST", "path": "/portfolio/events/orders", "cost": self.create_cost}
            request.reply(200, {"default_cost": 10, "endpoint_costs": [row]})
        else:
            request.reply(200, {"exchange_active": True, "trading_active": True, "market_positions": []})

    async def connect(self) -> None:
        """As a start does."""
        where = self.server.endpoint
        self.line = Line(
            load_config(ROOT / "config.yaml", {}),
            Endpoints(where.url, where.url),
            Credentials("key-id", self._key),
            lambda: self.now,
            lambda *_: None,
            str,
        )
        await self.line.read_limits()
        self.watch = AllowanceWatch(self.line, structlog.get_logger(), lambda: self.now)

    async def look(self, after: Nanos) -> int:
        """How often the limits were read by this look."""
        before = self.limit_reads
        self.now += after
        await self.watch.look()
        return self.limit_reads - before

    async def is_told_too_many(self) -> None:
        self.refuses = 429
        with pytest.raises(ReadError):
            await self.line.hold(read_open_markets())
        self.refuses = 0

    def words(self) -> list[str]:
        return [line["event"] for line in self.log]


@pytest.fixture
def tell(tmp_path: Path) -> Iterator[Callable[[Story], Told]]:
    key = tmp_path / "key.pem"
    key.write_bytes(
        Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    key.chmod(0o600)
    told = Told(key)

    async def run(story: Story) -> None:
        await told.connect()
        try:
            await story(told)
        finally:
            await told.line.close()

    def play(story: Story) -> Told:
        with capture_logs() as told.log:
            asyncio.run(asyncio.wait_for(run(story), PATIENCE_SECONDS))
        return told

    yield play
    told.server.stop()


def test_a_new_tier_is_kept_within_the_hour_and_told(tell: Callable[[Story], Told]) -> None:
    async def story(told: Told) -> None:
        assert told.line.limiter.orders_allowed(told.now) == 6
        told.write = dict(EXPERT)
        assert await told.look(HOUR - SECOND) == 0
        assert await told.look(SECOND) == 1
        told.now += 10 * SECOND
        assert told.line.limiter.orders_allowed(told.now) == 72, (
            "four fifths of 1,200, less what cancels keep"
        )
        assert await told.look(HOUR) == 1

    (line,) = tell(story).log
    assert (line["event"], line["log_level"]) == ("limits_changed", "warning")
    assert "writes 600/s up to 1200" in line["message"] and "writes 100/s up to 100" in line["message"]


def test_a_429_has_them_read_again_at_most_once_a_minute(tell: Callable[[Story], Told]) -> None:
    async def story(told: Told) -> None:
        await told.is_told_too_many()
        assert await told.look(SOON - SECOND) == 0, "they were read a moment ago"
        assert await told.look(SECOND) == 1
        assert await told.look(SOON) == 0, "once for all"
        await told.is_told_too_many()
        assert await told.look(SECOND) == 1

    assert tell(story).words() == [], "nothing has changed"


def test_what_has_been_spent_stays_spent(tell: Callable[[Story], Told]) -> None:
    async def story(told: Told) -> None:
        told.line.limiter.penalize(told.now)
        told.create_cost = 20
        await told.is_told_too_many()
        told.now += SOON - SECOND
        told.line.limiter.penalize(told.now)
        assert await told.look(SECOND) == 1
        assert told.line.limiter.orders_allowed(told.now) == 3, "80 tokens since, at 20, 20 left to cancels"
        told.line.limiter.penalize(told.now)
        told.now += HOUR
        told.line.limiter.penalize(told.now)
        assert await told.look(0) == 1
        assert told.line.limiter.orders_allowed(told.now) == 0

    assert tell(story).words() == ["limits_changed"]


def test_a_read_that_fails_changes_nothing_and_is_tried_again(tell: Callable[[Story], Told]) -> None:
    async def story(told: Told) -> None:
        told.write = dict(EXPERT)
        told.refuses = 503
        assert await told.look(HOUR) == 0
        assert told.line.limiter.orders_allowed(told.now) == 6
        told.refuses = 0
        assert await told.look(SOON - SECOND) == 0
        assert await told.look(SECOND) == 1

    assert tell(story).words() == ["api_error", "limits_changed"]
